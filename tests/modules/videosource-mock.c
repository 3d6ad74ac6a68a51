/* SPDX-License-Identifier: Apache-2.0 */
/* A module with an option of every type, that delivers grey frames as fast as they are read. */
#include <qvisio/videosource.h>

#include <stdlib.h>

struct qv_videosource {
	struct qv_picture *picture;
	const struct qv_clock *clock;
	uint64_t sequence;
};

static const char *const colours[] = { "black", "white", ".Sh", NULL };

static const struct qv_option options[] = {
	{ .name = "device",
	  .type = QV_OPTION_STRING,
	  .required = true,
	  .help = "Which \"thing\" to read, in \\ form." },
	{ .name = "width",
	  .type = QV_OPTION_INT,
	  .fallback = "64",
	  .min = 2,
	  .max = 8192,
	  .unit = "px",
	  .help = "Width of a frame." },
	{ .name = "gain",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "0.5",
	  .min = -1.5,
	  .max = 2,
	  .help = "Factor that is long to explain, so that its help takes more than one line of a manual page, for "
		  "which "
		  "'quotes' and .dots matter." },
	{ .name = "mirror", .type = QV_OPTION_BOOL, .fallback = "false", .help = "Whether left is right." },
	{ .name = "colour",
	  .type = QV_OPTION_CHOICE,
	  .fallback = ".Sh",
	  .choices = colours,
	  .help = "Colour to show." },
	{ .name = "file", .type = QV_OPTION_PATH, .help = "File to ignore." },
	{ .name = "pin", .type = QV_OPTION_SECRET, .help = "Code of the camera." },
	{ .name = "tags", .type = QV_OPTION_STRINGS, .fallback = "a,b", .help = "Words to keep." },
	{ .name = "delay", .type = QV_OPTION_INT, .fallback = "0", .unit = "ms", .help = "Time to pretend." },
	{ .name = NULL },
};

static void source_close(struct qv_videosource *source)
{
	if (source)
		qv_picture_free(source->picture);
	free(source);
}

static struct qv_videosource *source_open(const struct qv_host *host, const struct qv_options *values,
					  const struct qv_video_want *want, struct qv_error *err)
{
	if (!(want->pixels & QV_PIXEL_BIT(QV_PIXEL_GRAY))) {
		qv_fail(err, QV_E_UNSUPPORTED, "this source delivers gray frames only");
		return NULL;
	}
	struct qv_video_format format = {
		QV_PIXEL_GRAY, QV_RANGE_FULL, (int)qv_options_int(values, "width"), 48, 30, 1
	};
	struct qv_videosource *source = calloc(1, sizeof *source);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for the source");
		return NULL;
	}
	source->clock = host->clock;
	source->picture = qv_picture_new(&format, err);
	if (source->picture)
		return source;
	source_close(source);
	return NULL;
}

static void source_format(const struct qv_videosource *source, struct qv_video_format *format)
{
	*format = qv_picture_frame(source->picture).format;
}

static int source_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	(void)timeout_ms;
	(void)err;
	*frame = qv_picture_frame(source->picture);
	frame->capture_ns = qv_clock_now(source->clock);
	frame->sequence = source->sequence++;
	return 1;
}

static const struct qv_videosource_class class = {
	.head = { .kind = "videosource",
		  .name = "mock",
		  .summary = "grey frames, for tests",
		  .abi_major = QV_VIDEOSOURCE_ABI_MAJOR,
		  .abi_minor = QV_VIDEOSOURCE_ABI_MINOR,
		  .size = sizeof(struct qv_videosource_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = source_open,
	.close = source_close,
	.format = source_format,
	.read = source_read,
};

static const struct qv_class *const classes[] = { &class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "9.8.7",
	.license = "Apache-2.0",
	.classes = classes,
};
