/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer without a QKD link has one of these too, without a class: only requests are undone there.
 *
 * Each link has three threads: one brings its keys into the store, one undoes requests that went wrong, one compares
 * the pools of both ends. They work by the current configuration of the peer, and rest while it has none.
 */
#ifndef KME_LINKS_H
#define KME_LINKS_H

#include "kme.h"

struct link {
	atomic_uint references;
	struct site *site;
	char *kme_id; /* of the peer */
	struct qv_role role;
	const struct qv_qkdlink_class *class; /* NULL: a peer without a QKD link */
	struct qv_qkdlink *qkdlink;
	char cursors[QV_QKDLINK_LANES][QV_QKDLINK_CURSOR_MAX + 1]; /* where the open link has been read to */
	struct qv_log *log;
	struct qv_host host;
	pthread_t feeder, undoer, comparer;
	bool feeder_runs, undoer_runs, comparer_runs;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* keys were taken, there is something to undo, or the link stops */
	bool stopping, hungry, differs;
	struct pending_undo *undos;
	/* Read: a request of the peer is settled. Write: one is undone, with all that it was settled to. */
	pthread_rwlock_t settling;
};

/* Opens the link that the peer's configuration names, and takes its role over. */
struct link *link_new(struct peer *peer, struct qv_error *err);
/* Starts to bring its keys in. */
int link_start(struct link *link, struct qv_error *err);
/* Ends the threads and closes it. Once, by the main thread. */
void link_stop(struct link *link);

struct link *link_hold(struct link *link);
void link_release(struct link *link); /* NULL is fine */

/* Whether there is a QKD link with the peer. */
bool link_has_keys(const struct link *link);

bool link_is_stopping(struct link *link);

/* Keys were taken: there is room for new ones. */
void link_hungry(struct peer *peer);

/*
 * Reserved keys of `request` whose fate at the peer is unknown: asks the peer to undo the request until it answers, and
 * then frees the keys, or discards them if they were delivered. Never blocks.
 */
void undo_later(struct peer *peer, const char *request);

int undo_start(struct link *link, struct qv_error *err);
void undo_stop(struct link *link);

#endif
