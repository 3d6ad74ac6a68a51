/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in from other KMEs: shares, and words about sessions. */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

#include "../apis.h"
#include "../compare.h"
#include "../links.h"
#include "body_relay.h"
#include "destination.h"
#include "hop.h"
#include "link_keys.h"
#include "origin.h"
#include "outbox.h"

#define TAKEN_MAX 4096

/* IDs of the messages that were taken last: one that is sent again because its answer was lost is no new one. */
struct taken_messages {
	pthread_mutex_t lock;
	char requests[TAKEN_MAX][UUID_TEXT];
	size_t next;
};

struct sender {
	struct qv_relay_send send; /* first */
	struct relay *relay;
	struct session *session;
};

static int send_share(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
		      struct qv_error *err)
{
	struct sender *sender = (struct sender *)send;
	return outbox_share(sender->relay->outboxes, sender->session, next, message, err);
}

/* A share as it came, opened. */
struct arrival {
	struct peer *peer;
	const struct hop_message *message;
	const struct qv_secret *share;
};

static bool same_id(const struct network *network, uint32_t kme, const char *text, size_t size)
{
	const char *id = qv_topology_kme(network_topology(network), kme)->id;
	return strlen(id) == size && memcmp(id, text, size) == 0;
}

/* Whether the message is of this session, as it was begun. */
static bool fits(const struct session *session, const struct qv_relay_envelope *envelope)
{
	const struct plan *plan = session->plan;
	const char *module = plan->class->head.name;
	return envelope->session.keys == session->size.keys && envelope->session.key_bytes == session->size.key_bytes &&
	       envelope->session.attempt == session->size.attempt && strlen(module) == envelope->module_size &&
	       memcmp(module, envelope->module, envelope->module_size) == 0 &&
	       memcmp(envelope->digest, plan->facts->digest, QV_RELAY_DIGEST_SIZE) == 0 &&
	       same_id(plan->network, plan->from, envelope->from, envelope->from_size) &&
	       same_id(plan->network, plan->to, envelope->to, envelope->to_size) && !session->origin;
}

static void refuse_begin(struct relay *relay, const struct qv_error *err, struct reply *reply)
{
	bool full = err->code == QV_E_BUSY || err->code == QV_E_NOMEM;
	if (full)
		atomic_fetch_add(&relay->counts.turned_away, 1);
	reply_detail(reply, full ? 503 : 422, full ? "this KME takes no more sessions now" : "the session cannot begin",
		     "reason", err->message);
}

/* A session that this KME has not heard of begins with the first share, where it is to be passed on. */
static struct session *begin(const struct arrival *arrival, struct reply *reply)
{
	struct kme *kme = arrival->peer->kme;
	struct relay *relay = kme->relay;
	const struct qv_relay_envelope *envelope = &arrival->message->envelope;
	char from[QV_TOPOLOGY_ID_MAX + 1] = "", to[QV_TOPOLOGY_ID_MAX + 1] = "";
	struct qv_error err = QV_ERROR_INIT;
	struct session *session = NULL;
	memcpy(from, envelope->from, envelope->from_size);
	memcpy(to, envelope->to, envelope->to_size);
	struct plan *plan = network_plan(kme->network, from, to, &err);
	if (!plan) {
		reply_detail(reply, 422, "this KME knows no such way", "reason", err.message);
		return NULL;
	}
	struct session_setup setup = { .id = envelope->id,
				       .plan = plan,
				       .size = envelope->session,
				       .owner = arrival->peer->kme_id,
				       .owners = (unsigned)kme->peer_count };
	if (plan->to == plan->self || plan->from == plan->self)
		reply_error(reply, 404, "there is no such session", NULL);
	else if (memcmp(plan->facts->digest, envelope->digest, QV_RELAY_DIGEST_SIZE) != 0)
		reply_error(reply, 412, "this KME has another topology, or other options of the relay module", NULL);
	else if ((session = session_begin(relay->sessions, &setup, &err)))
		session_set_due(relay->sessions, session, qv_clock_now(&qv_clock_monotonic) + plan->wait);
	else if (err.code != QV_E_DENIED || !(session = session_find(relay->sessions, envelope->id)))
		refuse_begin(relay, &err, reply);
	plan_release(plan);
	return session;
}

static void note_previous(struct session *session, uint32_t from)
{
	for (size_t i = 0; i < session->previous_count; i++)
		if (session->previous[i] == from)
			return;
	if (session->previous_count < PREVIOUS_MAX)
		session->previous[session->previous_count++] = from;
}

static bool is_destination(const struct session *session)
{
	return session->plan->to == session->plan->self;
}

/* Called with the session's lock. True: there is nothing more to do in it. */
static bool hand_over(struct relay *relay, struct session *session, const struct arrival *arrival, struct reply *reply)
{
	struct sender sender = { .send = { send_share }, .relay = relay, .session = session };
	struct qv_relay_message message = { .head = arrival->message->envelope.head,
					    .head_size = arrival->message->envelope.head_size,
					    .share = qv_secret_bytes(arrival->share),
					    .share_size = qv_secret_size(arrival->share) };
	struct qv_error err = QV_ERROR_INIT;
	/* By the network that the session began with. */
	uint32_t from = qv_topology_find(network_topology(session->plan->network), arrival->peer->kme_id);
	if (from == QV_TOPOLOGY_NONE) {
		reply_error(reply, 403, "the calling KME is none of the network", NULL);
		return false;
	}
	note_previous(session, from);
	int progress = session->plan->class->receive(session->node, NULL, from, &message, &sender.send, &err);
	if (progress < 0 && err.code == QV_E_PROTOCOL) {
		reply_detail(reply, 422, "the share is not expected", "reason", err.message);
		return false;
	}
	if (progress < 0) {
		qv_log_error(relay->log, "session %s ends: %s", session->text, err.message);
		reply_unavailable(reply, "relay", "the share could not be passed on");
		session->over = true;
		return true;
	}
	reply_json(reply, 200, json_pack("{s:s}", "request", arrival->message->request));
	if (is_destination(session))
		return progress != QV_RELAY_WAITING && destination_look(relay, session, progress == QV_RELAY_DONE);
	return progress == QV_RELAY_DONE;
}

static void take(struct relay *relay, const struct arrival *arrival, struct reply *reply)
{
	const struct qv_relay_envelope *envelope = &arrival->message->envelope;
	bool done = false;
	struct session *session = session_recall(relay->sessions, envelope->id);
	if (!session)
		session = begin(arrival, reply);
	if (!session)
		return;
	pthread_mutex_lock(&session->lock);
	if (!fits(session, envelope))
		reply_error(reply, 422, "the share is of another session with the same ID", NULL);
	else if (session->over || !session->node)
		reply_error(reply, 410, "the session has ended", NULL);
	else
		done = hand_over(relay, session, arrival, reply);
	pthread_mutex_unlock(&session->lock);
	if (done)
		session_end(relay->sessions, session);
	session_release(session);
}

static void remember_message(struct relay *relay, const char *request)
{
	struct taken_messages *taken = relay->taken;
	pthread_mutex_lock(&taken->lock);
	memcpy(taken->requests[taken->next], request, UUID_TEXT);
	taken->next = (taken->next + 1) % TAKEN_MAX;
	pthread_mutex_unlock(&taken->lock);
}

static bool came_before(struct relay *relay, const char *request)
{
	struct taken_messages *taken = relay->taken;
	bool found = false;
	pthread_mutex_lock(&taken->lock);
	for (size_t i = 0; i < TAKEN_MAX && !found; i++)
		found = strcmp(taken->requests[i], request) == 0;
	pthread_mutex_unlock(&taken->lock);
	return found;
}

/* Link keys are not there: the message came before, or the pools differ. */
static void refuse_labels(struct peer *peer, const struct hop_message *message, const struct qv_error *err,
			  struct reply *reply)
{
	if (err->code != QV_E_NOT_FOUND && err->code != QV_E_INVALID) {
		qv_log_error(peer->log, "a relayed share is not taken: %s", err->message);
		reply_unavailable(reply, "store", "the key store does not answer");
	} else if (came_before(peer->kme->relay, message->request)) {
		reply_error(reply, 208, "the message came before", NULL);
	} else {
		compare_later(peer);
		reply_error(reply, 409, "some link keys are not in the pool", NULL);
	}
}

/* The share, once its link keys are gone; NULL: the reply says why. */
static struct qv_secret *open_share(struct peer *peer, const struct hop_message *message, struct reply *reply)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_secret *share = NULL, *keys = link_keys_find(peer, message, &err);
	if (!keys) {
		refuse_labels(peer, message, &err, reply);
		return NULL;
	}
	share = qv_secret_new(message->share_size, &err);
	if (!share) {
		reply_unavailable(reply, "memory", "no memory");
	} else if (hop_open(message, qv_secret_bytes(keys), qv_secret_edit(share), &err) != 0) {
		qv_log_error(peer->log, "%s: the ends of the link differ, or somebody changes what KMEs say",
			     err.message);
		reply_error(reply, 403, "the share does not authenticate", NULL);
	} else if (link_keys_settle(peer, message, &err) != 0) {
		refuse_labels(peer, message, &err, reply);
	} else {
		remember_message(peer->kme->relay, message->request);
		qv_secret_free(keys);
		return share;
	}
	qv_secret_free(keys);
	qv_secret_free(share);
	return NULL;
}

static void take_share(struct peer *peer, const struct hop_message *message, struct reply *reply)
{
	struct arrival arrival = { .peer = peer, .message = message };
	if (qv_topology_find(network_topology(peer->kme->network), peer->kme_id) == QV_TOPOLOGY_NONE) {
		reply_error(reply, 403, "the calling KME is none of the network", NULL);
		return;
	}
	struct qv_secret *share = open_share(peer, message, reply);
	if (!share)
		return;
	arrival.share = share;
	take(peer->kme->relay, &arrival, reply);
	qv_secret_free(share);
}

void kme_api_relay_share(struct peer *peer, const struct request *request, struct reply *reply)
{
	struct hop_message message;
	struct qv_error err = QV_ERROR_INIT;
	struct relay *relay = peer->kme->relay;
	if (!peer->kme->network || !relay || !link_has_keys(peer->link)) {
		reply_error(reply, 404, "this KME relays no shares of the calling one", NULL);
		return;
	}
	if (hop_parse(&message, (const uint8_t *)request->body, request->body_size, &err) != 0)
		reply_failure(reply, &err);
	else
		take_share(peer, &message, reply);
	hop_clear(&message);
	atomic_fetch_add(reply->status == 200 ? &relay->counts.received : &relay->counts.refused, 1);
	if (reply->status != 200)
		qv_log_info(relay->log, "a share from KME \"%s\" is refused: %s", peer->kme_id, reply->why);
}

static struct session *named_session(struct peer *peer, const char *text)
{
	uint8_t id[QV_RELAY_SESSION_SIZE];
	return peer->kme->relay && session_parse(text, id) ? session_recall(peer->kme->relay->sessions, id) : NULL;
}

void kme_api_relay_news(struct peer *peer, const struct request *request, struct reply *reply)
{
	struct relay_news news;
	struct qv_error err = QV_ERROR_INIT;
	if (relay_news_json(&news, request->body, request->body_size, &err) != 0) {
		reply_failure(reply, &err);
		return;
	}
	struct session *session = named_session(peer, news.session);
	if (session && origin_hear_news(session, peer->kme_id, &news))
		reply_json(reply, 200, json_pack("{s:s}", "session", news.session));
	else
		reply_error(reply, 404, "there is no such session to the calling KME", NULL);
	session_release(session);
}

void kme_api_relay_trouble(struct peer *peer, const struct request *request, struct reply *reply)
{
	struct relay_trouble told;
	struct qv_error err = QV_ERROR_INIT;
	if (relay_trouble_json(&told, request->body, request->body_size, &err) != 0) {
		reply_failure(reply, &err);
		return;
	}
	struct session *session = link_has_keys(peer->link) ? named_session(peer, told.session) : NULL;
	if (!session || is_destination(session)) {
		reply_error(reply, 404, "there is no such session", NULL);
	} else {
		trouble_tell(peer->kme->relay, session, &(struct trouble){ told.from, told.to, told.cause });
		reply_json(reply, 200, json_pack("{s:s}", "session", told.session));
	}
	session_release(session);
}

/* A relay passes on what it can make of what has come. */
static bool session_is_due(void *context, struct session *session)
{
	struct relay *relay = context;
	struct sender sender = { .send = { send_share }, .relay = relay, .session = session };
	struct qv_error err = QV_ERROR_INIT;
	if (is_destination(session))
		return destination_due(relay, session);
	pthread_mutex_lock(&session->lock);
	if (!session->over && session->node &&
	    session->plan->class->expire(session->node, NULL, &sender.send, &err) < 0)
		qv_log_warning(relay->log, "session %s ends: %s", session->text, err.message);
	session->over = true;
	pthread_mutex_unlock(&session->lock);
	return false;
}

struct relay *relay_start(struct kme *kme, struct qv_error *err)
{
	struct relay *relay = calloc(1, sizeof *relay);
	if (!relay) {
		qv_fail(err, QV_E_NOMEM, "no memory to relay keys");
		return NULL;
	}
	relay->site = kme->site;
	relay->log = kme->log;
	relay->taken = calloc(1, sizeof *relay->taken);
	if (relay->taken) {
		pthread_mutex_init(&relay->taken->lock, NULL);
		relay->outboxes = outboxes_new(relay, err);
	}
	if (relay->outboxes)
		relay->sessions = sessions_new(session_is_due, relay, err);
	if (relay->sessions)
		return relay;
	relay_stop(relay);
	return NULL;
}

void relay_stop(struct relay *relay)
{
	if (!relay)
		return;
	sessions_free(relay->sessions);
	outboxes_free(relay->outboxes);
	if (relay->taken)
		pthread_mutex_destroy(&relay->taken->lock);
	free(relay->taken);
	free(relay);
}
