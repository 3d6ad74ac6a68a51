/* SPDX-License-Identifier: Apache-2.0 */
#include "fitting.h"

#include "../picture_scale.h"

void fitting_clear(struct fitting *fitting)
{
	qv_picture_free(fitting->picture);
	fitting->picture = NULL;
}

void fitting_begin(struct fitting *fitting, const struct qv_video_format *format, const char *codec)
{
	double fps = format->fps_num > 0 && format->fps_den > 0 ? (double)format->fps_num / format->fps_den : 0;
	fitting_clear(fitting);
	fitting->format = *format;
	picture_size_begin(&fitting->size, format->width, format->height, fps, codec ? codec : "");
	if (!codec || format->pixel == QV_PIXEL_JPEG)
		fitting->size.steps = 1;
}

struct qv_video_format fitting_format(const struct fitting *fitting)
{
	struct qv_video_format format = fitting->format;
	picture_size_get(&fitting->size, &format.width, &format.height);
	return format;
}

static int have_picture(struct fitting *fitting, const struct qv_video_format *format, struct qv_error *err)
{
	if (fitting->picture) {
		struct qv_frame has = qv_picture_frame(fitting->picture);
		if (has.format.width == format->width && has.format.height == format->height &&
		    has.format.pixel == format->pixel && has.format.range == format->range)
			return 0;
	}
	fitting_clear(fitting);
	fitting->picture = qv_picture_new(format, err);
	return fitting->picture ? 0 : -1;
}

int fitting_frame(struct fitting *fitting, const struct qv_frame *frame, struct qv_frame *fitted, struct qv_error *err)
{
	struct qv_video_format format = frame->format;
	picture_size_get(&fitting->size, &format.width, &format.height);
	/* What is not as the camera said goes as it is. */
	if (fitting->size.step == 0 || frame->format.width != fitting->format.width ||
	    frame->format.height != fitting->format.height || frame->format.pixel != fitting->format.pixel) {
		*fitted = *frame;
		return 0;
	}
	if (qv_frame_check(frame, err) != 0 || have_picture(fitting, &format, err) != 0)
		return -1;
	*fitted = qv_picture_frame(fitting->picture);
	for (int i = 0; i < qv_pixel_planes(format.pixel); i++) {
		struct plane from = { .samples = frame->plane[i], .stride = frame->stride[i] };
		struct raster to = { .samples = qv_picture_plane(fitting->picture, i), .stride = fitted->stride[i] };
		qv_plane_dimensions(&frame->format, i, &from.width, &from.height);
		qv_plane_dimensions(&format, i, &to.width, &to.height);
		scale_plane(&from, &to, NULL);
	}
	fitted->capture_ns = frame->capture_ns;
	fitted->sequence = frame->sequence;
	return 0;
}
