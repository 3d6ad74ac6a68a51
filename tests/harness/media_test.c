/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media_test.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

const struct qv_host media_host = { sizeof(struct qv_host), NULL, &qv_clock_monotonic, -1, NULL };

static struct qv_loader *loader;

static void free_loader(void)
{
	qv_loader_free(loader);
}

const struct qv_class *media_class(const char *kind, const char *name)
{
	struct qv_error err = QV_ERROR_INIT;
	if (!loader) {
		loader = qv_loader_new(NULL, NULL, &err);
		atexit(free_loader);
	}
	const struct qv_class *class = loader ? qv_loader_get(loader, kind, name, &err) : NULL;
	if (!class)
		fail_msg("%s", err.message);
	return class;
}

struct qv_options *media_options(const struct qv_class *class, const char *const *assignments)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options =
		qv_options_from_strings(assignments, class->options, class->option_size, "test", &err);
	if (!options)
		fail_msg("%s", err.message);
	return options;
}

static uint8_t pattern_sample(int plane, int x, int y, unsigned *random)
{
	*random = *random * 1103515245u + 12345u;
	int noise = (int)(*random >> 16 & 7);
	if (plane == 0)
		return (uint8_t)(40 + (x * 2 + y) % 160 + ((x / 16 + y / 16) % 2) * 20 + noise);
	return (uint8_t)(96 + abs((plane == 1 ? x + y : 2 * x - y) % 128 - 64) + noise / 4);
}

struct qv_picture *media_pattern(enum qv_pixel pixel, int width, int height, unsigned seed)
{
	struct qv_video_format format = { pixel, QV_RANGE_FULL, width, height, 30, 1 };
	struct qv_picture *picture = qv_picture_new(&format, NULL);
	assert_non_null(picture);
	struct qv_frame frame = qv_picture_frame(picture);
	int shift = (int)(seed % 64) * 3;
	for (int i = 0; i < qv_pixel_planes(pixel); i++) {
		int plane_width, plane_height;
		qv_plane_dimensions(&format, i, &plane_width, &plane_height);
		for (int y = 0; y < plane_height; y++)
			for (int x = 0; x < plane_width; x++)
				qv_picture_plane(picture, i)[y * frame.stride[i] + x] =
					pattern_sample(i, x + shift, y, &seed);
	}
	return picture;
}

double media_psnr(const struct qv_frame *a, const struct qv_frame *b)
{
	double sum = 0, count = 0;
	assert_int_equal(a->format.pixel, b->format.pixel);
	assert_int_equal(a->format.width, b->format.width);
	assert_int_equal(a->format.height, b->format.height);
	for (int i = 0; i < qv_pixel_planes(a->format.pixel); i++) {
		int width, height;
		qv_plane_dimensions(&a->format, i, &width, &height);
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++) {
				double d =
					(double)a->plane[i][y * a->stride[i] + x] - b->plane[i][y * b->stride[i] + x];
				sum += d * d;
			}
		count += (double)width * height;
	}
	return sum == 0 ? 99 : 10 * log10(255.0 * 255.0 * count / sum);
}

char *media_folder(void)
{
	const char *base = getenv("TMPDIR");
	char *folder;
	assert_true(asprintf(&folder, "%s/qvisio-test-XXXXXX", base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(folder));
	return folder;
}

void media_folder_remove(char *folder)
{
	media_run("rm -rf '%s'", folder);
	free(folder);
}

int media_run(const char *format, ...)
{
	char command[4096];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	assert_true(length > 0 && (size_t)length < sizeof command);
	fflush(NULL);
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

uint8_t *media_read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	fseek(file, 0, SEEK_END);
	long length = ftell(file);
	rewind(file);
	uint8_t *bytes = length >= 0 ? malloc((size_t)length + 1) : NULL;
	if (bytes) {
		*size = fread(bytes, 1, (size_t)length, file);
		bytes[*size] = 0;
	}
	fclose(file);
	return bytes;
}

void media_write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

struct qv_frame media_raw_frame(const uint8_t *bytes, size_t size, enum qv_pixel pixel, int width, int height)
{
	struct qv_frame frame = { .format = { pixel, QV_RANGE_FULL, width, height, 30, 1 } };
	size_t at = 0;
	for (int i = 0; i < qv_pixel_planes(pixel); i++) {
		int plane_width, plane_height;
		qv_plane_dimensions(&frame.format, i, &plane_width, &plane_height);
		frame.plane[i] = bytes + at;
		frame.stride[i] = plane_width;
		frame.size[i] = (size_t)plane_width * (size_t)plane_height;
		at += frame.size[i];
	}
	assert_int_equal(at, size);
	return frame;
}
