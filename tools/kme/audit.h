/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: a line for every event of a key, chained and authenticated (audit_line.h), written before the key is
 * handed out. Writers that come at the same time share one write and one fdatasync. Safe on any thread.
 */
#ifndef KME_AUDIT_H
#define KME_AUDIT_H

#include <qvisio/log.h>

#include "audit_line.h"
#include "seal.h"

struct audit;

struct audit_config {
	const char *path;
	bool sync;        /* false: nothing waits for the disk */
	bool refuse;      /* audit_write fails when the log cannot be written; else it warns and goes on */
	int64_t max_size; /* bytes after which a file is put aside as PATH.SEQUENCE; 0: never */
};

/* The key of the MACs, derived from the seal key. */
struct qv_secret *audit_key(const struct seal *seal, struct qv_error *err);

/*
 * Opens or starts a log, checks where its chain stands, records what a crash left behind and that the KME started.
 * QV_E_BUSY: another process writes it; QV_E_INVALID: its end is damaged.
 */
struct audit *audit_open(const struct audit_config *config, const struct seal *seal, const struct qv_log *log,
			 struct qv_error *err);

/*
 * Records events, in this order. `sync`: and all events before them are on the disk when it returns, if the
 * configuration wants that at all; without it they are with the kernel, and outlive this process but not a loss of
 * power.
 */
int audit_write(struct audit *audit, const struct audit_record *records, size_t count, bool sync, struct qv_error *err);

/*
 * Whether events can be recorded: to be asked before keys are used up for a request. After a failure it tries again.
 * Always true when the log may fail (`refuse` is off).
 */
bool audit_ready(struct audit *audit);

/* Opens the file anew after it was renamed (logrotate). The chain goes on in the new one. */
int audit_reopen(struct audit *audit, struct qv_error *err);

struct audit_status {
	struct audit_head head;
	uint64_t bytes;  /* of the file */
	uint64_t failed; /* events that could not be recorded */
	bool working;
};

void audit_status(struct audit *audit, struct audit_status *status);

/* Records that the KME stops. NULL is fine. */
void audit_close(struct audit *audit);

/*
 * qkd-kme --verify-audit FILES…: checks the chain over files in the order given, the MACs if `seal` is there, and for
 * the last one FILE.head. Prints what it found; `noted` ("SEQUENCE:HASH") is a line that must be there. The exit
 * status.
 */
int audit_verify(char *const *paths, size_t count, const struct seal *seal, const char *noted);

#endif
