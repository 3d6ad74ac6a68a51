/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: shows a picture, dark to the left and light to the right, in the terminal until it is closed there. Says on
 * standard error what keys were pressed ("key CODE") and how it ended.
 * usage: show_caca tell-keys|no-keys STATUS [OPTION=VALUE…]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/loader.h>
#include <qvisio/videosink.h>

#define WIDTH  64
#define HEIGHT 48

static void paint(uint8_t *luma, uint8_t *chroma)
{
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			luma[y * WIDTH + x] = x < WIDTH / 2 ? 0 : 255;
	memset(chroma, 128, WIDTH * HEIGHT / 4);
}

static int run(const struct qv_videosink_class *class, struct qv_videosink *sink, bool keys, struct qv_error *err)
{
	static uint8_t luma[WIDTH * HEIGHT], chroma[WIDTH * HEIGHT / 4];
	struct qv_frame frame = { .format = { QV_PIXEL_I420, QV_RANGE_FULL, WIDTH, HEIGHT, 30, 1 },
				  .plane = { luma, chroma, chroma },
				  .stride = { WIDTH, WIDTH / 2, WIDTH / 2 },
				  .size = { sizeof luma, sizeof chroma, sizeof chroma } };
	paint(luma, chroma);
	for (;;) {
		int key;
		if (class->show(sink, &frame, err) != 0 || class->poll(sink, err) != 0)
			return -1;
		class->levels(sink, -30, -60);
		while (keys && (key = class->key(sink))) {
			fprintf(stderr, "key %d\n", key);
			if (key == 'w' && class->overlay(sink, QV_OVERLAY_WARNING, "THE KEY IS OLD", err) != 0)
				return -1;
		}
		qv_clock_sleep_until(qv_clock_now(&qv_clock_monotonic) + 20 * QV_NS_PER_MS, -1, NULL);
	}
}

int main(int argc, char **argv)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	struct qv_loader *loader = argc < 3 ? NULL : qv_loader_new(NULL, NULL, &err);
	if (!loader)
		return 2;
	const struct qv_class *head = qv_loader_get(loader, "videosink", "caca", &err);
	struct qv_options *options = head ? qv_options_from_strings((const char *const *)argv + 3, head->options,
								    head->option_size, "test", &err)
					  : NULL;
	const struct qv_videosink_class *class = qv_videosink_class(head);
	struct qv_videosink *sink = options ? class->open(&host, options, "A call", &err) : NULL;
	if (sink && class->status(sink, QV_SECURED_QKD, argv[2], &err) == 0)
		run(class, sink, strcmp(argv[1], "tell-keys") == 0, &err);
	if (class)
		class->close(sink);
	qv_options_free(options);
	qv_loader_free(loader);
	fprintf(stderr, "end %s: %s\n", qv_code_name(err.code), err.message);
	return 0;
}
