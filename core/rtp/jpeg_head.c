/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a JPEG image (ITU-T T.81 annex B): what RFC 2435 leaves out is checked, or put back. */
#include "payload.h"

#define SIDE_MAX 2040 /* 255 blocks of 8 */

enum {
	SOF0 = 0xc0,
	DHT = 0xc4,
	SOF_LAST = 0xcf,
	RST0 = 0xd0,
	RST7 = 0xd7,
	SOI = 0xd8,
	EOI = 0xd9,
	SOS = 0xda,
	DQT = 0xdb,
	DRI = 0xdd,
};

/* clang-format off */
const uint8_t jpeg_huffman[JPEG_HUFFMAN_SIZE] = {
	0x00, 0x00, 0x01, 0x05, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x01, 0x00, 0x03,
	0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x10, 0x00, 0x02, 0x01, 0x03, 0x03,
	0x02, 0x04, 0x03, 0x05, 0x05, 0x04, 0x04, 0x00, 0x00, 0x01, 0x7d, 0x01, 0x02, 0x03, 0x00, 0x04,
	0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81,
	0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82,
	0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36,
	0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56,
	0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76,
	0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95,
	0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3,
	0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca,
	0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7,
	0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0x11, 0x00, 0x02,
	0x01, 0x02, 0x04, 0x04, 0x03, 0x04, 0x07, 0x05, 0x04, 0x04, 0x00, 0x01, 0x02, 0x77, 0x00, 0x01,
	0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
	0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62,
	0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28,
	0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a,
	0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a,
	0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
	0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
	0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
	0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3,
	0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
};
/* clang-format on */

struct head {
	struct jpeg_parts *parts;
	uint8_t tables[4][64];
	unsigned has_tables; /* a bit each */
	uint8_t component[3], table[3];
	bool has_frame;
};

static int unsupported(struct qv_error *err, const char *what)
{
	return qv_fail(err, QV_E_UNSUPPORTED, "RTP cannot carry a JPEG image with %s (RFC 2435)", what);
}

static int damaged(struct qv_error *err, const char *what)
{
	return qv_fail(err, QV_E_INVALID, "a JPEG image with %s", what);
}

/* Bytes of one Huffman table from its class and number on. */
static size_t huffman_size(const uint8_t *table, size_t room)
{
	size_t size = 17;
	for (size_t i = 1; i <= 16 && room >= 17; i++)
		size += table[i];
	return size <= room ? size : 0;
}

static int read_huffman(struct reader *in, struct qv_error *err)
{
	while (in->at < in->size) {
		const uint8_t *table = in->bytes + in->at;
		size_t size = huffman_size(table, in->size - in->at);
		if (size == 0)
			return damaged(err, "a damaged Huffman table");
		const uint8_t *known = jpeg_huffman, *end = jpeg_huffman + JPEG_HUFFMAN_SIZE;
		while (known < end && known[0] != table[0])
			known += huffman_size(known, (size_t)(end - known));
		if (known == end || size != huffman_size(known, (size_t)(end - known)) ||
		    memcmp(known, table, size) != 0)
			return unsupported(err, "Huffman tables other than those of ITU-T T.81 annex K");
		get_bytes(in, size);
	}
	return 0;
}

static int read_quantisation(struct head *head, struct reader *in, struct qv_error *err)
{
	while (in->at < in->size) {
		unsigned which = (unsigned)get_number(in, 1);
		const uint8_t *table = get_bytes(in, 64);
		if (which >> 4)
			return unsupported(err, "quantisation tables of 16 bits");
		if (!table || which > 3 || memchr(table, 0, 64))
			return damaged(err, "a damaged quantisation table");
		memcpy(head->tables[which], table, 64);
		head->has_tables |= 1u << which;
	}
	return 0;
}

static int read_frame(struct head *head, struct reader *in, struct qv_error *err)
{
	struct jpeg_parts *parts = head->parts;
	uint8_t sampling[3];
	unsigned bits = (unsigned)get_number(in, 1);
	parts->height = (int)get_number(in, 2);
	parts->width = (int)get_number(in, 2);
	unsigned components = (unsigned)get_number(in, 1);
	if (in->underflow || bits != 8 || components != 3)
		return unsupported(err, "other than three components of 8 bits");
	if (parts->width < 1 || parts->height < 1 || parts->width > SIDE_MAX || parts->height > SIDE_MAX)
		return unsupported(err, "a side over 2040 pixels");
	for (int i = 0; i < 3; i++) {
		head->component[i] = (uint8_t)get_number(in, 1);
		sampling[i] = (uint8_t)get_number(in, 1);
		head->table[i] = (uint8_t)get_number(in, 1) & 3;
	}
	if (in->underflow || sampling[1] != 0x11 || sampling[2] != 0x11 || (sampling[0] != 0x22 && sampling[0] != 0x21))
		return unsupported(err, "a chroma subsampling other than 4:2:0 and 4:2:2");
	if (head->table[1] != head->table[2])
		return unsupported(err, "more than two quantisation tables");
	parts->type = sampling[0] == 0x22 ? 1 : 0;
	head->has_frame = true;
	return 0;
}

static int read_scan_header(struct head *head, struct reader *in, struct qv_error *err)
{
	bool plain = get_number(in, 1) == 3;
	for (unsigned i = 0; i < 3; i++) {
		plain &= get_number(in, 1) == head->component[i];
		plain &= get_number(in, 1) == (i ? 0x11 : 0);
	}
	plain &= get_number(in, 3) == 0x003f00;
	if (in->underflow || !plain)
		return unsupported(err, "more than one baseline scan");
	unsigned luma = head->table[0], chroma = head->table[1];
	if (!head->has_frame || !(head->has_tables & 1u << luma) || !(head->has_tables & 1u << chroma))
		return damaged(err, "a scan before its frame header and tables");
	memcpy(head->parts->tables, head->tables[luma], 64);
	memcpy(head->parts->tables + 64, head->tables[chroma], 64);
	return 0;
}

static int read_segment(struct head *head, unsigned marker, struct reader *in, struct qv_error *err)
{
	switch (marker) {
	case DQT:
		return read_quantisation(head, in, err);
	case DHT:
		return read_huffman(in, err);
	case SOF0:
		return read_frame(head, in, err);
	case SOS:
		return read_scan_header(head, in, err);
	case DRI:
		head->parts->interval = (uint16_t)get_number(in, 2);
		return in->underflow ? damaged(err, "a damaged restart interval") : 0;
	default:
		if (marker > SOF0 && marker <= SOF_LAST)
			return unsupported(err, "a coding other than baseline");
		return 0;
	}
}

/* The entropy-coded bytes end before the first marker that is not a restart. */
static int find_scan(struct jpeg_parts *parts, const uint8_t *bytes, size_t size, struct qv_error *err)
{
	size_t at = 0;
	parts->scan = bytes;
	for (;;) {
		const uint8_t *found = at < size ? memchr(bytes + at, 0xff, size - at) : NULL;
		at = found ? (size_t)(found - bytes) : size;
		if (at + 1 >= size)
			return damaged(err, "no end");
		unsigned marker = bytes[at + 1];
		if (marker == EOI)
			break;
		if (marker == 0xff) {
			at++;
			continue;
		}
		if (marker != 0 && (marker < RST0 || marker > RST7))
			return unsupported(err, "more than one baseline scan");
		at += 2;
	}
	parts->scan_size = at;
	return at ? 0 : damaged(err, "an empty scan");
}

int jpeg_parts_read(struct jpeg_parts *parts, const uint8_t *bytes, size_t size, struct qv_error *err)
{
	struct head head = { .parts = parts };
	struct reader in = { .bytes = bytes, .size = size };
	*parts = (struct jpeg_parts){ 0 };
	if (get_number(&in, 2) != (0xff00 | SOI))
		return damaged(err, "no start");
	for (unsigned marker = 0; marker != SOS;) {
		unsigned prefix = (unsigned)get_number(&in, 1);
		do
			marker = (unsigned)get_number(&in, 1);
		while (marker == 0xff && !in.underflow);
		size_t length = (size_t)get_number(&in, 2);
		if (in.underflow || prefix != 0xff || length < 2)
			return damaged(err, "a damaged header");
		struct reader segment = { .bytes = get_bytes(&in, length - 2), .size = length - 2 };
		if (in.underflow)
			return damaged(err, "a header that overruns it");
		if (read_segment(&head, marker, &segment, err) != 0)
			return -1;
	}
	if (parts->interval)
		parts->type += 64;
	return find_scan(parts, bytes + in.at, size - in.at, err);
}

static void put_marker(struct writer *out, unsigned marker, size_t size)
{
	put_number(out, 0xff00 | marker, 2);
	put_number(out, size + 2, 2);
}

size_t jpeg_head_write(const struct jpeg_parts *parts, uint8_t bytes[JPEG_HEAD_MAX])
{
	struct writer out = { .bytes = bytes, .room = JPEG_HEAD_MAX };
	put_number(&out, 0xff00 | SOI, 2);
	put_marker(&out, DQT, 130);
	for (unsigned i = 0; i < 2; i++) {
		put_number(&out, i, 1);
		put_bytes(&out, parts->tables + 64 * (size_t)i, 64);
	}
	put_marker(&out, SOF0, 15);
	put_number(&out, 8, 1);
	put_number(&out, (uint64_t)parts->height, 2);
	put_number(&out, (uint64_t)parts->width, 2);
	put_number(&out, 3, 1);
	put_number(&out, parts->type & 1 ? 0x012200 : 0x012100, 3);
	put_number(&out, 0x021101, 3);
	put_number(&out, 0x031101, 3);
	put_marker(&out, DHT, JPEG_HUFFMAN_SIZE);
	put_bytes(&out, jpeg_huffman, JPEG_HUFFMAN_SIZE);
	if (parts->interval) {
		put_marker(&out, DRI, 2);
		put_number(&out, parts->interval, 2);
	}
	put_marker(&out, SOS, 10);
	put_number(&out, 0x03010002110311, 7);
	put_number(&out, 0x003f00, 3);
	return out.used;
}
