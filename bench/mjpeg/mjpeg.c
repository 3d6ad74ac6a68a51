/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mjpeg module against the TurboJPEG calls alone, in one process and in turn. Times are of this thread's
 * processor, so that other load on the machine counts little.
 */
#include "../bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include <qvisio/loader.h>
#include <qvisio/videocodec.h>

#define QUALITY 25
#define ROUNDS  81
#define FRAMES  10 /* a round */
#define GOAL    (1 / 0.97)

struct bench_data {
	const struct qv_videocodec_class *class;
	struct qv_videoencoder *encoder;
	struct qv_videodecoder *decoder;
	struct qv_picture *picture;
	struct qv_frame frame;
	struct qv_packet packet; /* a copy of an encoded picture */
	uint8_t *jpeg;
	tjhandle compress, decompress;
	uint8_t *buffer;
	unsigned long room;
	uint8_t *planes[3];
};

static double ours_encode(struct bench_data *data)
{
	struct qv_packet packet;
	double start = bench_cpu();
	for (int i = 0; i < FRAMES; i++)
		if (data->class->encode(data->encoder, &data->frame, &packet, NULL) != 1)
			return -1;
	return (bench_cpu() - start) * 1e3 / FRAMES;
}

static double bare_encode(struct bench_data *data)
{
	double start = bench_cpu();
	for (int i = 0; i < FRAMES; i++) {
		unsigned long size = data->room;
		const uint8_t *planes[3] = { data->frame.plane[0], data->frame.plane[1], data->frame.plane[2] };
		if (tjCompressFromYUVPlanes(data->compress, planes, data->frame.format.width, data->frame.stride,
					    data->frame.format.height, TJSAMP_420, &data->buffer, &size, QUALITY,
					    TJFLAG_NOREALLOC) != 0)
			return -1;
	}
	return (bench_cpu() - start) * 1e3 / FRAMES;
}

static double ours_decode(struct bench_data *data)
{
	struct qv_frame frame;
	double start = bench_cpu();
	for (int i = 0; i < FRAMES; i++)
		if (data->class->decode(data->decoder, &data->packet, &frame, NULL) != 1)
			return -1;
	return (bench_cpu() - start) * 1e3 / FRAMES;
}

/* With the header, which whoever receives pictures has to read for their size. */
static double bare_decode(struct bench_data *data)
{
	int strides[3] = { data->frame.stride[0], data->frame.stride[1], data->frame.stride[2] };
	double start = bench_cpu();
	for (int i = 0; i < FRAMES; i++) {
		int width, height, subsampling, colorspace;
		if (tjDecompressHeader3(data->decompress, data->packet.data, data->packet.size, &width, &height,
					&subsampling, &colorspace) != 0 ||
		    tjDecompressToYUVPlanes(data->decompress, data->packet.data, data->packet.size, data->planes, width,
					    strides, height, 0) != 0)
			return -1;
	}
	return (bench_cpu() - start) * 1e3 / FRAMES;
}

/* Shapes with edges, shades and some noise, as a camera sees them; a flat picture would measure the headers. */
static void paint(struct qv_picture *picture)
{
	struct qv_frame frame = qv_picture_frame(picture);
	uint32_t noise = 1;
	for (int i = 0; i < 3; i++) {
		int width, height;
		qv_plane_dimensions(&frame.format, i, &width, &height);
		uint8_t *plane = qv_picture_plane(picture, i);
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++) {
				noise = noise * 1664525 + 1013904223;
				double value =
					128 + 60 * sin(x / 23.0 + i) * cos(y / 17.0) + (x / 40 + y / 30) % 2 * 25;
				plane[y * frame.stride[i] + x] = (uint8_t)(value + (noise >> 24) / 32.0);
			}
	}
}

static void fail(const char *what, const struct qv_error *err)
{
	fprintf(stderr, "mjpeg: %s: %s\n", what, err ? err->message : "failed");
	exit(1);
}

static void open_bare(struct bench_data *data, int width, int height)
{
	data->compress = tjInitCompress();
	data->decompress = tjInitDecompress();
	data->room = tjBufSize(width, height, TJSAMP_420);
	data->buffer = malloc(data->room);
	for (int i = 0; i < 3; i++)
		data->planes[i] = malloc(data->frame.size[i]);
	if (!data->compress || !data->decompress || !data->buffer || !data->planes[2])
		fail("TurboJPEG", NULL);
}

static void measure(const struct qv_videocodec_class *class, const struct qv_options *options, int width, int height)
{
	static const struct qv_host host = { sizeof host, NULL, &qv_clock_monotonic, -1, NULL };
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_FULL, width, height, 30, 1 };
	struct qv_error err = QV_ERROR_INIT;
	struct bench_data data = { .class = class };
	data.encoder = class->encoder_open(&host, options, &format, &err);
	data.decoder = class->decoder_open(&host, options, "mjpeg", &format, &err);
	data.picture = qv_picture_new(&format, &err);
	if (!data.encoder || !data.decoder || !data.picture)
		fail("open", &err);
	paint(data.picture);
	data.frame = qv_picture_frame(data.picture);
	open_bare(&data, width, height);
	if (class->encode(data.encoder, &data.frame, &data.packet, &err) != 1)
		fail("encode", &err);
	data.jpeg = malloc(data.packet.size);
	if (!data.jpeg)
		fail("memory", NULL);
	memcpy(data.jpeg, data.packet.data, data.packet.size);
	data.packet.data = data.jpeg;

	char encode[48], decode[48];
	snprintf(encode, sizeof encode, "JPEG q%d %dx%d encode", QUALITY, width, height);
	snprintf(decode, sizeof decode, "JPEG q%d %dx%d decode", QUALITY, width, height);
	bool ran = bench_run(
		&(struct bench_pair){ encode, "ms", "TurboJPEG", ours_encode, bare_encode, &data, ROUNDS, GOAL });
	ran &= bench_run(
		&(struct bench_pair){ decode, "ms", "TurboJPEG", ours_decode, bare_decode, &data, ROUNDS, GOAL });
	if (!ran)
		exit(1);
	tjDestroy(data.compress);
	tjDestroy(data.decompress);
	free(data.buffer);
	for (int i = 0; i < 3; i++)
		free(data.planes[i]);
	free(data.jpeg);
	qv_picture_free(data.picture);
	class->encoder_close(data.encoder);
	class->decoder_close(data.decoder);
}

int main(void)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_loader *loader = qv_loader_new(NULL, NULL, &err);
	const struct qv_videocodec_class *class =
		loader ? qv_videocodec_class(qv_loader_get(loader, "videocodec", "mjpeg", &err)) : NULL;
	if (!class)
		fail("module", &err);
	static const char *const settings[] = { "quality=25", NULL };
	struct qv_options *options =
		qv_options_from_strings(settings, class->head.options, class->head.option_size, "bench", &err);
	if (!options)
		fail("options", &err);
	bench_header();
	measure(class, options, 640, 480);
	measure(class, options, 1280, 720);
	qv_options_free(options);
	qv_loader_free(loader);
	return 0;
}
