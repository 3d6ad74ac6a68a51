/* SPDX-License-Identifier: Apache-2.0 */
#include "mjpeg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "jpeg_header.h"

/* Encoders make about ten scans of a progressive image; each one costs a pass over all of its blocks. */
#define SCANS_MAX 32

#define EXTRANEOUS_MAX 8

struct qv_videodecoder {
	tjhandle handle;
	struct qv_video_format announced;
	int64_t pixels_max;
	int subsampling;                /* of the planes below */
	struct qv_video_format decoded; /* what the planes hold; width 0: nothing yet */
	uint8_t *memory;
	uint8_t *plane[3];
	int stride[3];
	size_t size[3];
	/* Chroma of the two subsamplings that no qv_pixel has, before it is spread. */
	uint8_t *narrow;
	int narrow_stride;
};

static int make_handle(struct qv_videodecoder *decoder, struct qv_error *err)
{
	decoder->handle = tjInitDecompress();
	if (!decoder->handle)
		return qv_fail(err, QV_E_NOMEM, "the mjpeg decoder does not start: %s", tjGetErrorStr2(NULL));
	return 0;
}

struct qv_videodecoder *mjpeg_decoder_open(const struct qv_host *host, const struct qv_options *options,
					   const char *wire_name, const struct qv_video_format *format,
					   struct qv_error *err)
{
	(void)host, (void)wire_name;
	struct qv_videodecoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder) {
		qv_fail(err, QV_E_NOMEM, "no memory for the mjpeg decoder");
		return NULL;
	}
	decoder->announced = *format;
	decoder->pixels_max = qv_options_int(options, "max_pixels");
	if (make_handle(decoder, err) != 0) {
		free(decoder);
		return NULL;
	}
	return decoder;
}

void mjpeg_decoder_close(struct qv_videodecoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->handle)
		tjDestroy(decoder->handle);
	free(decoder->memory);
	free(decoder->narrow);
	free(decoder);
}

/* The pixel format a subsampling is decoded to; 4:4:0 and 4:1:1 get their chroma spread. */
static enum qv_pixel pixel_of(int subsampling)
{
	switch (subsampling) {
	case TJSAMP_420:
		return QV_PIXEL_I420;
	case TJSAMP_422:
	case TJSAMP_411:
		return QV_PIXEL_I422;
	case TJSAMP_444:
	case TJSAMP_440:
		return QV_PIXEL_I444;
	case TJSAMP_GRAY:
		return QV_PIXEL_GRAY;
	default:
		return QV_PIXEL_NONE;
	}
}

static bool is_spread(int subsampling)
{
	return subsampling == TJSAMP_440 || subsampling == TJSAMP_411;
}

static int check_limits(const struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_error *err)
{
	struct jpeg_header header;
	if (packet->size > QV_PACKET_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a JPEG image of %zu bytes is over %u", packet->size, QV_PACKET_MAX);
	if (jpeg_header_read(packet->data, packet->size, &header, err) != 0)
		return -1;
	if (header.width > QV_VIDEO_SIDE_MAX || header.height > QV_VIDEO_SIDE_MAX ||
	    (int64_t)header.width * header.height > decoder->pixels_max)
		return qv_fail(err, QV_E_PROTOCOL,
			       "a JPEG image of %dx%d is over %d a side or %lld pixels (option max_pixels)",
			       header.width, header.height, QV_VIDEO_SIDE_MAX, (long long)decoder->pixels_max);
	if (!header.one_scan && jpeg_count_scans(packet->data, packet->size, header.scan_data) >= SCANS_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a JPEG image of more than %d scans", SCANS_MAX);
	return 0;
}

static int read_format(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_video_format *format,
		       int *subsampling, struct qv_error *err)
{
	int colorspace;
	if (check_limits(decoder, packet, err) != 0 || (!decoder->handle && make_handle(decoder, err) != 0))
		return -1;
	*format = decoder->announced;
	if (tjDecompressHeader3(decoder->handle, packet->data, packet->size, &format->width, &format->height,
				subsampling, &colorspace) != 0) {
		qv_fail(err, QV_E_PROTOCOL, "damaged or unusual JPEG image: %s", tjGetErrorStr2(decoder->handle));
		/* TurboJPEG 2.1 leaves the handle in the middle of that header, and the next image would fail. */
		tjDestroy(decoder->handle);
		decoder->handle = NULL;
		return -1;
	}
	if (colorspace != TJCS_YCbCr && colorspace != TJCS_GRAY)
		return qv_fail(err, QV_E_PROTOCOL, "a JPEG image in %s, where only YCbCr and gray are shown",
			       colorspace == TJCS_RGB ? "RGB" : "CMYK");
	format->pixel = pixel_of(*subsampling);
	if (format->pixel == QV_PIXEL_NONE)
		return qv_fail(err, QV_E_PROTOCOL, "a JPEG image with a chroma subsampling that cannot be shown");
	return 0;
}

/* Planes as large as TurboJPEG writes them: up to an even side where chroma is halved. */
static int make_planes(struct qv_videodecoder *decoder, const struct qv_video_format *format, int subsampling,
		       struct qv_error *err)
{
	if (decoder->decoded.width == format->width && decoder->decoded.height == format->height &&
	    decoder->subsampling == subsampling)
		return 0;
	free(decoder->memory);
	free(decoder->narrow);
	decoder->memory = decoder->narrow = NULL;
	decoder->decoded.width = 0;
	size_t total = 0, size[3] = { 0 };
	int stride[3] = { 0 }, target = is_spread(subsampling) ? TJSAMP_444 : subsampling;
	for (int i = 0; i < qv_pixel_planes(format->pixel); i++) {
		int luma_sampling = i ? target : subsampling;
		stride[i] = (tjPlaneWidth(i, format->width, luma_sampling) + 31) / 32 * 32;
		size[i] = (size_t)stride[i] * (size_t)tjPlaneHeight(i, format->height, luma_sampling);
		total += size[i];
	}
	if (is_spread(subsampling)) {
		decoder->narrow_stride = tjPlaneWidth(1, format->width, subsampling);
		size_t narrow = (size_t)decoder->narrow_stride * (size_t)tjPlaneHeight(1, format->height, subsampling);
		decoder->narrow = malloc(2 * narrow);
	}
	decoder->memory = aligned_alloc(32, (total + 31) / 32 * 32);
	if (!decoder->memory || (is_spread(subsampling) && !decoder->narrow))
		return qv_fail(err, QV_E_NOMEM, "no memory for a picture of %dx%d", format->width, format->height);
	uint8_t *at = decoder->memory;
	for (int i = 0; i < 3; i++) {
		decoder->plane[i] = size[i] ? at : NULL;
		decoder->stride[i] = stride[i];
		decoder->size[i] = size[i];
		at += size[i];
	}
	decoder->subsampling = subsampling;
	decoder->decoded = *format;
	return 0;
}

/*
 * Some cameras leave a few bytes behind the last block. Nothing is lost by them, and libjpeg reports the first warning
 * of an image, so all before this one was sound. Any other warning means that a part of the picture is made up, and so
 * do many bytes: the blocks went astray before.
 */
static bool is_harmless(tjhandle handle)
{
	unsigned count;
	int used = 0;
	const char *warning = tjGetErrorStr2(handle);
	return tjGetErrorCode(handle) == TJERR_WARNING &&
	       sscanf(warning, "Corrupt JPEG data: %u extraneous bytes before marker 0xd9%n", &count, &used) == 1 &&
	       used > 0 && count <= EXTRANEOUS_MAX;
}

static int decompress(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_error *err)
{
	const struct qv_video_format *format = &decoder->decoded;
	uint8_t *planes[3] = { decoder->plane[0], decoder->plane[1], decoder->plane[2] };
	int strides[3] = { decoder->stride[0], decoder->stride[1], decoder->stride[2] };
	if (is_spread(decoder->subsampling)) {
		int height = tjPlaneHeight(1, format->height, decoder->subsampling);
		planes[1] = decoder->narrow;
		planes[2] = decoder->narrow + (size_t)decoder->narrow_stride * (size_t)height;
		strides[1] = strides[2] = decoder->narrow_stride;
	}
	if (tjDecompressToYUVPlanes(decoder->handle, packet->data, packet->size, planes, format->width, strides,
				    format->height, TJFLAG_LIMITSCANS) != 0 &&
	    !is_harmless(decoder->handle))
		return qv_fail(err, QV_E_PROTOCOL, "damaged JPEG image: %s", tjGetErrorStr2(decoder->handle));
	return 0;
}

/* 4:4:0 to 4:4:4: each row twice. 4:1:1 to 4:2:2: each sample twice. */
static void spread_chroma(struct qv_videodecoder *decoder)
{
	int width, height;
	qv_plane_dimensions(&decoder->decoded, 1, &width, &height);
	bool across = decoder->subsampling == TJSAMP_411;
	size_t narrow = (size_t)decoder->narrow_stride *
			(size_t)tjPlaneHeight(1, decoder->decoded.height, decoder->subsampling);
	for (int i = 1; i < 3; i++) {
		const uint8_t *source = decoder->narrow + (i == 2 ? narrow : 0);
		for (int y = 0; y < height; y++) {
			const uint8_t *in = source + (size_t)(across ? y : y / 2) * (size_t)decoder->narrow_stride;
			uint8_t *out = decoder->plane[i] + (size_t)y * (size_t)decoder->stride[i];
			for (int x = 0; x < width; x++)
				out[x] = in[across ? x / 2 : x];
		}
	}
}

int mjpeg_decode(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
		 struct qv_error *err)
{
	struct qv_video_format format;
	int subsampling;
	if (read_format(decoder, packet, &format, &subsampling, err) != 0 ||
	    make_planes(decoder, &format, subsampling, err) != 0 || decompress(decoder, packet, err) != 0)
		return -1;
	if (is_spread(subsampling))
		spread_chroma(decoder);
	*frame = (struct qv_frame){ .format = format, .capture_ns = packet->capture_ns, .sequence = packet->sequence };
	for (int i = 0; i < 3; i++) {
		frame->plane[i] = decoder->plane[i];
		frame->stride[i] = decoder->stride[i];
		frame->size[i] = decoder->size[i];
	}
	return 1;
}
