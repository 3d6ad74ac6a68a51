/* SPDX-License-Identifier: Apache-2.0 */
/* Video sink "witness", for tests: writes when each picture of the test pattern was shown, and how good it was. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/clock.h>
#include <qvisio/videosink.h>

#include "judge.h"

struct qv_videosink {
	FILE *out;
	bool judged;
	struct judge judge;
};

static const struct qv_option options[] = {
	{ .name = "path", .type = QV_OPTION_PATH, .required = true, .help = "File of the lines; see judge.h." },
	{ .name = "judge",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "Compare the pictures; otherwise only their stamps are read." },
	{ .name = "width",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = QV_VIDEO_SIDE_MAX,
	  .unit = "px",
	  .help = "In which pictures were painted; 0: in what comes." },
	{ .name = "height",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = QV_VIDEO_SIDE_MAX,
	  .unit = "px",
	  .help = "Likewise." },
	{ .name = NULL },
};

static void witness_close(struct qv_videosink *sink)
{
	if (!sink)
		return;
	if (sink->out)
		fclose(sink->out);
	judge_close(&sink->judge);
	free(sink);
}

static struct qv_videosink *witness_open(const struct qv_host *host, const struct qv_options *values, const char *title,
					 struct qv_error *err)
{
	(void)host, (void)title;
	struct qv_videosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for the video sink witness");
		return NULL;
	}
	sink->judged = qv_options_bool(values, "judge");
	sink->judge.width = (int)qv_options_int(values, "width");
	sink->judge.height = (int)qv_options_int(values, "height");
	sink->out = fopen(qv_options_string(values, "path"), "we");
	if (!sink->out) {
		qv_options_fail(values, "path", err, "%s", strerror(errno));
		witness_close(sink);
		return NULL;
	}
	return sink;
}

static int witness_show(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	struct judgement it = { 0 };
	if (qv_frame_check(frame, err) != 0)
		return -1;
	if (sink->judged)
		it = judge_frame(&sink->judge, frame);
	else
		it.stamped = qv_stamp_read(frame, &it.stamp);
	judge_print(sink->out, now, frame, &it);
	return 0;
}

static const struct qv_videosink_class witness = {
	.head = { .kind = "videosink",
		  .name = "witness",
		  .summary = "writes down what was shown when",
		  .abi_major = QV_VIDEOSINK_ABI_MAJOR,
		  .abi_minor = QV_VIDEOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_videosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = witness_open,
	.close = witness_close,
	.show = witness_show,
};

static const struct qv_class *const classes[] = { &witness.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
