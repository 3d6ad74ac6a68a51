/* SPDX-License-Identifier: Apache-2.0 */
#include "bitstream.h"

#define VP8_KEY_HEADER 10
#define VP8_TAG        3
#define VP9_SYNC_CODE  0x498342u
#define VP9_SRGB       7

int vp8_header_read(const uint8_t *data, size_t size, struct vpx_header *header, struct qv_error *err)
{
	if (size < VP8_TAG)
		return qv_fail(err, QV_E_PROTOCOL, "a VP8 frame of %zu bytes", size);
	uint32_t tag = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
	*header = (struct vpx_header){ .key = !(tag & 1), .shown = tag >> 4 & 1 };
	size_t fixed = header->key ? VP8_KEY_HEADER : VP8_TAG;
	if ((tag >> 1 & 7) > 3)
		return qv_fail(err, QV_E_PROTOCOL, "a VP8 frame of version %u, where 0 to 3 are read", tag >> 1 & 7);
	if (size < fixed || size - fixed < tag >> 5)
		return qv_fail(err, QV_E_PROTOCOL, "damaged VP8 frame: its first partition reaches past its end");
	if (!header->key)
		return 0;
	if (data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a)
		return qv_fail(err, QV_E_PROTOCOL, "damaged VP8 frame: no start code");
	header->width = (data[6] | data[7] << 8) & 0x3fff;
	header->height = (data[8] | data[9] << 8) & 0x3fff;
	if (header->width == 0 || header->height == 0)
		return qv_fail(err, QV_E_PROTOCOL, "damaged VP8 frame: a side is 0");
	return 0;
}

struct bits {
	const uint8_t *data;
	size_t size; /* in bits */
	size_t at;
};

/* Past the end there are zeros; `at` tells. */
static unsigned read_bits(struct bits *bits, unsigned count)
{
	unsigned value = 0;
	for (; count > 0; count--, bits->at++) {
		unsigned bit = bits->at < bits->size ? bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1u : 0;
		value = value << 1 | bit;
	}
	return value;
}

static void read_size(struct bits *bits, struct vpx_header *header)
{
	header->width = (int)read_bits(bits, 16) + 1;
	header->height = (int)read_bits(bits, 16) + 1;
}

static void skip_color(struct bits *bits, unsigned profile)
{
	bool srgb = read_bits(bits, 3) == VP9_SRGB;
	if (!srgb)
		read_bits(bits, 1);
	if (profile == 1)
		read_bits(bits, srgb ? 1 : 3);
}

/* A picture predicted from others has their size, or one of its own. */
static void read_size_with_references(struct bits *bits, struct vpx_header *header)
{
	read_bits(bits, 8 + 3 * 4);
	for (int i = 0; i < 3; i++)
		if (read_bits(bits, 1))
			return;
	read_size(bits, header);
}

static int end_of_header(const struct bits *bits, struct qv_error *err)
{
	if (bits->at > bits->size)
		return qv_fail(err, QV_E_PROTOCOL, "damaged VP9 frame: it ends in its header");
	return 0;
}

static int check_sync(struct bits *bits, struct qv_error *err)
{
	return read_bits(bits, 24) == VP9_SYNC_CODE ? 0
						    : qv_fail(err, QV_E_PROTOCOL, "damaged VP9 frame: no sync code");
}

int vp9_header_read(const uint8_t *data, size_t size, struct vpx_header *header, struct qv_error *err)
{
	struct bits bits = { data, size * 8, 0 };
	*header = (struct vpx_header){ .shown = true };
	if (read_bits(&bits, 2) != 2)
		return qv_fail(err, QV_E_PROTOCOL, "no VP9 frame: it does not start with the frame marker");
	unsigned profile = read_bits(&bits, 1);
	profile |= read_bits(&bits, 1) << 1;
	if (profile > 1)
		return qv_fail(err, QV_E_PROTOCOL, "a VP9 frame of profile %u, where 8 bits a sample are read",
			       profile);
	if (read_bits(&bits, 1)) {
		read_bits(&bits, 3);
		return end_of_header(&bits, err);
	}
	header->key = !read_bits(&bits, 1);
	header->shown = read_bits(&bits, 1);
	bool resilient = read_bits(&bits, 1);
	bool intra = header->key || (!header->shown && read_bits(&bits, 1));
	if (!header->key && !resilient)
		read_bits(&bits, 2);
	if (intra && check_sync(&bits, err) != 0)
		return -1;
	if (header->key || (intra && profile > 0))
		skip_color(&bits, profile);
	if (!header->key && intra)
		read_bits(&bits, 8);
	if (intra)
		read_size(&bits, header);
	else
		read_size_with_references(&bits, header);
	return end_of_header(&bits, err);
}

int vp9_frames(const uint8_t *data, size_t size, size_t offset[VP9_FRAMES_MAX], size_t length[VP9_FRAMES_MAX],
	       struct qv_error *err)
{
	uint8_t marker = size > 0 ? data[size - 1] : 0;
	size_t count = (marker & 7u) + 1, bytes = (marker >> 3 & 3u) + 1, index = 2 + bytes * count, at = 0;
	offset[0] = 0;
	length[0] = size;
	if ((marker & 0xe0) != 0xc0 || size < index || data[size - index] != marker)
		return 1;
	for (size_t i = 0; i < count; i++) {
		offset[i] = at;
		length[i] = 0;
		for (size_t b = 0; b < bytes; b++)
			length[i] |= (size_t)data[size - index + 1 + i * bytes + b] << (8 * b);
		if (length[i] > size - index - at)
			return qv_fail(err, QV_E_PROTOCOL, "damaged VP9 packet: a frame reaches past its end");
		at += length[i];
	}
	return (int)count;
}
