/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one KME has ever taken from a folder: a text file, only ever appended to, that outlives the key files. A name
 * names the same keys at both KMEs for ever, so a name that comes again with other content must be noticed, and so must
 * content that comes again under another name. Contents are told apart by BLAKE2b under a key of the journal's own: no
 * function of the keys that anybody else could compute.
 *
 *   Q1 KEY                     64 hexadecimal digits
 *   F ID SIZE MTIME PRINT      a file was seen whole
 *   B LANE ID                  its keys of this lane began to be handed out
 *   S LANE ID                  some of them are in the key store
 *   D LANE ID                  all of them are
 */
#ifndef DIRECTORY_JOURNAL_H
#define DIRECTORY_JOURNAL_H

#include <qvisio/error.h>
#include <qvisio/qkdlink.h>

#include "file_id.h"

#define PRINT_BYTES 16

struct record_lane {
	uint64_t begun; /* place in the order in which the lane began files; 0: never */
	bool stored, done;
	bool read;           /* to its end */
	bool lost;           /* begun with another key store */
	struct record *next; /* begun after this one, and not done */
};

struct record {
	char id[FILE_ID_MAX + 1];
	uint8_t print[PRINT_BYTES];
	uint64_t size;
	int64_t mtime; /* ns */
	struct record_lane lanes[QV_QKDLINK_LANES];
};

struct journal;

/* Opens the file, or makes it if it does not exist; it is locked until close. QV_E_BUSY: another process has it. */
struct journal *journal_open(const char *path, struct qv_error *err);
void journal_close(struct journal *journal);

const uint8_t *journal_key(const struct journal *journal, size_t *size);

/* NULL when unknown. Records live as long as the journal. */
struct record *journal_find(const struct journal *journal, const char *id);
struct record *journal_find_print(const struct journal *journal, const uint8_t print[PRINT_BYTES]);

struct record *journal_add(struct journal *journal, const char *id, uint64_t size, int64_t mtime,
			   const uint8_t print[PRINT_BYTES], struct qv_error *err);
int journal_touch(struct journal *journal, struct record *record, int64_t mtime, struct qv_error *err);
/* Durable when it returns. */
int journal_begin(struct journal *journal, struct record *record, unsigned lane, struct qv_error *err);
int journal_stored(struct journal *journal, struct record *record, unsigned lane, struct qv_error *err);
int journal_done(struct journal *journal, struct record *record, unsigned lane, struct qv_error *err);

typedef void journal_visit(struct record *record, void *context);
void journal_each(const struct journal *journal, journal_visit *visit, void *context);

#endif
