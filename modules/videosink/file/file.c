/* SPDX-License-Identifier: Apache-2.0 */
/* Video sink "file": keeps the stream as Y4M and the last frame as PNG. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qvisio/videosink.h>

#include "snapshot.h"
#include "y4m.h"

/* Files that one stream may be spread over by changes of its format. */
#define PARTS_MAX 100

struct qv_videosink {
	const struct qv_log *log;
	char *path;     /* of the Y4M file, or NULL */
	char *snapshot; /* or NULL */
	struct y4m_rate rate;
	int64_t frames_max; /* 0: no limit */
	int64_t bytes_max;
	struct y4m *file;
	int parts;
	int64_t frames, bytes; /* written, over all parts */
	bool full;             /* a limit was reached */
	struct qv_picture *last;
	bool has_last;
};

static const struct qv_option options[] = {
	{ .name = "path",
	  .type = QV_OPTION_PATH,
	  .help = "Y4M file for the stream; when its picture format changes, it goes on in NAME-2.y4m and so on." },
	{ .name = "snapshot", .type = QV_OPTION_PATH, .help = "PNG file for the last frame, written at the end." },
	{ .name = "rate",
	  .type = QV_OPTION_STRING,
	  .help = "Frame rate for the Y4M header, as 25 or 30000/1001; unset: the one announced, or the one measured "
		  "where that differs by more than 1 %." },
	{ .name = "max_frames",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1e12,
	  .help = "Frames after which recording stops while the call goes on; 0: no limit." },
	{ .name = "max_bytes",
	  .type = QV_OPTION_INT,
	  .fallback = "17179869184",
	  .min = 1,
	  .max = 9e15,
	  .unit = "bytes",
	  .help = "Bytes of Y4M after which recording stops while the call goes on." },
	{ .name = NULL },
};

static int parse_rate(const struct qv_options *values, struct y4m_rate *rate, struct qv_error *err)
{
	const char *text = qv_options_string(values, "rate");
	int used = 0, num = 0, den = 1;
	*rate = (struct y4m_rate){ 0, 1 };
	if (!text)
		return 0;
	bool fraction = sscanf(text, "%9d/%9d%n", &num, &den, &used) == 2;
	bool whole = !fraction && sscanf(text, "%9d%n", &num, &used) == 1;
	if ((!fraction && !whole) || text[used] || num < 1 || den < 1 || num / den > 1000)
		return qv_options_fail(values, "rate", err,
				       "\"%s\" is no frame rate up to 1000; write it as 25 or 30000/1001", text);
	*rate = (struct y4m_rate){ num, den };
	return 0;
}

/* The folder of a snapshot must take a new file at the end: better to say so at the start. */
static int check_snapshot(const struct qv_options *values, const char *path, struct qv_error *err)
{
	if (!snapshot_is_built())
		return qv_options_fail(values, "snapshot", err,
				       "this build has no libpng; rebuild with it (--with-png=yes) or unset snapshot");
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!folder)
		return qv_fail(err, QV_E_NOMEM, "no memory for the video sink file");
	int result = 0;
	if (access(folder, W_OK | X_OK) != 0)
		result = qv_options_fail(values, "snapshot", err, "cannot write into %s: %s", folder, strerror(errno));
	free(folder);
	return result;
}

static int set_up(struct qv_videosink *sink, const struct qv_options *values, struct qv_error *err)
{
	const char *path = qv_options_string(values, "path"), *snapshot = qv_options_string(values, "snapshot");
	if (!path && !snapshot)
		return qv_options_fail(values, "path", err,
				       "set path (a Y4M file), snapshot (a PNG file) or both; to keep nothing, use "
				       "module = \"null\"");
	if (parse_rate(values, &sink->rate, err) != 0 || (snapshot && check_snapshot(values, snapshot, err) != 0))
		return -1;
	sink->frames_max = qv_options_int(values, "max_frames");
	sink->bytes_max = qv_options_int(values, "max_bytes");
	sink->path = path ? strdup(path) : NULL;
	sink->snapshot = snapshot ? strdup(snapshot) : NULL;
	if ((path && !sink->path) || (snapshot && !sink->snapshot))
		return qv_fail(err, QV_E_NOMEM, "no memory for the video sink file");
	struct qv_error why = QV_ERROR_INIT;
	if (path && !(sink->file = y4m_open(path, &why)))
		return qv_options_fail(values, "path", err, "%s", why.message);
	sink->parts = 1;
	return 0;
}

static void dispose(struct qv_videosink *sink)
{
	qv_picture_free(sink->last);
	free(sink->path);
	free(sink->snapshot);
	free(sink);
}

static struct qv_videosink *file_open(const struct qv_host *host, const struct qv_options *values, const char *title,
				      struct qv_error *err)
{
	(void)title;
	struct qv_videosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for the video sink file");
		return NULL;
	}
	sink->log = host->log;
	if (set_up(sink, values, err) != 0) {
		dispose(sink);
		return NULL;
	}
	return sink;
}

static void file_close(struct qv_videosink *sink)
{
	struct qv_error err = QV_ERROR_INIT;
	if (!sink)
		return;
	if (y4m_close(sink->file, sink->rate, &err) != 0)
		qv_log_error(sink->log, "%s", err.message);
	if (sink->path)
		qv_log_info(sink->log, "%s: %lld frames, %lld bytes%s", sink->path, (long long)sink->frames,
			    (long long)sink->bytes, sink->parts > 1 ? ", with the parts that follow it" : "");
	if (sink->snapshot && sink->has_last) {
		struct qv_frame frame = qv_picture_frame(sink->last);
		if (snapshot_write(sink->snapshot, &frame, &err) != 0)
			qv_log_error(sink->log, "snapshot: %s", err.message);
		else
			qv_log_info(sink->log, "snapshot of the last frame in %s", sink->snapshot);
	} else if (sink->snapshot) {
		qv_log_warning(sink->log, "no snapshot in %s: no frame came", sink->snapshot);
	}
	dispose(sink);
}

static bool same_format(const struct qv_video_format *a, const struct qv_video_format *b)
{
	return a->pixel == b->pixel && a->range == b->range && a->width == b->width && a->height == b->height;
}

static int keep_last(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	if (sink->last) {
		struct qv_frame last = qv_picture_frame(sink->last);
		if (!same_format(&last.format, &frame->format)) {
			qv_picture_free(sink->last);
			sink->last = NULL;
			sink->has_last = false;
		}
	}
	if (!sink->last && !(sink->last = qv_picture_new(&frame->format, err)))
		return -1;
	if (qv_picture_copy(sink->last, frame, err) != 0)
		return -1;
	sink->has_last = true;
	return 0;
}

/* "call.y4m" to "call-2.y4m". */
static char *part_path(const char *path, int part)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');
	int stem = (int)(dot ? dot - path : (ptrdiff_t)strlen(path));
	char *name;
	return asprintf(&name, "%.*s-%d%s", stem, path, part, dot ? dot : "") < 0 ? NULL : name;
}

static int next_part(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	char *path = part_path(sink->path, sink->parts + 1);
	if (!path)
		return qv_fail(err, QV_E_NOMEM, "no memory for the next part of %s", sink->path);
	struct y4m *next = y4m_open(path, err);
	int result = next ? 0 : -1;
	if (next) {
		qv_log_info(sink->log, "the stream changed to %s %dx%d: going on in %s",
			    qv_pixel_name(frame->format.pixel), frame->format.width, frame->format.height, path);
		result = y4m_close(sink->file, sink->rate, err);
		sink->file = next;
		sink->parts++;
	}
	free(path);
	return result;
}

static bool reaches_limit(struct qv_videosink *sink, const struct qv_frame *frame)
{
	const char *which = NULL;
	if (sink->frames_max > 0 && sink->frames >= sink->frames_max)
		which = "max_frames";
	else if (y4m_cost(sink->file, frame) > sink->bytes_max - sink->bytes)
		which = "max_bytes";
	if (which)
		qv_log_warning(sink->log, "%s: recording stopped after %lld frames and %lld bytes (option %s)",
			       sink->path, (long long)sink->frames, (long long)sink->bytes, which);
	return which != NULL;
}

static int record(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	if (sink->full)
		return 0;
	sink->full = reaches_limit(sink, frame);
	if (sink->full)
		return 0;
	bool changed = !y4m_takes(sink->file, frame);
	if (changed && sink->parts >= PARTS_MAX) {
		qv_log_warning(sink->log, "%s: recording stopped, as the stream changed its format %d times",
			       sink->path, PARTS_MAX);
		sink->full = true;
		return 0;
	}
	if (changed && next_part(sink, frame, err) != 0)
		return -1;
	int64_t cost = y4m_cost(sink->file, frame);
	if (y4m_write(sink->file, frame, err) != 0)
		return -1;
	sink->frames++;
	sink->bytes += cost;
	return 0;
}

static int file_show(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	if (qv_frame_check(frame, err) != 0)
		return qv_error_prefix(err, "video sink file");
	if (frame->format.pixel == QV_PIXEL_JPEG)
		return qv_fail(err, QV_E_INVALID, "video sink file: a jpeg frame came, where sinks take planar ones");
	if (sink->snapshot && keep_last(sink, frame, err) != 0)
		return -1;
	return sink->path ? record(sink, frame, err) : 0;
}

static const struct qv_videosink_class file = {
	.head = { .kind = "videosink",
		  .name = "file",
		  .summary = "keeps the stream as Y4M and the last frame as PNG",
		  .abi_major = QV_VIDEOSINK_ABI_MAJOR,
		  .abi_minor = QV_VIDEOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_videosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = file_open,
	.close = file_close,
	.show = file_show,
};

static const struct qv_class *const classes[] = { &file.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND libpng-2.0",
	.classes = classes,
};
