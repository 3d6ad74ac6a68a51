/* SPDX-License-Identifier: Apache-2.0 */
/* Big-endian numbers in byte buffers with bounds: a failed step sticks, so that only the end is checked. */
#ifndef QV_SESSION_BYTES_H
#define QV_SESSION_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct writer {
	uint8_t *bytes;
	size_t room, used;
	bool overflow;
};

static inline void put_bytes(struct writer *out, const void *bytes, size_t size)
{
	if (out->overflow || out->room - out->used < size) {
		out->overflow = true;
		return;
	}
	if (size)
		memcpy(out->bytes + out->used, bytes, size);
	out->used += size;
}

static inline void put_number(struct writer *out, uint64_t value, size_t size)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
	put_bytes(out, bytes, size);
}

struct reader {
	const uint8_t *bytes;
	size_t size, at;
	bool underflow;
};

/* A pointer to the next `size` bytes, or NULL. */
static inline const uint8_t *get_bytes(struct reader *in, size_t size)
{
	if (in->underflow || in->size - in->at < size) {
		in->underflow = true;
		return NULL;
	}
	const uint8_t *bytes = in->bytes + in->at;
	in->at += size;
	return bytes;
}

static inline uint64_t get_number(struct reader *in, size_t size)
{
	const uint8_t *bytes = get_bytes(in, size);
	uint64_t value = 0;
	for (size_t i = 0; bytes && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Times are limited to 73 years, so that sums and differences of a few cannot overflow. */
#define TIME_MAX (INT64_C(1) << 61)

static inline int64_t get_time(struct reader *in)
{
	uint64_t value = get_number(in, 8);
	if (value > (uint64_t)TIME_MAX)
		in->underflow = true;
	return in->underflow ? 0 : (int64_t)value;
}

#endif
