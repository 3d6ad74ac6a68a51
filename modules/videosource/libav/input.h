/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what libavformat reads, within what the options allow. Files and servers are hostile. */
#ifndef LIBAV_INPUT_H
#define LIBAV_INPUT_H

#include <libavformat/avformat.h>

#include <qvisio/module.h>

/* Compares as text; what two sources agree on they read together. */
struct input_choice {
	char *path; /* a local file, or NULL: */
	char *url;  /* something on a network */
	char *format;
	double start; /* seconds */
	bool loop, paced;
};

/* The option table of both classes. */
extern const struct qv_option libav_options[];

int input_choice_read(struct input_choice *choice, const struct qv_options *options, struct qv_error *err);
bool input_choice_equal(const struct input_choice *a, const struct input_choice *b);
void input_choice_free(struct input_choice *choice);
const char *input_name(const struct input_choice *choice);

/* `interrupt` is asked while libavformat waits; non-zero ends that. NULL with err. */
AVFormatContext *input_open(const struct input_choice *choice, const struct qv_options *options,
			    const AVIOInterruptCB *interrupt, struct qv_error *err);

/* The message of libav for `status`, behind what was being done. -1. */
int libav_fail(struct qv_error *err, enum qv_code code, int status, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
