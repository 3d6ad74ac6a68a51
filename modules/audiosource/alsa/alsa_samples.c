/* SPDX-License-Identifier: Apache-2.0 */
#include "alsa_samples.h"

#include <math.h>
#include <string.h>

/* The lowest `bytes` of `value`, lowest first. */
static void put_bytes(uint8_t *to, uint32_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_bytes(const uint8_t *from, size_t bytes)
{
	uint32_t value = 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint32_t)from[i] << (8 * i);
	return value;
}

/* Of 32 bits the upper 16, rounded. */
static int16_t narrow(uint32_t wide)
{
	int64_t rounded = ((int64_t)(int32_t)wide + 0x8000) >> 16;
	return rounded > INT16_MAX ? INT16_MAX : (int16_t)rounded;
}

/* 24 bits are the lower ones of four bytes, of which the highest repeats the sign, or three bytes. */
static void pack_s32(const int16_t *from, uint8_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_bytes(to + 4 * i, (uint32_t)from[i] << 16, 4);
}

static void unpack_s32(const uint8_t *from, int16_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = narrow(get_bytes(from + 4 * i, 4));
}

static void pack_s24(const int16_t *from, uint8_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_bytes(to + 4 * i, (uint32_t)from[i] << 8, 4);
}

/* Drivers leave anything in the highest byte. */
static void unpack_s24(const uint8_t *from, int16_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = narrow(get_bytes(from + 4 * i, 3) << 8);
}

static void pack_s24_3(const int16_t *from, uint8_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_bytes(to + 3 * i, (uint32_t)from[i] << 8, 3);
}

static void unpack_s24_3(const uint8_t *from, int16_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = narrow(get_bytes(from + 3 * i, 3) << 8);
}

static void pack_float(const int16_t *from, uint8_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		float value = (float)from[i] / 32768;
		uint32_t bits;
		memcpy(&bits, &value, sizeof bits);
		put_bytes(to + 4 * i, bits, 4);
	}
}

static void unpack_float(const uint8_t *from, int16_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t bits = get_bytes(from + 4 * i, 4);
		float value;
		memcpy(&value, &bits, sizeof value);
		/* What is no number at all is silence. */
		value = isnan(value) ? 0 : fmaxf(-32768, fminf(32767, value * 32768));
		to[i] = (int16_t)lrintf(value);
	}
}

static const struct alsa_samples known[] = {
	{ SND_PCM_FORMAT_S16, 2, NULL, NULL },
	{ SND_PCM_FORMAT_S32_LE, 4, pack_s32, unpack_s32 },
	{ SND_PCM_FORMAT_S24_LE, 4, pack_s24, unpack_s24 },
	{ SND_PCM_FORMAT_S24_3LE, 3, pack_s24_3, unpack_s24_3 },
	{ SND_PCM_FORMAT_FLOAT_LE, 4, pack_float, unpack_float },
};

const struct alsa_samples *alsa_samples_ranked(size_t rank)
{
	return rank < sizeof known / sizeof known[0] ? &known[rank] : NULL;
}
