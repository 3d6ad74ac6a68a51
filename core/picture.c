/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures that own their samples. */
#include <qvisio/media.h>

#include <stdlib.h>
#include <string.h>

#define ROW_ALIGN 32

struct qv_picture {
	struct qv_frame frame;
	uint8_t *plane[3];
};

struct qv_picture *qv_picture_new(const struct qv_video_format *format, struct qv_error *err)
{
	if (qv_video_format_check(format, err) != 0)
		return NULL;
	if (format->pixel == QV_PIXEL_JPEG) {
		qv_fail(err, QV_E_INVALID, "a picture buffer holds planes, not JPEG");
		return NULL;
	}
	struct qv_picture *picture = calloc(1, sizeof *picture);
	if (!picture)
		goto no_memory;
	picture->frame.format = *format;
	for (int i = 0; i < qv_pixel_planes(format->pixel); i++) {
		int width, height;
		qv_plane_dimensions(format, i, &width, &height);
		int stride = (width + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
		size_t size = (size_t)stride * (size_t)height;
		picture->plane[i] = aligned_alloc(ROW_ALIGN, size);
		if (!picture->plane[i])
			goto no_memory;
		memset(picture->plane[i], i ? 128 : 16, size);
		picture->frame.plane[i] = picture->plane[i];
		picture->frame.stride[i] = stride;
		picture->frame.size[i] = size;
	}
	return picture;
no_memory:
	qv_picture_free(picture);
	qv_fail(err, QV_E_NOMEM, "no memory for a picture of %dx%d", format->width, format->height);
	return NULL;
}

void qv_picture_free(struct qv_picture *picture)
{
	if (!picture)
		return;
	for (int i = 0; i < 3; i++)
		free(picture->plane[i]);
	free(picture);
}

struct qv_frame qv_picture_frame(const struct qv_picture *picture)
{
	return picture->frame;
}

uint8_t *qv_picture_plane(struct qv_picture *picture, int index)
{
	return index >= 0 && index < 3 ? picture->plane[index] : NULL;
}

int qv_picture_copy(struct qv_picture *picture, const struct qv_frame *frame, struct qv_error *err)
{
	const struct qv_video_format *format = &picture->frame.format;
	if (qv_frame_check(frame, err) != 0)
		return -1;
	if (frame->format.pixel != format->pixel || frame->format.width != format->width ||
	    frame->format.height != format->height)
		return qv_fail(err, QV_E_INVALID, "a frame of %s %dx%d does not fit a picture of %s %dx%d",
			       qv_pixel_name(frame->format.pixel), frame->format.width, frame->format.height,
			       qv_pixel_name(format->pixel), format->width, format->height);
	for (int i = 0; i < qv_pixel_planes(format->pixel); i++) {
		int width, height;
		qv_plane_dimensions(format, i, &width, &height);
		for (int y = 0; y < height; y++)
			memcpy(picture->plane[i] + (size_t)y * (size_t)picture->frame.stride[i],
			       frame->plane[i] + (size_t)y * (size_t)frame->stride[i], (size_t)width);
	}
	return 0;
}

int qv_picture_from_yuyv(struct qv_picture *picture, const uint8_t *packed, size_t size, int stride,
			 struct qv_error *err)
{
	const struct qv_frame *frame = &picture->frame;
	int width = frame->format.width, height = frame->format.height;
	size_t row = (size_t)((width + 1) / 2) * 4;
	if (frame->format.pixel != QV_PIXEL_I422)
		return qv_fail(err, QV_E_INVALID, "packed 4:2:2 needs a picture of i422, not %s",
			       qv_pixel_name(frame->format.pixel));
	if (stride < 0 || (size_t)stride < row || size < (size_t)stride * (size_t)(height - 1) + row)
		return qv_fail(err, QV_E_TRUNCATED, "%zu bytes in rows of %d are too few for packed 4:2:2 of %dx%d",
			       size, stride, width, height);
	for (int y = 0; y < height; y++) {
		const uint8_t *in = packed + (size_t)y * (size_t)stride;
		uint8_t *luma = picture->plane[0] + (size_t)y * (size_t)frame->stride[0];
		uint8_t *cb = picture->plane[1] + (size_t)y * (size_t)frame->stride[1];
		uint8_t *cr = picture->plane[2] + (size_t)y * (size_t)frame->stride[2];
		for (int x = 0; x < width / 2; x++) {
			luma[2 * x] = in[4 * x];
			cb[x] = in[4 * x + 1];
			luma[2 * x + 1] = in[4 * x + 2];
			cr[x] = in[4 * x + 3];
		}
		if (width % 2) {
			luma[width - 1] = in[row - 4];
			cb[width / 2] = in[row - 3];
			cr[width / 2] = in[row - 1];
		}
	}
	return 0;
}
