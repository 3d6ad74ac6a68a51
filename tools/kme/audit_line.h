/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the audit log: a JSON object that ends with
 *
 *   "previous":"HASH","mac":"MAC"}
 *
 * HASH: BLAKE2b-256 of the line before, without its newline, so that anyone can check the chain. MAC: BLAKE2b-256 under
 * the audit key of everything in the line before ,"mac", so that nobody without the seal key can make a line. Lines are
 * read back as hostile input.
 */
#ifndef KME_AUDIT_LINE_H
#define KME_AUDIT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>
#include <qvisio/secret.h>

#define AUDIT_HASH      32
#define AUDIT_HASH_TEXT (2 * AUDIT_HASH + 1)
#define AUDIT_KEY       32
#define AUDIT_LINE_MAX  4096 /* bytes, without the newline */

/* What happened, to one key or none. Texts are UTF-8 or NULL, and cut to a sane length. */
struct audit_record {
	int64_t time; /* ns of CLOCK_REALTIME */
	const char *event;
	const char *to; /* of a delivery: "master" or "slave" */
	const char *api, *master, *slave, *peer, *key_id, *cause;
	int64_t status, count; /* 0: left out */
};

/* Where the chain stands: the last line's number and hash. Number 0: before the first line. */
struct audit_head {
	uint64_t sequence;
	uint8_t hash[AUDIT_HASH];
};

/* Appends the next line, with its newline, to `out` (AUDIT_LINE_MAX + 1 bytes), and moves the head. Its length. */
size_t audit_line_make(char *out, struct audit_head *head, const struct qv_secret *key,
		       const struct audit_record *record);

/* A line taken apart. */
struct audit_line {
	uint64_t sequence;
	uint8_t previous[AUDIT_HASH], mac[AUDIT_HASH], hash[AUDIT_HASH];
	size_t covered; /* bytes at the start that the MAC is over */
};

/* QV_E_INVALID with what is wrong. `text` needs no end. */
int audit_line_read(struct audit_line *line, const char *text, size_t size, struct qv_error *err);

bool audit_line_authentic(const struct audit_line *line, const char *text, const struct qv_secret *key);

/* The head as the text of FILE.head, "SEQUENCE HASH MAC": what tells that lines are missing at the end. */
#define AUDIT_HEAD_TEXT (20 + 1 + 64 + 1 + 64 + 1)
void audit_head_make(char text[AUDIT_HEAD_TEXT + 1], const struct audit_head *head, const struct qv_secret *key);
int audit_head_read(struct audit_head *head, const char *text, size_t size, const struct qv_secret *key,
		    struct qv_error *err);

void audit_hash_text(char out[AUDIT_HASH_TEXT], const uint8_t hash[AUDIT_HASH]);
bool audit_hash_parse(uint8_t hash[AUDIT_HASH], const char *text);

#endif
