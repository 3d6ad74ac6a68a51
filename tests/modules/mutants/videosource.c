/* SPDX-License-Identifier: Apache-2.0 */
/* What every class owes is broken here, and what a source of frames owes. */
#include <qvisio/videosource.h>

#include "mutant.h"

static struct qv_videosource_class __mutant;
static struct qv_videosource_class __good;
static struct qv_option __options[32];

#ifdef MUTATE_EXPORT
int helper_that_leaks_out(void);
__attribute__((visibility("default"))) int helper_that_leaks_out(void)
{
	return 1;
}
#endif

#if defined MUTATE_GLOBAL || defined MUTATE_ALONE
static int open_count;
#endif

static struct qv_videosource *open_mutant(const struct qv_host *host, const struct qv_options *options,
					  const struct qv_video_want *want, struct qv_error *err)
{
	static struct qv_host __changed;
	__changed = *host;
	struct qv_video_want all = { QV_PIXELS_PLANAR };
#ifdef MUTATE_DEAF
	__changed.cancel_fd = -1;
#endif
#ifdef MUTATE_UNDECLARED
	if (qv_options_int(options, "hight") != 0)
		return NULL;
#endif
#ifdef MUTATE_WRONG_TYPE
	if (qv_options_string(options, "width"))
		return NULL;
#endif
#ifdef MUTATE_LEAK
	if (dup(0) < 0)
		return NULL;
#endif
#ifdef MUTATE_RANGE_END
	if (qv_options_int(options, "width") == 8192)
		abort();
#endif
#if defined MUTATE_GLOBAL || defined MUTATE_ALONE
	open_count++;
#endif
#ifdef MUTATE_ALONE
	if (open_count > 1) {
		qv_fail(err, QV_E_IO, "only one");
		return NULL;
	}
#endif
#ifdef MUTATE_DEAF_TO_WISHES
	want = &all;
#endif
	(void)all;
	struct qv_videosource *source = __good.open(&__changed, options, want, err);
#ifdef MUTATE_NO_ERROR
	if (!source)
		*err = (struct qv_error)QV_ERROR_INIT;
#endif
	return source;
}

static void close_mutant(struct qv_videosource *source)
{
#ifdef MUTATE_CLOSE_NULL
	if (!source)
		abort();
#endif
#ifdef MUTATE_ALONE
	open_count -= source != NULL;
#endif
	__good.close(source);
}

static int read_mutant(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
#ifdef MUTATE_EXIT
	exit(0);
#endif
	int result = __good.read(source, frame, timeout_ms, err);
	if (result != 1)
		return result;
#ifdef MUTATE_FUTURE
	frame->capture_ns += 3600 * QV_NS_PER_SECOND;
#endif
#ifdef MUTATE_BACKWARDS
	frame->capture_ns = 1000000 - (int64_t)frame->sequence;
#endif
#ifdef MUTATE_SEQUENCE
	frame->sequence = 1;
#endif
#ifdef MUTATE_UNSOUND
	frame->size[0] = 1;
#endif
#ifdef MUTATE_FORMAT
	frame->format.height -= 2;
#endif
	return 1;
}

static void copy_options(void)
{
	size_t count = 0;
	while (count < 30 && __good.head.options[count].name) {
		__options[count] = __good.head.options[count];
		count++;
	}
#ifdef MUTATE_HELP
	__options[0].help = "No full stop";
#elif defined MUTATE_DEFAULT
	__options[0].type = QV_OPTION_INT;
	__options[0].fallback = "many";
#elif defined MUTATE_TWICE
	__options[1].name = __options[0].name;
#elif defined MUTATE_NAME
	__options[0].name = "Width";
#elif defined MUTATE_CHOICES
	__options[0].type = QV_OPTION_CHOICE;
	__options[0].choices = NULL;
#elif defined MUTATE_UNIT
	__options[0].unit = "";
#elif defined MUTATE_UNUSED_FILE
	__options[count] = (struct qv_option){ .name = "unused", .type = QV_OPTION_PATH, .help = "Nothing." };
#endif
	__mutant.head.options = __options;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_videosource_class(original_class());
	__mutant = __good;
	__mutant.open = open_mutant;
	__mutant.close = close_mutant;
	__mutant.read = read_mutant;
	copy_options();
#ifdef MUTATE_SUMMARY
	__mutant.head.summary = "A sentence.";
#endif
}

MUTANT_MODULE
