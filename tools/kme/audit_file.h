/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an audit log and its head file. One thread at a time. */
#ifndef KME_AUDIT_FILE_H
#define KME_AUDIT_FILE_H

#include <sys/types.h>

#include "audit.h"

struct audit_file {
	const char *path; /* borrowed */
	char *head_path;
	int fd, head_fd;
	off_t size; /* of what is whole in it */
};

/* What was found at the end of a log. */
struct audit_found {
	uint64_t missing; /* lines that the head file knows of */
	bool diverged;    /* the last line is another one than the head file knows */
	bool head_lost;   /* lines, but no usable head file */
	size_t torn;      /* bytes of a line that was not written to its end; they are cut off */
	char text[257];   /* of the torn line, if it is text */
};

/* Opens, locks and checks; `head` is where the chain goes on. */
int audit_file_open(struct audit_file *file, const struct qv_secret *key, struct audit_head *head,
		    struct audit_found *found, struct qv_error *err);

/* Opens the file at `path` anew; the old one stays in use when that fails. `head` goes on, whatever is in the file. */
int audit_file_reopen(struct audit_file *file, const struct qv_secret *key, const struct audit_head *head,
		      struct qv_error *err);

/* Puts the file aside as PATH.SEQUENCE and starts a new one. */
int audit_file_rotate(struct audit_file *file, uint64_t sequence, struct qv_error *err);

/* Whole or not at all. */
int audit_file_append(struct audit_file *file, const char *text, size_t size, bool sync, struct qv_error *err);

/* Notes the head; not synchronously. */
void audit_file_note(const struct audit_file *file, const struct audit_head *head, const struct qv_secret *key);

void audit_file_close(struct audit_file *file);

#endif
