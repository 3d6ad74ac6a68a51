/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../compare.h"
#include "../links.h"
#include "hop.h"
#include "link_keys.h"
#include "trouble.h"

#define ATTEMPTS  3
#define NOTES_MAX 4096
#define PATH      "/inter-kme/v1/relay/share"

/* A share (of `session`), or a note. */
struct parcel {
	struct parcel *next;
	struct session *session; /* held */
	uint8_t *envelope;
	size_t envelope_size;
	struct qv_secret *share;
	const char *path; /* static */
	char *text;
};

struct box {
	struct box *next;
	struct outboxes *outboxes;
	char *kme_id;
	bool notes;
	struct parcel *first, **last;
	size_t count;
	uint64_t shares, link_keys; /* sent, and spent on them */
	pthread_t thread;
};

struct outboxes {
	struct relay *relay;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a box got something, or all end */
	struct box *boxes;
	bool stopping;
};

static void free_parcel(struct parcel *parcel)
{
	session_release(parcel->session);
	qv_secret_free(parcel->share);
	free(parcel->envelope);
	free(parcel->text);
	free(parcel);
}

static void post_note(const struct box *box, const struct parcel *parcel)
{
	struct qv_error err = QV_ERROR_INIT;
	struct peer_answer answer;
	struct kme *kme = kme_hold(box->outboxes->relay->site);
	struct peer *peer = kme_peer(kme, box->kme_id);
	if (peer && peer->client &&
	    peer_client_post(peer->client, parcel->path, parcel->text, &answer, &err) == PEER_ANSWERED)
		peer_answer_clear(&answer);
	else
		qv_log_info(kme->log, "%s is not told to KME \"%s\": %s", parcel->path, box->kme_id,
			    peer ? err.message : "it is no peer any more");
	kme_release(kme);
}

static void lose(struct relay *relay, const struct parcel *parcel, const struct trouble *trouble, const char *why)
{
	atomic_fetch_add(&relay->counts.lost, 1);
	qv_log_warning(relay->log, "session %s: a share is lost between KMEs \"%s\" and \"%s\": %s",
		       parcel->session->text, trouble->from, trouble->to, why);
	trouble_tell(relay, parcel->session, trouble);
}

static uint8_t *seal(const struct parcel *parcel, const struct link_keys *keys, size_t *size)
{
	char request[UUID_TEXT];
	uuid_random(request);
	struct hop_parts parts = { .request = request,
				   .labels = keys->labels,
				   .label_count = keys->count,
				   .keys = qv_secret_bytes(keys->keys),
				   .envelope = parcel->envelope,
				   .envelope_size = parcel->envelope_size,
				   .share = qv_secret_bytes(parcel->share),
				   .share_size = qv_secret_size(parcel->share) };
	return hop_seal(&parts, size);
}

/* 0 done; 1: the neighbour lacks link keys, others may do; -1 with what the trouble is. */
static int send_once(struct kme *kme, struct peer *peer, const struct parcel *parcel, size_t *spent,
		     enum trouble_cause *cause, struct qv_error *err)
{
	struct link_keys keys;
	struct peer_answer answer;
	size_t size, needed = hop_key_count(qv_secret_size(parcel->share));
	if (link_keys_take(kme, peer, needed, &keys, err) != 0) {
		*cause = err->code == QV_E_NO_KEY ? TROUBLE_NO_KEYS : TROUBLE_REFUSED;
		link_keys_clear(&keys);
		return -1;
	}
	*spent = needed;
	uint8_t *bytes = seal(parcel, &keys, &size);
	link_keys_clear(&keys);
	if (!bytes)
		return qv_fail(err, QV_E_NOMEM, "no memory for a share");
	*cause = TROUBLE_UNREACHABLE;
	enum peer_outcome outcome = peer_client_post_bytes(peer->client, PATH, bytes, size, &answer, err);
	free(bytes);
	/* The pads are gone here, and may still be there. */
	if (outcome != PEER_ANSWERED || answer.status == 409)
		compare_later(peer);
	if (outcome != PEER_ANSWERED)
		return -1;
	long status = answer.status;
	*cause = TROUBLE_REFUSED;
	if (status >= 300)
		qv_fail(err, QV_E_PROTOCOL, "it answered %ld: %.200s", status, answer.body ? answer.body : "");
	peer_answer_clear(&answer);
	return status < 300 ? 0 : status == 409 ? 1 : -1;
}

static void count(struct box *box, uint64_t shares, uint64_t link_keys)
{
	struct relay_counts *counts = &box->outboxes->relay->counts;
	pthread_mutex_lock(&box->outboxes->lock);
	box->shares += shares;
	box->link_keys += link_keys;
	pthread_mutex_unlock(&box->outboxes->lock);
	atomic_fetch_add(&counts->sent, shares);
	atomic_fetch_add(&counts->link_keys, link_keys);
}

static void post_share(struct box *box, const struct parcel *parcel)
{
	struct relay *relay = box->outboxes->relay;
	struct qv_error err = QV_ERROR_INIT;
	enum trouble_cause cause = TROUBLE_UNREACHABLE;
	struct kme *kme = kme_hold(relay->site);
	struct peer *peer = kme_peer(kme, box->kme_id);
	int result = 1;
	if (!peer || !link_has_keys(peer->link))
		result = qv_fail(&err, QV_E_GONE, "there is no link any more");
	for (int i = 0; i < ATTEMPTS && result > 0; i++) {
		size_t spent = 0;
		result = send_once(kme, peer, parcel, &spent, &cause, &err);
		count(box, result == 0, spent);
	}
	if (result != 0)
		lose(relay, parcel, &(struct trouble){ kme->id, box->kme_id, cause }, err.message);
	kme_release(kme);
}

static struct parcel *next_parcel(struct box *box)
{
	struct outboxes *outboxes = box->outboxes;
	pthread_mutex_lock(&outboxes->lock);
	while (!box->first && !outboxes->stopping)
		pthread_cond_wait(&outboxes->changed, &outboxes->lock);
	struct parcel *parcel = outboxes->stopping ? NULL : box->first;
	if (parcel) {
		box->first = parcel->next;
		if (!box->first)
			box->last = &box->first;
		box->count--;
	}
	pthread_mutex_unlock(&outboxes->lock);
	return parcel;
}

static void *send_all(void *argument)
{
	struct box *box = argument;
	struct parcel *parcel;
	while ((parcel = next_parcel(box))) {
		if (box->notes)
			post_note(box, parcel);
		else
			post_share(box, parcel);
		free_parcel(parcel);
	}
	return NULL;
}

/* Called with the lock. NULL: no memory. */
static struct box *box_for(struct outboxes *outboxes, const char *kme_id, bool notes)
{
	struct box *box = outboxes->boxes;
	while (box && (box->notes != notes || strcmp(box->kme_id, kme_id) != 0))
		box = box->next;
	if (box)
		return box;
	box = calloc(1, sizeof *box);
	if (!box)
		return NULL;
	box->outboxes = outboxes;
	box->notes = notes;
	box->last = &box->first;
	box->kme_id = strdup(kme_id);
	if (!box->kme_id || pthread_create(&box->thread, NULL, send_all, box) != 0) {
		free(box->kme_id);
		free(box);
		return NULL;
	}
	box->next = outboxes->boxes;
	outboxes->boxes = box;
	return box;
}

/* Takes the parcel over. False: there is no room for it. */
static bool put(struct outboxes *outboxes, const char *kme_id, bool notes, size_t max, struct parcel *parcel)
{
	pthread_mutex_lock(&outboxes->lock);
	struct box *box = outboxes->stopping ? NULL : box_for(outboxes, kme_id, notes);
	bool room = box && box->count < max;
	if (room) {
		*box->last = parcel;
		box->last = &parcel->next;
		box->count++;
		pthread_cond_broadcast(&outboxes->changed);
	}
	pthread_mutex_unlock(&outboxes->lock);
	return room;
}

static int write_envelope(const struct session *session, const struct qv_relay_message *message, struct parcel *parcel,
			  struct qv_error *err)
{
	const struct plan *plan = session->plan;
	const struct qv_topology *topology = network_topology(plan->network);
	struct qv_relay_envelope envelope = { .session = session->size,
					      .module = plan->class->head.name,
					      .from = qv_topology_kme(topology, plan->from)->id,
					      .to = qv_topology_kme(topology, plan->to)->id,
					      .head = message->head,
					      .head_size = message->head_size };
	memcpy(envelope.id, session->id, sizeof envelope.id);
	memcpy(envelope.digest, plan->facts->digest, sizeof envelope.digest);
	envelope.module_size = strlen(envelope.module);
	envelope.from_size = strlen(envelope.from);
	envelope.to_size = strlen(envelope.to);
	parcel->envelope_size = qv_relay_envelope_size(&envelope);
	parcel->envelope = malloc(parcel->envelope_size);
	if (!parcel->envelope)
		return qv_fail(err, QV_E_NOMEM, "no memory for a share");
	return qv_relay_envelope_write(&envelope, parcel->envelope, parcel->envelope_size, err) < 0 ? -1 : 0;
}

int outbox_share(struct outboxes *outboxes, struct session *session, uint32_t next,
		 const struct qv_relay_message *message, struct qv_error *err)
{
	const struct network *network = session->plan->network;
	const char *to = qv_topology_kme(network_topology(network), next)->id;
	struct parcel *parcel = calloc(1, sizeof *parcel);
	if (!parcel)
		return qv_fail(err, QV_E_NOMEM, "no memory for a share");
	parcel->share = qv_secret_copy(message->share, message->share_size, err);
	if (!parcel->share || write_envelope(session, message, parcel, err) != 0) {
		free_parcel(parcel);
		return -1;
	}
	parcel->session = session;
	atomic_fetch_add(&session->references, 1);
	if (!put(outboxes, to, false, network_limits(network)->queue, parcel)) {
		atomic_fetch_add(&outboxes->relay->counts.lost, 1);
		qv_log_warning(outboxes->relay->log, "session %s: too many shares wait for KME \"%s\": one is lost",
			       session->text, to);
		free_parcel(parcel);
	}
	return 0;
}

void outbox_note(struct outboxes *outboxes, const char *kme_id, const char *path, char *text)
{
	struct parcel *parcel = text ? calloc(1, sizeof *parcel) : NULL;
	if (!parcel) {
		free(text);
		return;
	}
	parcel->path = path;
	parcel->text = text;
	if (!put(outboxes, kme_id, true, NOTES_MAX, parcel))
		free_parcel(parcel);
}

struct outboxes *outboxes_new(struct relay *relay, struct qv_error *err)
{
	struct outboxes *outboxes = calloc(1, sizeof *outboxes);
	if (!outboxes) {
		qv_fail(err, QV_E_NOMEM, "no memory for outboxes");
		return NULL;
	}
	outboxes->relay = relay;
	pthread_mutex_init(&outboxes->lock, NULL);
	pthread_cond_init(&outboxes->changed, NULL);
	return outboxes;
}

void outboxes_free(struct outboxes *outboxes)
{
	if (!outboxes)
		return;
	pthread_mutex_lock(&outboxes->lock);
	outboxes->stopping = true;
	pthread_cond_broadcast(&outboxes->changed);
	pthread_mutex_unlock(&outboxes->lock);
	while (outboxes->boxes) {
		struct box *box = outboxes->boxes;
		pthread_join(box->thread, NULL);
		outboxes->boxes = box->next;
		while (box->first) {
			struct parcel *parcel = box->first;
			box->first = parcel->next;
			free_parcel(parcel);
		}
		free(box->kme_id);
		free(box);
	}
	pthread_cond_destroy(&outboxes->changed);
	pthread_mutex_destroy(&outboxes->lock);
	free(outboxes);
}

void outboxes_walk(struct outboxes *outboxes,
		   void (*each)(void *context, const char *kme_id, uint64_t shares, uint64_t link_keys, size_t waiting),
		   void *context)
{
	pthread_mutex_lock(&outboxes->lock);
	for (const struct box *box = outboxes->boxes; box; box = box->next)
		if (!box->notes)
			each(context, box->kme_id, box->shares, box->link_keys, box->count);
	pthread_mutex_unlock(&outboxes->lock);
}

size_t outboxes_waiting(struct outboxes *outboxes)
{
	size_t count = 0;
	pthread_mutex_lock(&outboxes->lock);
	for (const struct box *box = outboxes->boxes; box; box = box->next)
		count += box->notes ? 0 : box->count;
	pthread_mutex_unlock(&outboxes->lock);
	return count;
}
