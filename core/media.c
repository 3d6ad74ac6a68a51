/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/media.h>

const char *qv_pixel_name(enum qv_pixel pixel)
{
	static const char *const names[] = { "none", "i420", "i422", "i444", "gray", "jpeg" };
	return (unsigned)pixel < sizeof names / sizeof names[0] ? names[pixel] : "unknown";
}

int qv_pixel_planes(enum qv_pixel pixel)
{
	switch (pixel) {
	case QV_PIXEL_I420:
	case QV_PIXEL_I422:
	case QV_PIXEL_I444:
		return 3;
	case QV_PIXEL_GRAY:
	case QV_PIXEL_JPEG:
		return 1;
	case QV_PIXEL_NONE:
		break;
	}
	return 0;
}

void qv_plane_dimensions(const struct qv_video_format *format, int index, int *width, int *height)
{
	bool chroma = index > 0;
	bool half_width = format->pixel == QV_PIXEL_I420 || format->pixel == QV_PIXEL_I422;
	*width = chroma && half_width ? (format->width + 1) / 2 : format->width;
	*height = chroma && format->pixel == QV_PIXEL_I420 ? (format->height + 1) / 2 : format->height;
}

int qv_video_format_check(const struct qv_video_format *format, struct qv_error *err)
{
	if (qv_pixel_planes(format->pixel) == 0)
		return qv_fail(err, QV_E_INVALID, "pixel format %d is unknown", (int)format->pixel);
	if (format->width < 1 || format->width > QV_VIDEO_SIDE_MAX || format->height < 1 ||
	    format->height > QV_VIDEO_SIDE_MAX)
		return qv_fail(err, QV_E_INVALID, "a picture of %dx%d is outside 1x1 to %dx%d", format->width,
			       format->height, QV_VIDEO_SIDE_MAX, QV_VIDEO_SIDE_MAX);
	if (format->fps_num < 0 || format->fps_den < 1 || format->fps_num / format->fps_den > 1000)
		return qv_fail(err, QV_E_INVALID, "a frame rate of %d/%d is outside 0 to 1000 a second",
			       format->fps_num, format->fps_den);
	if (format->range != QV_RANGE_LIMITED && format->range != QV_RANGE_FULL)
		return qv_fail(err, QV_E_INVALID, "sample range %d is unknown", (int)format->range);
	return 0;
}

int qv_audio_format_check(const struct qv_audio_format *format, struct qv_error *err)
{
	if (format->rate < 8000 || format->rate > 192000)
		return qv_fail(err, QV_E_INVALID, "a sample rate of %d Hz is outside 8000 to 192000", format->rate);
	if (format->channels < 1 || format->channels > 8)
		return qv_fail(err, QV_E_INVALID, "%d sound channels are outside 1 to 8", format->channels);
	return 0;
}

int qv_audio_blocks_check(const struct qv_audio_format *format, size_t block_frames, struct qv_error *err)
{
	if (qv_audio_format_check(format, err) != 0)
		return -1;
	if (block_frames < 1 || block_frames > QV_AUDIO_BLOCK_FRAMES_MAX)
		return qv_fail(err, QV_E_INVALID, "blocks of %zu samples are outside 1 to %d", block_frames,
			       QV_AUDIO_BLOCK_FRAMES_MAX);
	return 0;
}

int qv_audio_block_check(const struct qv_audio_block *block, const struct qv_audio_format *sink, struct qv_error *err)
{
	const struct qv_audio_format *format = &block->format;
	if (format->rate != sink->rate || format->channels != sink->channels)
		return qv_fail(err, QV_E_INVALID, "a block of %d Hz, %d channels came to a sink of %d Hz, %d channels",
			       format->rate, format->channels, sink->rate, sink->channels);
	return 0;
}

static int check_plane(const struct qv_frame *frame, int index, struct qv_error *err)
{
	int width, height;
	qv_plane_dimensions(&frame->format, index, &width, &height);
	if (!frame->plane[index] || frame->stride[index] < width)
		return qv_fail(err, QV_E_INVALID, "plane %d has no samples, or a stride under its width of %d", index,
			       width);
	size_t needed = (size_t)frame->stride[index] * (size_t)(height - 1) + (size_t)width;
	if (frame->size[index] < needed)
		return qv_fail(err, QV_E_INVALID, "plane %d has %zu bytes where %zu are needed", index,
			       frame->size[index], needed);
	return 0;
}

int qv_frame_check(const struct qv_frame *frame, struct qv_error *err)
{
	if (qv_video_format_check(&frame->format, err) != 0)
		return -1;
	if (frame->format.pixel == QV_PIXEL_JPEG) {
		if (!frame->plane[0] || frame->size[0] < 4 || frame->size[0] > QV_PACKET_MAX)
			return qv_fail(err, QV_E_INVALID, "a JPEG frame of %zu bytes is outside 4 to %u",
				       frame->size[0], QV_PACKET_MAX);
		return 0;
	}
	for (int i = 0; i < qv_pixel_planes(frame->format.pixel); i++)
		if (check_plane(frame, i, err) != 0)
			return -1;
	return 0;
}
