/* SPDX-License-Identifier: Apache-2.0 */
#include "jpeg_header.h"

#include <string.h>

/* Marker codes, T.81 table B.1. */
enum { SOF0 = 0xc0, SOF1 = 0xc1, SOF2 = 0xc2, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc, SOF15 = 0xcf };
enum { RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9, SOS = 0xda, TEM = 0x01 };

static int damaged(struct qv_error *err, const char *why)
{
	return qv_fail(err, QV_E_PROTOCOL, "damaged JPEG image: %s", why);
}

static bool is_frame_header(int marker)
{
	return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

static int read_frame_header(int marker, const uint8_t *segment, size_t size, struct jpeg_header *header,
			     struct qv_error *err)
{
	if (marker > SOF2)
		return qv_fail(err, QV_E_PROTOCOL,
			       "a JPEG image of coding process %d, where only baseline and progressive are read",
			       marker - SOF0);
	if (header->components)
		return damaged(err, "two frame headers");
	if (size < 6)
		return damaged(err, "its frame header is too short");
	if (segment[0] != 8)
		return qv_fail(err, QV_E_PROTOCOL, "a JPEG image of %d bits a sample, where 8 are read", segment[0]);
	header->height = segment[1] << 8 | segment[2];
	header->width = segment[3] << 8 | segment[4];
	header->components = segment[5];
	header->progressive = marker == SOF2;
	if (header->width == 0 || header->height == 0)
		return damaged(err, "a side is 0");
	if (header->components != 1 && header->components != 3 && header->components != 4)
		return damaged(err, "its number of components is not 1, 3 or 4");
	if (size < 6 + 3 * (size_t)header->components)
		return damaged(err, "its frame header is too short");
	return 0;
}

/* The next marker from `*at` on; fill bytes (0xff) may precede it. -1 at the end or where there is none. */
static int next_marker(const uint8_t *data, size_t size, size_t *at)
{
	if (*at >= size || data[*at] != 0xff)
		return -1;
	while (*at < size && data[*at] == 0xff)
		(*at)++;
	return *at < size ? data[(*at)++] : -1;
}

int jpeg_header_read(const uint8_t *data, size_t size, struct jpeg_header *header, struct qv_error *err)
{
	*header = (struct jpeg_header){ 0 };
	if (size < 4 || data[0] != 0xff || data[1] != SOI)
		return qv_fail(err, QV_E_PROTOCOL, "no JPEG image: it does not start with ff d8");
	for (size_t at = 2;;) {
		int marker = next_marker(data, size, &at);
		if (marker < 0)
			return damaged(err, at < size ? "no marker where one is due" : "it ends within its header");
		if (marker == TEM)
			continue;
		if (marker == 0 || (marker >= RST0 && marker <= EOI))
			return damaged(err, "a marker that has no place in a header");
		size_t length = size - at >= 2 ? (size_t)(data[at] << 8 | data[at + 1]) : 0;
		if (length < 2 || length > size - at)
			return damaged(err, "a segment reaches past its end");
		const uint8_t *segment = data + at + 2;
		at += length;
		if (is_frame_header(marker) && read_frame_header(marker, segment, length - 2, header, err) != 0)
			return -1;
		if (marker != SOS)
			continue;
		if (!header->components)
			return damaged(err, "a scan before the frame header");
		header->one_scan = !header->progressive && length > 2 && segment[0] == header->components;
		header->scan_data = at;
		return 0;
	}
}

size_t jpeg_image_size(const uint8_t *data, size_t size, size_t from)
{
	/* Backwards, because cameras pad the end: there the marker is within a few bytes. */
	while (size > from) {
		const uint8_t *last = memrchr(data + from, EOI, size - from);
		if (!last || last == data + from)
			return 0;
		if (last[-1] == 0xff)
			return (size_t)(last - data) + 1;
		size = (size_t)(last - data);
	}
	return 0;
}

size_t jpeg_count_scans(const uint8_t *data, size_t size, size_t from)
{
	size_t count = 0;
	while (from + 1 < size) {
		const uint8_t *at = memchr(data + from, 0xff, size - 1 - from);
		if (!at)
			break;
		count += at[1] == SOS;
		from = (size_t)(at - data) + 1;
	}
	return count;
}
