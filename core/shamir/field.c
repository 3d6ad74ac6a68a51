/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <pthread.h>
#include <stdbool.h>

struct field_tables field_all;
atomic_bool field_made;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static uint8_t twice(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
}

static void make_tables(void)
{
	uint8_t power = 1;
	for (unsigned i = 0; i < sizeof field_all.exp; i++) {
		field_all.exp[i] = power;
		if (i < 255)
			field_all.log[power] = (uint8_t)i;
		power = (uint8_t)(power ^ twice(power));
	}
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned nibble = 0; nibble < 16; nibble++) {
			field_all.nibbles[a][nibble] = field_multiply(&field_all, (uint8_t)a, (uint8_t)nibble);
			field_all.nibbles[a][16 + nibble] =
				field_multiply(&field_all, (uint8_t)a, (uint8_t)(nibble << 4));
		}
	}
	atomic_store_explicit(&field_made, true, memory_order_release);
}

void field_make(void)
{
	pthread_once(&tables_once, make_tables);
}
