/* SPDX-License-Identifier: Apache-2.0 */
#include "jpeg_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/jpeg_scan.h"

#define CAPACITY_MIN ((size_t)64 * 1024)

void jpeg_stream_free(struct jpeg_stream *stream)
{
	free(stream->buffer);
	*stream = (struct jpeg_stream){ 0 };
}

int jpeg_stream_rewind(struct jpeg_stream *stream, struct qv_error *err)
{
	stream->filled = stream->used = 0;
	stream->offset = 0;
	if (fseeko(stream->file, 0, SEEK_SET) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "going back to the beginning");
	return 0;
}

static size_t left(const struct jpeg_stream *stream)
{
	return stream->filled - stream->used;
}

static long long position(const struct jpeg_stream *stream)
{
	return stream->offset + (long long)stream->used;
}

/* Moves what is left to the front, and doubles a buffer that this does not help. */
static int make_room(struct jpeg_stream *stream, struct qv_error *err)
{
	if (stream->used > 0) {
		memmove(stream->buffer, stream->buffer + stream->used, left(stream));
		stream->offset += (long long)stream->used;
		stream->filled -= stream->used;
		stream->used = 0;
	}
	if (stream->filled < stream->capacity)
		return 0;
	size_t capacity = stream->capacity ? 2 * stream->capacity : CAPACITY_MIN;
	uint8_t *buffer = realloc(stream->buffer, capacity);
	if (!buffer)
		return qv_fail(err, QV_E_NOMEM, "no memory for a JPEG image of %zu bytes", capacity);
	stream->buffer = buffer;
	stream->capacity = capacity;
	return 0;
}

/* 1: there is more; 0: the file has ended. */
static int fill(struct jpeg_stream *stream, struct qv_error *err)
{
	if (make_room(stream, err) != 0)
		return -1;
	size_t got = fread(stream->buffer + stream->filled, 1, stream->capacity - stream->filled, stream->file);
	if (got == 0 && ferror(stream->file))
		return qv_fail_errno(err, QV_E_IO, errno, "byte %lld: reading",
				     stream->offset + (long long)stream->filled);
	stream->filled += got;
	return got > 0;
}

/* Goes on to the next FF D8 FF after the byte at `used`, or to the end of the file. */
static int resynchronise(struct jpeg_stream *stream, struct qv_error *err)
{
	static const uint8_t start[3] = { 0xff, 0xd8, 0xff };
	stream->used++;
	for (;;) {
		const uint8_t *here = stream->buffer + stream->used;
		const uint8_t *found = left(stream) ? memmem(here, left(stream), start, sizeof start) : NULL;
		if (found) {
			stream->used = (size_t)(found - stream->buffer);
			return 0;
		}
		if (left(stream) > 2)
			stream->used = stream->filled - 2;
		int more = fill(stream, err);
		if (more < 0)
			return -1;
		if (more == 0) {
			stream->used = stream->filled;
			return 0;
		}
	}
}

/* Damage of one image: says so and finds the next. */
static int pass_over(struct jpeg_stream *stream, const char *why, size_t at, struct qv_error *err)
{
	long long image = position(stream), byte = image + (long long)at;
	if (resynchronise(stream, err) != 0)
		return -1;
	qv_fail(err, QV_E_IO, "byte %lld: %s, in the JPEG image at byte %lld", byte, why, image);
	return 0;
}

/* What looks like a cut image may be a wrong length in a damaged one with others behind it. */
static int at_end_within(struct jpeg_stream *stream, struct qv_error *err)
{
	if (pass_over(stream, "the file ends", left(stream), err) != 0)
		return -1;
	return left(stream) ? 0 : -1;
}

int jpeg_stream_next(struct jpeg_stream *stream, struct jpeg_image *image, struct qv_error *err)
{
	struct jpeg_scan scan;
	for (;;) {
		enum jpeg_verdict verdict =
			left(stream) ? jpeg_scan(stream->buffer + stream->used, left(stream), &scan) : JPEG_SHORT;
		if (verdict == JPEG_DAMAGED)
			return pass_over(stream, scan.why, scan.at, err);
		if (verdict == JPEG_COMPLETE)
			break;
		if (left(stream) >= QV_PACKET_MAX)
			return pass_over(stream, "more than 16 MiB without an end", left(stream), err);
		int more = fill(stream, err);
		if (more < 0)
			return -1;
		if (more == 0 && left(stream) == 0)
			return qv_fail(err, QV_E_END, "the file ended");
		if (more == 0)
			return at_end_within(stream, err);
	}
	if (scan.size > QV_PACKET_MAX)
		return pass_over(stream, "more than 16 MiB in one image", scan.size, err);
	*image = (struct jpeg_image){ .data = stream->buffer + stream->used,
				      .size = scan.size,
				      .width = scan.width,
				      .height = scan.height,
				      .offset = position(stream) };
	stream->used += scan.size;
	return 1;
}
