/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit_file.h"

#define BATCH_BYTES (256 * 1024) /* of text in one write; a larger one is divided */

/* A caller that waits for its records. */
struct waiter {
	struct waiter *next;
	const struct audit_record *records;
	size_t count;
	bool sync;
	bool done;
	struct qv_error err;
};

struct audit {
	struct audit_config config;
	char *path;
	const struct qv_log *log;
	struct qv_secret *key;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct waiter *first, **last;
	bool writing; /* a thread has the file */
	/* What follows belongs to the thread that has the file. */
	struct audit_file file;
	struct audit_head head;
	char *batch;
	size_t size;
	bool sync;   /* of the batch */
	bool broken; /* the file could not be mended: it is to be opened anew */
	bool rotate_failed;
	uint64_t unrecorded; /* events that were lost since the last success */
	/* Under the lock, for audit_status. */
	struct audit_status status;
};

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* One write. All its lines count, or none. */
static int flush(struct audit *audit, const struct audit_head *next, struct qv_error *err)
{
	if (audit->size == 0)
		return 0;
	size_t size = audit->size;
	audit->size = 0;
	if (audit_file_append(&audit->file, audit->batch, size, audit->sync, err) != 0) {
		audit->broken = err->code == QV_E_INTERNAL;
		return -1;
	}
	audit->head = *next;
	audit_file_note(&audit->file, &audit->head, audit->key);
	return 0;
}

static int put_record(struct audit *audit, struct audit_head *next, const struct audit_record *record,
		      struct qv_error *err)
{
	if (audit->size + AUDIT_LINE_MAX + 1 > BATCH_BYTES && flush(audit, next, err) != 0)
		return -1;
	audit->size += audit_line_make(audit->batch + audit->size, next, audit->key, record);
	return 0;
}

static int mend(struct audit *audit, struct qv_error *err)
{
	struct audit_found found;
	struct audit_head head;
	audit_file_close(&audit->file);
	if (audit_file_open(&audit->file, audit->key, &head, &found, err) != 0)
		return -1;
	audit->head = head;
	audit->broken = false;
	return 0;
}

static bool wants_sync(const struct audit *audit, const struct waiter *waiters)
{
	for (; waiters && audit->config.sync; waiters = waiters->next)
		if (waiters->sync)
			return true;
	return false;
}

/* Writes what all who wait have to say. */
static int write_all(struct audit *audit, const struct waiter *waiters, struct qv_error *err)
{
	if (audit->broken && mend(audit, err) != 0)
		return -1;
	struct audit_head next = audit->head;
	audit->size = 0;
	audit->sync = wants_sync(audit, waiters);
	if (audit->unrecorded) {
		struct audit_record resumed = { .time = now(),
						.event = "resumed",
						.count = (int64_t)audit->unrecorded,
						.cause = "so many events could not be written to this log" };
		put_record(audit, &next, &resumed, NULL);
	}
	for (const struct waiter *waiter = waiters; waiter; waiter = waiter->next)
		for (size_t i = 0; i < waiter->count; i++)
			if (put_record(audit, &next, &waiter->records[i], err) != 0)
				return -1;
	return flush(audit, &next, err);
}

static void rotate_if_large(struct audit *audit)
{
	struct qv_error err = QV_ERROR_INIT;
	if (audit->config.max_size == 0 || audit->file.size < audit->config.max_size)
		return;
	int result = audit_file_rotate(&audit->file, audit->head.sequence, &err);
	if (result != 0 && !audit->rotate_failed)
		qv_log_error(audit->log, "%s; it grows on", err.message);
	audit->rotate_failed = result != 0;
}

static size_t count_records(const struct waiter *waiters)
{
	size_t count = 0;
	for (; waiters; waiters = waiters->next)
		count += waiters->count;
	return count;
}

static void tell_failure(struct audit *audit, size_t lost, const struct qv_error *err)
{
	if (audit->unrecorded == 0)
		qv_log_error(audit->log, "%s; %s", err->message,
			     audit->config.refuse ? "no keys are delivered until it can be"
						  : "keys are delivered all the same (audit.on_failure)");
	audit->unrecorded += lost;
}

/* The calling thread has the file: it serves all who wait, itself included. Called and returns with the lock held. */
static void serve(struct audit *audit)
{
	struct waiter *waiters = audit->first;
	struct qv_error err = QV_ERROR_INIT;
	audit->first = NULL;
	audit->last = &audit->first;
	pthread_mutex_unlock(&audit->lock);
	size_t records = count_records(waiters);
	int result = write_all(audit, waiters, &err);
	if (result != 0) {
		tell_failure(audit, records, &err);
	} else {
		if (audit->unrecorded)
			qv_log_info(audit->log, "the audit log is written again");
		audit->unrecorded = 0;
		rotate_if_large(audit);
	}
	pthread_mutex_lock(&audit->lock);
	audit->status.head = audit->head;
	audit->status.bytes = (uint64_t)audit->file.size;
	audit->status.working = result == 0;
	if (result != 0)
		audit->status.failed += records;
	while (waiters) {
		struct waiter *next = waiters->next;
		waiters->err = err;
		waiters->done = true;
		waiters = next;
	}
}

static int wait_written(struct audit *audit, struct waiter *waiter, struct qv_error *err)
{
	pthread_mutex_lock(&audit->lock);
	*audit->last = waiter;
	audit->last = &waiter->next;
	while (!waiter->done) {
		if (audit->writing) {
			pthread_cond_wait(&audit->changed, &audit->lock);
			continue;
		}
		audit->writing = true;
		serve(audit);
		audit->writing = false;
		pthread_cond_broadcast(&audit->changed);
	}
	pthread_mutex_unlock(&audit->lock);
	if (waiter->err.code == QV_OK)
		return 0;
	if (err)
		*err = waiter->err;
	return -1;
}

int audit_write(struct audit *audit, const struct audit_record *records, size_t count, bool sync, struct qv_error *err)
{
	struct waiter waiter = { .records = records, .count = count, .sync = sync, .err = QV_ERROR_INIT };
	int result = wait_written(audit, &waiter, err);
	return audit->config.refuse ? result : 0;
}

bool audit_ready(struct audit *audit)
{
	if (!audit->config.refuse)
		return true;
	pthread_mutex_lock(&audit->lock);
	bool working = audit->status.working;
	pthread_mutex_unlock(&audit->lock);
	/* The line that tells of the events lost is the try. */
	struct waiter probe = { .err = QV_ERROR_INIT };
	return working || wait_written(audit, &probe, NULL) == 0;
}

int audit_reopen(struct audit *audit, struct qv_error *err)
{
	pthread_mutex_lock(&audit->lock);
	while (audit->writing)
		pthread_cond_wait(&audit->changed, &audit->lock);
	audit->writing = true;
	pthread_mutex_unlock(&audit->lock);
	int result = audit->broken ? mend(audit, err) : audit_file_reopen(&audit->file, audit->key, &audit->head, err);
	pthread_mutex_lock(&audit->lock);
	audit->writing = false;
	audit->status.bytes = (uint64_t)audit->file.size;
	pthread_cond_broadcast(&audit->changed);
	pthread_mutex_unlock(&audit->lock);
	return result;
}

void audit_status(struct audit *audit, struct audit_status *status)
{
	pthread_mutex_lock(&audit->lock);
	*status = audit->status;
	pthread_mutex_unlock(&audit->lock);
}

struct qv_secret *audit_key(const struct seal *seal, struct qv_error *err)
{
	struct qv_secret *key = qv_secret_new(AUDIT_KEY, err);
	if (key)
		seal_derive(seal, "qvisio audit log", qv_secret_edit(key), AUDIT_KEY);
	return key;
}

struct opening {
	struct audit_record records[5];
	size_t count;
};

static void note(struct opening *opening, const struct audit *audit, const char *event, size_t count, const char *cause)
{
	if (cause)
		qv_log_warning(audit->log, "audit log %s: %s: %s", audit->path, event, cause);
	opening->records[opening->count] =
		(struct audit_record){ .time = now(), .event = event, .count = (int64_t)count, .cause = cause };
	opening->count++;
}

static int record_found(struct audit *audit, const struct audit_found *found, struct qv_error *err)
{
	struct opening opening = { .count = 0 };
	if (found->torn)
		note(&opening, audit, "torn", found->torn, found->text);
	if (found->missing)
		note(&opening, audit, "missing", found->missing, "the head file knows of lines that are not there");
	if (found->diverged)
		note(&opening, audit, "diverged", 0, "the head file knows another last line");
	if (found->head_lost)
		note(&opening, audit, "head lost", 0, "there was no usable head file");
	note(&opening, audit, "started", 0, NULL);
	struct waiter waiter = {
		.records = opening.records, .count = opening.count, .sync = true, .err = QV_ERROR_INIT
	};
	return wait_written(audit, &waiter, err);
}

static void audit_free(struct audit *audit)
{
	audit_file_close(&audit->file);
	pthread_cond_destroy(&audit->changed);
	pthread_mutex_destroy(&audit->lock);
	qv_secret_free(audit->key);
	free(audit->batch);
	free(audit->path);
	free(audit);
}

struct audit *audit_open(const struct audit_config *config, const struct seal *seal, const struct qv_log *log,
			 struct qv_error *err)
{
	struct audit_found found;
	struct audit *audit = calloc(1, sizeof *audit);
	if (!audit) {
		qv_fail(err, QV_E_NOMEM, "no memory for the audit log");
		return NULL;
	}
	audit->config = *config;
	audit->log = log;
	audit->last = &audit->first;
	audit->status.working = true;
	pthread_mutex_init(&audit->lock, NULL);
	pthread_cond_init(&audit->changed, NULL);
	audit->path = strdup(config->path);
	audit->config.path = audit->path;
	audit->batch = malloc(BATCH_BYTES);
	audit->file = (struct audit_file){ .path = audit->path, .fd = -1, .head_fd = -1 };
	if (audit->path && audit->batch) {
		audit->key = audit_key(seal, err);
	} else {
		qv_fail(err, QV_E_NOMEM, "no memory for the audit log");
	}
	if (audit->key && audit_file_open(&audit->file, audit->key, &audit->head, &found, err) == 0 &&
	    record_found(audit, &found, err) == 0)
		return audit;
	audit_free(audit);
	return NULL;
}

void audit_close(struct audit *audit)
{
	if (!audit)
		return;
	struct audit_record stopped = { .time = now(), .event = "stopped" };
	struct waiter waiter = { .records = &stopped, .count = 1, .sync = true, .err = QV_ERROR_INIT };
	wait_written(audit, &waiter, NULL);
	audit_free(audit);
}
