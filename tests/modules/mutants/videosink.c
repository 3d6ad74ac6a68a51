/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/videosink.h>

#include "mutant.h"

static struct qv_videosink_class __mutant;
static struct qv_videosink_class __good;

static int show(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
#ifdef MUTATE_CREDULOUS
	(void)sink;
	(void)frame;
	(void)err;
	return 0;
#endif
#ifdef MUTATE_PICKY
	if (frame->format.pixel == QV_PIXEL_I444 && frame->format.width == 64)
		return qv_fail(err, QV_E_UNSUPPORTED, "no 4:4:4");
#endif
#ifdef MUTATE_RIGID
	if (frame->format.width != 64)
		return qv_fail(err, QV_E_UNSUPPORTED, "only 64 wide");
#endif
	return __good.show(sink, frame, err);
}

static int poll_failing(struct qv_videosink *sink, struct qv_error *err)
{
	(void)sink;
	return qv_fail(err, QV_E_END, "closed at once");
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_videosink_class(original_class());
	__mutant = __good;
	__mutant.show = show;
#ifdef MUTATE_POLL
	__mutant.poll = poll_failing;
#endif
	(void)poll_failing;
}

MUTANT_MODULE
