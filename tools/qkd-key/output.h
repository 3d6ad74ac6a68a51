/* SPDX-License-Identifier: Apache-2.0 */
/* Where qkd-key writes keys: each as it comes, so that a failure later on loses none. */
#ifndef QKD_KEY_OUTPUT_H
#define QKD_KEY_OUTPUT_H

#include <qvisio/keysource.h>

#include "arguments.h"

struct output {
	int fd;
	const char *path; /* NULL: standard output */
	enum format format;
	unsigned count; /* keys written */
};

/* Before any key is taken: makes the file, which must not exist; refuses a terminal unless it is asked for. */
int output_open(struct output *output, const struct arguments *arguments, struct qv_error *err);

int output_key(struct output *output, const struct qv_key *key, struct qv_error *err);

/* Ends the text, synchronises a file to disk; removes a file without a key. Also after a failure. */
int output_close(struct output *output, struct qv_error *err);

/* Prints a status on standard output. */
void output_status(const struct qv_keysource_status *status, enum format format);

#endif
