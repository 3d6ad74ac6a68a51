/* SPDX-License-Identifier: Apache-2.0 */
#include "jpeg_scan.h"

#include <stdbool.h>
#include <string.h>

#include <qvisio/media.h>

enum marker {
	MARKER_SOF0 = 0xc0,
	MARKER_SOF2 = 0xc2,
	MARKER_DHT = 0xc4,
	MARKER_JPG = 0xc8,
	MARKER_DAC = 0xcc,
	MARKER_SOF15 = 0xcf,
	MARKER_RST0 = 0xd0,
	MARKER_RST7 = 0xd7,
	MARKER_SOI = 0xd8,
	MARKER_EOI = 0xd9,
	MARKER_SOS = 0xda,
	MARKER_DQT = 0xdb,
	MARKER_DNL = 0xdc,
	MARKER_DRI = 0xdd,
	MARKER_APP0 = 0xe0,
	MARKER_APP15 = 0xef,
	MARKER_COM = 0xfe
};

struct walk {
	const uint8_t *data;
	size_t size, at;
	struct jpeg_scan *scan;
	bool scanned; /* a scan was seen */
};

static enum jpeg_verdict damaged(struct walk *walk, const char *why)
{
	walk->scan->why = why;
	walk->scan->at = walk->at;
	return JPEG_DAMAGED;
}

static bool is_frame_header(unsigned marker)
{
	return marker >= MARKER_SOF0 && marker <= MARKER_SOF15 && marker != MARKER_DHT && marker != MARKER_JPG &&
	       marker != MARKER_DAC;
}

static bool is_table_or_comment(unsigned marker)
{
	return marker == MARKER_DHT || marker == MARKER_DAC || marker == MARKER_DQT || marker == MARKER_DRI ||
	       marker == MARKER_COM || (marker >= MARKER_APP0 && marker <= MARKER_APP15);
}

static enum jpeg_verdict frame_header(struct walk *walk, unsigned marker, const uint8_t *body, size_t size)
{
	if (walk->scan->width != 0)
		return damaged(walk, "a second frame header");
	if (marker > MARKER_SOF2)
		return damaged(walk, "a coding other than baseline and progressive Huffman");
	if (size < 6 || size != 6 + 3 * (size_t)body[5])
		return damaged(walk, "a frame header of a wrong length");
	if (body[0] != 8)
		return damaged(walk, "samples of other than 8 bits");
	if (body[5] != 1 && body[5] != 3)
		return damaged(walk, "other than one or three components");
	int height = body[1] << 8 | body[2], width = body[3] << 8 | body[4];
	if (width < 1 || width > QV_VIDEO_SIDE_MAX || height < 1 || height > QV_VIDEO_SIDE_MAX)
		return damaged(walk, "a width or height outside 1 to 8192");
	walk->scan->width = width;
	walk->scan->height = height;
	return JPEG_COMPLETE;
}

/* A marker segment: two bytes of marker are consumed, its length follows. */
static enum jpeg_verdict segment(struct walk *walk, unsigned marker)
{
	if (walk->size - walk->at < 4)
		return JPEG_SHORT;
	const uint8_t *here = walk->data + walk->at;
	size_t length = (size_t)here[2] << 8 | here[3];
	if (length < 2)
		return damaged(walk, "a segment of impossible length");
	if (walk->size - walk->at < 2 + length)
		return JPEG_SHORT;
	if (is_frame_header(marker) && frame_header(walk, marker, here + 4, length - 2) != JPEG_COMPLETE)
		return JPEG_DAMAGED;
	walk->at += 2 + length;
	return JPEG_COMPLETE;
}

/* Walks over entropy-coded data to the marker that ends it: FF 00 is a data byte, RSTn belongs to it, FF FF is filling. */
static enum jpeg_verdict entropy_coded(struct walk *walk)
{
	for (;;) {
		const uint8_t *found = memchr(walk->data + walk->at, 0xff, walk->size - walk->at);
		if (!found || (size_t)(found - walk->data) + 1 >= walk->size)
			return JPEG_SHORT;
		walk->at = (size_t)(found - walk->data);
		unsigned next = found[1];
		if (next == 0 || (next >= MARKER_RST0 && next <= MARKER_RST7))
			walk->at += 2;
		else if (next == 0xff)
			walk->at++;
		else
			return JPEG_COMPLETE;
	}
}

static enum jpeg_verdict scan_header(struct walk *walk)
{
	if (walk->scan->width == 0)
		return damaged(walk, "a scan before the frame header");
	enum jpeg_verdict verdict = segment(walk, MARKER_SOS);
	walk->scanned = true;
	return verdict == JPEG_COMPLETE ? entropy_coded(walk) : verdict;
}

enum jpeg_verdict jpeg_scan(const uint8_t *data, size_t size, struct jpeg_scan *scan)
{
	struct walk walk = { .data = data, .size = size, .at = 2, .scan = scan };
	*scan = (struct jpeg_scan){ .why = "" };
	if ((size > 0 && data[0] != 0xff) || (size > 1 && data[1] != MARKER_SOI)) {
		walk.at = 0;
		return damaged(&walk, "no start of image (FF D8)");
	}
	enum jpeg_verdict verdict = JPEG_COMPLETE;
	while (verdict == JPEG_COMPLETE) {
		if (size < 2 || size - walk.at < 2)
			return JPEG_SHORT;
		unsigned marker = data[walk.at + 1];
		if (data[walk.at] != 0xff)
			return damaged(&walk, "no marker where one must be");
		if (marker == MARKER_EOI) {
			if (!walk.scanned)
				return damaged(&walk, "an end of image before any scan");
			scan->size = walk.at + 2;
			return JPEG_COMPLETE;
		}
		if (marker == 0xff)
			walk.at++;
		else if (marker == MARKER_SOS)
			verdict = scan_header(&walk);
		else if (marker == MARKER_SOI)
			return damaged(&walk, "a new image before the end of this one");
		else if (is_frame_header(marker) || is_table_or_comment(marker) || marker == MARKER_DNL)
			verdict = segment(&walk, marker);
		else
			return damaged(&walk, "a marker that does not belong here");
	}
	return verdict;
}
