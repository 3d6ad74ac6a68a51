/* SPDX-License-Identifier: Apache-2.0 */
/* A sound codec whose descriptor or class is not as the loader wants it, or comes from another time. */
#include <qvisio/audiocodec.h>

#include "mutant.h"

struct newer_class {
	struct qv_audiocodec_class now;
	void (*later)(void);
};

static struct newer_class __newer;
static const struct qv_class *const __classes[] = {
#ifndef MUTATE_NO_CLASSES
	&__newer.now.head,
#endif
	NULL
};

/* Behind the end of an older struct lies whatever lies there. */
static int stray(struct qv_audiodecoder *decoder, size_t frames, struct qv_audio_block *block, struct qv_error *err)
{
	(void)decoder, (void)frames, (void)block, (void)err;
	abort();
}

__attribute__((constructor)) static void load(void)
{
	struct qv_audiocodec_class *class = &__newer.now;
	*class = *qv_audiocodec_class(original_class());
#if defined MUTATE_OLDER
	class->head.size = offsetof(struct qv_audiocodec_class, conceal);
	class->conceal = stray;
#elif defined MUTATE_NEWER
	class->head.size = sizeof __newer;
	class->head.abi_minor = QV_AUDIOCODEC_ABI_MINOR + 1;
#elif defined MUTATE_CLASS_MAJOR
	class->head.abi_major = 99;
#elif defined MUTATE_CALLBACK
	class->decode = NULL;
#elif defined MUTATE_CUT
	class->head.size = offsetof(struct qv_audiocodec_class, decode);
#elif defined MUTATE_KIND
	class->head.kind = "odour";
#elif defined MUTATE_NO_NAME
	class->head.name = NULL;
#elif defined MUTATE_OPTION_SIZE
	class->head.option_size = 8;
#endif
	(void)stray;
}

#ifdef MUTATE_MODULE_MAJOR
#define MAJOR 77
#else
#define MAJOR QV_MODULE_ABI_MAJOR
#endif
#ifdef MUTATE_MODULE_SIZE
#define SIZE 8
#else
#define SIZE sizeof(struct qv_module)
#endif

const struct qv_module qv_module = { MAJOR, QV_MODULE_ABI_MINOR, SIZE, "1", "Apache-2.0", __classes };
