/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rgb.h"

bool snapshot_is_built(void)
{
	return true;
}

struct writer {
	char message[128];
	uint8_t *row;
};

static void fail_png(png_structp png, png_const_charp message)
{
	struct writer *writer = png_get_error_ptr(png);
	snprintf(writer->message, sizeof writer->message, "%s", message);
	png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

/* Runs under setjmp of libpng: nothing in here owns memory that a jump would lose. */
static int write_rows(png_structp png, png_infop info, struct writer *writer, FILE *out, const struct qv_frame *frame)
{
	if (setjmp(png_jmpbuf(png)) != 0)
		return -1;
	png_init_io(png, out);
	png_set_IHDR(png, info, (png_uint_32)frame->format.width, (png_uint_32)frame->format.height, 8,
		     PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (int y = 0; y < frame->format.height; y++) {
		rgb_row(frame, y, writer->row);
		png_write_row(png, writer->row);
	}
	png_write_end(png, info);
	return 0;
}

static int write_image(FILE *out, const char *path, const struct qv_frame *frame, struct qv_error *err)
{
	struct writer writer = { .row = malloc(3 * (size_t)frame->format.width) };
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, fail_png, ignore_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	int result = 0;
	if (!writer.row || !info)
		result = qv_fail(err, QV_E_NOMEM, "no memory to write %s", path);
	else if (write_rows(png, info, &writer, out, frame) != 0)
		result = qv_fail(err, QV_E_IO, "cannot write %s: %s: %s", path, writer.message, strerror(errno));
	png_destroy_write_struct(&png, &info);
	free(writer.row);
	return result;
}

static int write_file(int fd, const char *path, const struct qv_frame *frame, struct qv_error *err)
{
	FILE *out = fdopen(fd, "wb");
	if (!out) {
		close(fd);
		return qv_fail(err, QV_E_NOMEM, "no memory to write %s", path);
	}
	int result = write_image(out, path, frame, err);
	if (result == 0 && (fflush(out) != 0 || fsync(fd) != 0))
		result = qv_fail_errno(err, QV_E_IO, errno, "cannot write %s", path);
	if (fclose(out) != 0 && result == 0)
		result = qv_fail_errno(err, QV_E_IO, errno, "cannot write %s", path);
	return result;
}

int snapshot_write(const char *path, const struct qv_frame *frame, struct qv_error *err)
{
	char *temporary;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory to write %s", path);
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "cannot write %s", temporary);
		free(temporary);
		return -1;
	}
	int result = write_file(fd, path, frame, err);
	if (result == 0 && rename(temporary, path) != 0)
		result = qv_fail_errno(err, QV_E_IO, errno, "cannot rename %s to %s", temporary, path);
	if (result != 0)
		unlink(temporary);
	free(temporary);
	return result;
}
