/* SPDX-License-Identifier: Apache-2.0 */
#include "mjpeg.h"

#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "jpeg_header.h"

struct qv_videoencoder {
	const struct qv_log *log;
	tjhandle handle;
	int quality;
	uint64_t sequence;
	uint8_t *jpeg;
	unsigned long room;
	uint8_t *padded; /* planes of a picture with an odd side, as TurboJPEG wants them */
	size_t padded_room;
	uint64_t damaged_run; /* passed-through images in a row that were damaged */
};

struct qv_videoencoder *mjpeg_encoder_open(const struct qv_host *host, const struct qv_options *options,
					   const struct qv_video_format *format, struct qv_error *err)
{
	if (qv_video_format_check(format, err) != 0) {
		qv_error_prefix(err, "mjpeg encoder");
		return NULL;
	}
	struct qv_videoencoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder) {
		qv_fail(err, QV_E_NOMEM, "no memory for the mjpeg encoder");
		return NULL;
	}
	encoder->log = host->log;
	encoder->quality = (int)qv_options_int(options, "quality");
	encoder->handle = tjInitCompress();
	if (!encoder->handle) {
		qv_fail(err, QV_E_NOMEM, "the mjpeg encoder does not start: %s", tjGetErrorStr2(NULL));
		free(encoder);
		return NULL;
	}
	return encoder;
}

void mjpeg_encoder_close(struct qv_videoencoder *encoder)
{
	if (!encoder)
		return;
	tjDestroy(encoder->handle);
	free(encoder->jpeg);
	free(encoder->padded);
	free(encoder);
}

static int subsampling_of(enum qv_pixel pixel)
{
	switch (pixel) {
	case QV_PIXEL_I420:
		return TJSAMP_420;
	case QV_PIXEL_I422:
		return TJSAMP_422;
	case QV_PIXEL_I444:
		return TJSAMP_444;
	default:
		return TJSAMP_GRAY;
	}
}

static int reserve(uint8_t **memory, size_t *room, size_t needed, struct qv_error *err)
{
	if (*room >= needed)
		return 0;
	free(*memory);
	*room = 0;
	*memory = malloc(needed);
	if (!*memory)
		return qv_fail(err, QV_E_NOMEM, "no memory for a JPEG image of up to %zu bytes", needed);
	*room = needed;
	return 0;
}

/* A copy with the last column and row repeated: TurboJPEG reads luma up to an even side where chroma is halved. */
static int pad_luma(struct qv_videoencoder *encoder, const struct qv_frame *frame, int width, int height,
		    const uint8_t **plane, int *stride, struct qv_error *err)
{
	if (reserve(&encoder->padded, &encoder->padded_room, (size_t)width * (size_t)height, err) != 0)
		return -1;
	size_t source_width = (size_t)frame->format.width;
	for (int y = 0; y < height; y++) {
		int from = y < frame->format.height ? y : frame->format.height - 1;
		uint8_t *row = encoder->padded + (size_t)y * (size_t)width;
		memcpy(row, frame->plane[0] + (size_t)from * (size_t)frame->stride[0], source_width);
		memset(row + source_width, row[source_width - 1], (size_t)width - source_width);
	}
	*plane = encoder->padded;
	*stride = width;
	return 0;
}

static int compress(struct qv_videoencoder *encoder, const struct qv_frame *frame, unsigned long *size,
		    struct qv_error *err)
{
	int subsampling = subsampling_of(frame->format.pixel);
	const uint8_t *planes[3] = { frame->plane[0], frame->plane[1], frame->plane[2] };
	int strides[3] = { frame->stride[0], frame->stride[1], frame->stride[2] };
	int width = tjPlaneWidth(0, frame->format.width, subsampling);
	int height = tjPlaneHeight(0, frame->format.height, subsampling);
	if ((width != frame->format.width || height != frame->format.height) &&
	    pad_luma(encoder, frame, width, height, &planes[0], &strides[0], err) != 0)
		return -1;
	if (reserve(&encoder->jpeg, &encoder->room, tjBufSize(width, height, subsampling), err) != 0)
		return -1;
	*size = encoder->room;
	if (tjCompressFromYUVPlanes(encoder->handle, planes, frame->format.width, strides, frame->format.height,
				    subsampling, &encoder->jpeg, size, encoder->quality, TJFLAG_NOREALLOC) != 0)
		return qv_fail(err, QV_E_INTERNAL, "a %s frame of %dx%d cannot be encoded as JPEG: %s",
			       qv_pixel_name(frame->format.pixel), frame->format.width, frame->format.height,
			       tjGetErrorStr2(encoder->handle));
	if (*size > QV_PACKET_MAX)
		return qv_fail(err, QV_E_INVALID,
			       "a JPEG image of %lu bytes is over the %u of a packet; set a lower quality or a "
			       "smaller picture",
			       *size, QV_PACKET_MAX);
	return 0;
}

/* Size of the JPEG image that the camera made, without what it padded it with; 0: damaged. */
static size_t check_image(const struct qv_frame *frame, struct qv_error *why)
{
	struct jpeg_header header;
	if (jpeg_header_read(frame->plane[0], frame->size[0], &header, why) != 0)
		return 0;
	if (header.width > QV_VIDEO_SIDE_MAX || header.height > QV_VIDEO_SIDE_MAX) {
		qv_fail(why, QV_E_PROTOCOL, "a JPEG image of %dx%d is over %d a side", header.width, header.height,
			QV_VIDEO_SIDE_MAX);
		return 0;
	}
	size_t size = jpeg_image_size(frame->plane[0], frame->size[0], header.scan_data);
	if (!size)
		qv_fail(why, QV_E_PROTOCOL, "damaged JPEG image: it was cut, its end is missing");
	return size;
}

/* Cameras deliver a damaged image now and then, so one is left out and does not end the stream. */
static int pass_through(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet)
{
	struct qv_error why = QV_ERROR_INIT;
	size_t size = check_image(frame, &why);
	if (!size) {
		if (encoder->damaged_run++ == 0)
			qv_log_warning(encoder->log, "left out frame %llu of the source: %s",
				       (unsigned long long)frame->sequence, why.message);
		return 0;
	}
	if (encoder->damaged_run > 1)
		qv_log_warning(encoder->log, "left out %llu damaged frames of the source in a row",
			       (unsigned long long)encoder->damaged_run);
	encoder->damaged_run = 0;
	packet->data = frame->plane[0];
	packet->size = size;
	return 1;
}

int mjpeg_encode(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
		 struct qv_error *err)
{
	if (qv_frame_check(frame, err) != 0)
		return qv_error_prefix(err, "mjpeg encoder");
	struct qv_packet out = { .capture_ns = frame->capture_ns, .key = true, .told = true, .discardable = true };
	if (frame->format.pixel == QV_PIXEL_JPEG) {
		if (pass_through(encoder, frame, &out) == 0)
			return 0;
	} else {
		unsigned long size;
		if (compress(encoder, frame, &size, err) != 0)
			return -1;
		out.data = encoder->jpeg;
		out.size = size;
	}
	out.sequence = encoder->sequence++;
	*packet = out;
	return 1;
}
