/* SPDX-License-Identifier: Apache-2.0 */
/* Video source "stripes": grey stripes that wander to the left, at the rate asked for. */
#include <stdlib.h>

#include <qvisio/videosource.h>

struct qv_videosource {
	struct qv_picture *picture;
	const struct qv_clock *clock;
	int cancel_fd;
	int64_t next_ns, interval_ns;
	uint64_t sequence;
};

static const struct qv_option options[] = {
	{ .name = "width",
	  .type = QV_OPTION_INT,
	  .fallback = "320",
	  .min = 16,
	  .max = QV_VIDEO_SIDE_MAX,
	  .unit = "px",
	  .help = "Width of a frame." },
	{ .name = "height",
	  .type = QV_OPTION_INT,
	  .fallback = "240",
	  .min = 16,
	  .max = QV_VIDEO_SIDE_MAX,
	  .unit = "px",
	  .help = "Height of a frame." },
	{ .name = "fps",
	  .type = QV_OPTION_INT,
	  .fallback = "30",
	  .min = 1,
	  .max = 240,
	  .unit = "frames/s",
	  .help = "How many frames there are in a second." },
	{ .name = NULL },
};

static void stripes_close(struct qv_videosource *source)
{
	if (source)
		qv_picture_free(source->picture);
	free(source);
}

static struct qv_videosource *stripes_open(const struct qv_host *host, const struct qv_options *values,
					   const struct qv_video_want *want, struct qv_error *err)
{
	struct qv_video_format format = { .pixel = QV_PIXEL_GRAY,
					  .range = QV_RANGE_FULL,
					  .width = (int)qv_options_int(values, "width"),
					  .height = (int)qv_options_int(values, "height"),
					  .fps_num = (int)qv_options_int(values, "fps"),
					  .fps_den = 1 };
	if (!(want->pixels & QV_PIXEL_BIT(format.pixel))) {
		qv_fail(err, QV_E_UNSUPPORTED, "stripes come as gray only");
		return NULL;
	}
	struct qv_videosource *source = calloc(1, sizeof *source);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for the stripes");
		return NULL;
	}
	source->clock = host->clock;
	source->cancel_fd = host->cancel_fd;
	source->interval_ns = QV_NS_PER_SECOND / format.fps_num;
	source->next_ns = qv_clock_now(host->clock);
	source->picture = qv_picture_new(&format, err);
	if (source->picture)
		return source;
	free(source);
	return NULL;
}

static void stripes_format(const struct qv_videosource *source, struct qv_video_format *format)
{
	*format = qv_picture_frame(source->picture).format;
}

static int stripes_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	int64_t until = qv_clock_now(source->clock) + timeout_ms * QV_NS_PER_MS;
	bool in_time = source->next_ns <= until;
	if (qv_clock_sleep_until(in_time ? source->next_ns : until, source->cancel_fd, err) != 0)
		return -1;
	if (!in_time)
		return 0;
	*frame = qv_picture_frame(source->picture);
	uint8_t *luma = qv_picture_plane(source->picture, 0);
	for (int y = 0; y < frame->format.height; y++)
		for (int x = 0; x < frame->format.width; x++)
			luma[y * frame->stride[0] + x] = (uint8_t)((uint64_t)x * 4 + source->sequence * 8);
	frame->capture_ns = source->next_ns;
	frame->sequence = source->sequence++;
	source->next_ns += source->interval_ns;
	return 1;
}

/* clang-format off */
static const struct qv_videosource_class stripes = {
	.head = { .kind = "videosource", .name = "stripes", .summary = "wandering grey stripes",
		  .abi_major = QV_VIDEOSOURCE_ABI_MAJOR, .abi_minor = QV_VIDEOSOURCE_ABI_MINOR,
		  .size = sizeof stripes, .option_size = sizeof options[0], .options = options },
	.open = stripes_open, .close = stripes_close, .format = stripes_format, .read = stripes_read,
};

const struct qv_module qv_module = { .abi_major = QV_MODULE_ABI_MAJOR, .abi_minor = QV_MODULE_ABI_MINOR,
				     .size = sizeof qv_module, .version = "1.0", .license = "Apache-2.0",
				     .classes = (const struct qv_class *const[]){ &stripes.head, NULL } };
/* clang-format on */
