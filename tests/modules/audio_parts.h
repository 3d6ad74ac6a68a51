/* SPDX-License-Identifier: Apache-2.0 */
/* Opens audio modules through the loader, as programs do, from "name,option=value,…". For tests. */
#ifndef TESTS_AUDIO_PARTS_H
#define TESTS_AUDIO_PARTS_H

#include <qvisio/audiocodec.h>
#include <qvisio/audiosink.h>
#include <qvisio/audiosource.h>
#include <qvisio/loader.h>

#define PART_WORDS_MAX 16

/* A module and the options asked for. */
struct part {
	const struct qv_class *class;
	struct qv_options *options;
	char text[2048];
	const char *words[PART_WORDS_MAX + 1];
};

/* 0, or -1 with what the loader or the options check said. */
int part_load(struct part *part, struct qv_loader *loader, const char *kind, const char *text, struct qv_error *err);
void part_free(struct part *part);

#endif
