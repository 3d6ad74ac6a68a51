/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <pthread.h>

static struct field_tables tables;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static uint8_t twice(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
}

static void make_tables(void)
{
	uint8_t power = 1;
	for (unsigned i = 0; i < sizeof tables.exp; i++) {
		tables.exp[i] = power;
		if (i < 255)
			tables.log[power] = (uint8_t)i;
		power = (uint8_t)(power ^ twice(power));
	}
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned nibble = 0; nibble < 16; nibble++) {
			tables.nibbles[a][nibble] = field_multiply(&tables, (uint8_t)a, (uint8_t)nibble);
			tables.nibbles[a][16 + nibble] = field_multiply(&tables, (uint8_t)a, (uint8_t)(nibble << 4));
		}
	}
}

const struct field_tables *field_tables(void)
{
	pthread_once(&tables_once, make_tables);
	return &tables;
}
