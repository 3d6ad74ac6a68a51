/* SPDX-License-Identifier: Apache-2.0 */
/* Requests whose activation may or may not have reached the peer. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "event.h"
#include "links.h"
#include "uuid.h"

#define RETRY_FIRST_S 1
#define RETRY_MAX_S   30

struct pending_undo {
	struct pending_undo *next;
	char request[UUID_TEXT];
};

void undo_later(struct peer *peer, const char *request)
{
	struct pending_undo *pending = calloc(1, sizeof *pending);
	if (!pending) {
		/* The keys stay reserved; the next start finds them. */
		qv_log_error(peer->log, "request %s cannot be undone now: no memory", request);
		return;
	}
	snprintf(pending->request, sizeof pending->request, "%s", request);
	struct link *link = peer->link;
	pthread_mutex_lock(&link->lock);
	pending->next = link->undos;
	link->undos = pending;
	pthread_cond_broadcast(&link->changed);
	pthread_mutex_unlock(&link->lock);
}

/* The peer has answered: 200 undone, 409 delivered to the slave already. */
static int settle_here(struct peer *peer, const char *request, long status, struct qv_error *err)
{
	struct kme *kme = peer->kme;
	if (status == 200) {
		if (kme->store_class->release(kme->store, request, NULL, 0, 0, 0, err) != 0)
			return -1;
		char reason[64];
		snprintf(reason, sizeof reason, "request %s", request);
		qv_log_info(peer->log, "%s is undone", reason);
		event_report(kme, &(struct event){ .kind = EVENT_UNDONE, .peer = peer->kme_id, .reason = reason });
		return 0;
	}
	if (status == 409) {
		struct qv_settlement settlement = { .request = request, .link = peer->kme_id, .finish = true };
		qv_log_warning(peer->log, "request %s cannot be undone, its keys were delivered", request);
		int result = kme->store_class->settle(kme->store, &settlement, err);
		return result < 0 && err->code != QV_E_NOT_FOUND ? -1 : 0;
	}
	return qv_fail(err, QV_E_PROTOCOL, "the peer answered %ld", status);
}

static int undo_one(struct peer *peer, const char *request, struct qv_error *err)
{
	char body[64];
	struct peer_answer answer;
	snprintf(body, sizeof body, "{\"request\":\"%s\"}", request);
	if (peer_client_post(peer->client, "/inter-kme/v1/undo", body, &answer, err) != PEER_ANSWERED)
		return -1;
	int result = settle_here(peer, request, answer.status, err);
	peer_answer_clear(&answer);
	return result;
}

/* The first pending one, or NULL when the link stops. It stays in the list until it is done. */
static struct pending_undo *next_undo(struct link *link, int wait_s)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_s;
	pthread_mutex_lock(&link->lock);
	int timeout = 0;
	while (!link->stopping && wait_s > 0 && !timeout)
		timeout = pthread_cond_clockwait(&link->changed, &link->lock, CLOCK_MONOTONIC, &until);
	while (!link->stopping && !link->undos)
		pthread_cond_wait(&link->changed, &link->lock);
	struct pending_undo *pending = link->stopping ? NULL : link->undos;
	pthread_mutex_unlock(&link->lock);
	return pending;
}

static void remove_undo(struct link *link, struct pending_undo *done)
{
	pthread_mutex_lock(&link->lock);
	struct pending_undo **at = &link->undos;
	while (*at != done)
		at = &(*at)->next;
	*at = done->next;
	pthread_mutex_unlock(&link->lock);
	free(done);
}

/* By the configuration of now: the peer may have another address than when the request was made. */
static int try_undo(struct link *link, const char *request, struct qv_error *err)
{
	struct kme *kme = kme_hold(link->site);
	struct peer *peer = kme_peer(kme, link->kme_id);
	int result = peer ? undo_one(peer, request, err) : qv_fail(err, QV_E_GONE, "the peer is not configured");
	kme_release(kme);
	return result;
}

static void *undo_all(void *argument)
{
	struct link *link = argument;
	struct pending_undo *pending;
	int wait_s = 0;
	while ((pending = next_undo(link, wait_s))) {
		struct qv_error err = QV_ERROR_INIT;
		if (try_undo(link, pending->request, &err) == 0) {
			remove_undo(link, pending);
			wait_s = 0;
			continue;
		}
		if (wait_s == 0)
			qv_log_warning(link->log, "request %s is not undone yet: %s", pending->request, err.message);
		wait_s = wait_s == 0 ? RETRY_FIRST_S : wait_s * 2 > RETRY_MAX_S ? RETRY_MAX_S : wait_s * 2;
	}
	return NULL;
}

int undo_start(struct link *link, struct qv_error *err)
{
	int failed = pthread_create(&link->undoer, NULL, undo_all, link);
	link->undoer_runs = !failed;
	return failed ? qv_fail_errno(err, QV_E_NOMEM, failed, "starting a thread") : 0;
}

void undo_stop(struct link *link)
{
	if (link->undoer_runs)
		pthread_join(link->undoer, NULL);
	link->undoer_runs = false;
	while (link->undos) {
		struct pending_undo *pending = link->undos;
		link->undos = pending->next;
		free(pending);
	}
}
