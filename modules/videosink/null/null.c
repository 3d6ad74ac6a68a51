/* SPDX-License-Identifier: Apache-2.0 */
/* Video sink "null": checks and counts frames, and says at the end how many came. */
#include <stdlib.h>

#include <qvisio/videosink.h>

struct qv_videosink {
	const struct qv_log *log;
	uint64_t frames;
	uint64_t changes; /* of the picture format */
	struct qv_video_format format;
};

static struct qv_videosink *null_open(const struct qv_host *host, const struct qv_options *options, const char *title,
				      struct qv_error *err)
{
	(void)options;
	(void)title;
	struct qv_videosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for the video sink null");
		return NULL;
	}
	sink->log = host->log;
	return sink;
}

static void null_close(struct qv_videosink *sink)
{
	if (!sink)
		return;
	if (sink->frames)
		qv_log_info(sink->log, "%llu frames, the last of %s %dx%d, %llu changes of format",
			    (unsigned long long)sink->frames, qv_pixel_name(sink->format.pixel), sink->format.width,
			    sink->format.height, (unsigned long long)sink->changes);
	else
		qv_log_info(sink->log, "no frames");
	free(sink);
}

static int null_show(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	const struct qv_video_format *format = &frame->format;
	if (qv_frame_check(frame, err) != 0)
		return qv_error_prefix(err, "video sink null");
	if (format->pixel == QV_PIXEL_JPEG)
		return qv_fail(err, QV_E_INVALID, "video sink null: a jpeg frame came, where sinks take planar ones");
	if (sink->frames++ > 0 && (format->pixel != sink->format.pixel || format->width != sink->format.width ||
				   format->height != sink->format.height))
		sink->changes++;
	sink->format = *format;
	return 0;
}

static const struct qv_videosink_class null = {
	.head = { .kind = "videosink",
		  .name = "null",
		  .summary = "counts frames and shows nothing",
		  .abi_major = QV_VIDEOSINK_ABI_MAJOR,
		  .abi_minor = QV_VIDEOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_videosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = NULL },
	.open = null_open,
	.close = null_close,
	.show = null_show,
};

static const struct qv_class *const classes[] = { &null.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
