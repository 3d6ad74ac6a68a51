/* SPDX-License-Identifier: Apache-2.0 */
#include "destination.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../apis.h"
#include "../promise.h"
#include "body_relay.h"
#include "outbox.h"

#define ROUTES_MAX 64 /* of altered shares, told of once each */

struct collector {
	struct relay_open open;
	const char *from, *to;                                  /* KME IDs; the plan's */
	struct qv_secret *candidate;                            /* rebuilt from what has come so far; NULL: not yet */
	struct qv_secret *checked;                              /* what the last tag was made of */
	unsigned times;                                         /* tags made */
	uint8_t challenge[CONFIRM_CHALLENGE], tag[CONFIRM_TAG]; /* the last */
	bool committed;
	uint8_t token[CONFIRM_TOKEN]; /* once committed: the keys are wiped then */
	char *routes[ROUTES_MAX];
	size_t route_count;
};

void collector_free(struct collector *collector)
{
	if (!collector)
		return;
	relay_open_clear(&collector->open);
	qv_secret_free(collector->candidate);
	qv_secret_free(collector->checked);
	qv_wipe(collector->token, sizeof collector->token);
	for (size_t i = 0; i < collector->route_count; i++)
		free(collector->routes[i]);
	free(collector);
}

void collector_shrink(struct collector *collector)
{
	char request[UUID_TEXT];
	if (!collector)
		return;
	memcpy(request, collector->open.activation.request, sizeof request);
	relay_open_clear(&collector->open);
	memcpy(collector->open.activation.request, request, sizeof request);
	qv_secret_free(collector->candidate);
	qv_secret_free(collector->checked);
	collector->candidate = collector->checked = NULL;
}

static void tell(struct relay *relay, const struct session *session, bool rebuilt, bool last)
{
	struct relay_news news = { .rebuilt = rebuilt, .last = last };
	memcpy(news.session, session->text, sizeof news.session);
	outbox_note(relay->outboxes, session->owner, "/inter-kme/v1/relay/news", relay_news_text(&news));
}

struct hearing {
	struct qv_relay_report report; /* first */
	struct relay *relay;
	struct session *session;
};

static void report_altered(struct relay *relay, const struct session *session, const char *route)
{
	char reason[288];
	struct kme *kme = kme_hold(relay->site);
	snprintf(reason, sizeof reason, "session %s: a share was altered on its way over %.180s", session->text, route);
	qv_log_warning(relay->log, "%s", reason);
	event_report(kme, &(struct event){ .kind = EVENT_REFUSED,
					   .master = session->collector->open.activation.master,
					   .peer = session->owner,
					   .reason = reason });
	kme_release(kme);
}

/* The same share is found wrong again and again. */
static void hear_wrong(struct qv_relay_report *report, const uint32_t *kmes, size_t count)
{
	struct hearing *hearing = (struct hearing *)report;
	struct collector *collector = hearing->session->collector;
	char *route = network_names(hearing->session->plan->network, kmes, count);
	bool known = !route || collector->route_count == ROUTES_MAX;
	for (size_t i = 0; !known && i < collector->route_count; i++)
		known = strcmp(collector->routes[i], route) == 0;
	if (known) {
		free(route);
		return;
	}
	atomic_fetch_add(&hearing->relay->counts.altered, 1);
	collector->routes[collector->route_count++] = route;
	report_altered(hearing->relay, hearing->session, route);
}

/* True: there are keys, and others than before. */
static bool rebuild(struct relay *relay, struct session *session)
{
	struct collector *collector = session->collector;
	struct hearing hearing = { .report = { hear_wrong }, .relay = relay, .session = session };
	struct qv_error err = QV_ERROR_INIT;
	size_t size = (size_t)session->size.keys * session->size.key_bytes;
	struct qv_secret *keys = qv_secret_new(size, &err);
	int result =
		keys ? session->plan->class->rebuild(session->node, qv_secret_edit(keys), size, &hearing.report, &err)
		     : -1;
	bool other = result == 0 && (!collector->candidate || !qv_secret_equal(collector->candidate, keys));
	if (result != 0 && err.code != QV_E_NO_KEY)
		qv_log_warning(relay->log, "session %s: keys from KME \"%s\" are not rebuilt: %s", session->text,
			       collector->from, err.message);
	if (other && !collector->committed) {
		qv_secret_free(collector->candidate);
		collector->candidate = keys;
		keys = NULL;
	}
	qv_secret_free(keys);
	return other;
}

bool destination_look(struct relay *relay, struct session *session, bool last)
{
	struct collector *collector = session->collector;
	bool other = rebuild(relay, session);
	if (!collector->committed && (other || last))
		tell(relay, session, collector->candidate != NULL, last);
	if (!last)
		return false;
	session->over = true;
	session->plan->class->end(session->node);
	session->node = NULL;
	/* The origin may still want to confirm and commit. */
	session_set_due(relay->sessions, session,
			qv_clock_now(&qv_clock_monotonic) + network_limits(session->plan->network)->time);
	return collector->committed;
}

bool destination_due(struct relay *relay, struct session *session)
{
	struct qv_error err = QV_ERROR_INIT;
	pthread_mutex_lock(&session->lock);
	bool done = session->over || !session->node;
	if (!done) {
		session->plan->class->expire(session->node, NULL, NULL, &err);
		done = destination_look(relay, session, true);
	}
	pthread_mutex_unlock(&session->lock);
	return !done;
}

/* Whether this KME plans as the origin does. */
static bool check_plan(const struct plan *plan, const struct relay_open *open, struct reply *reply)
{
	char digest[2 * QV_RELAY_DIGEST_SIZE + 1];
	if (strcmp(plan->class->head.name, open->module) != 0) {
		reply_detail(reply, 412, "this KME relays by another module", "module", plan->class->head.name);
		return false;
	}
	sodium_bin2hex(digest, sizeof digest, plan->facts->digest, QV_RELAY_DIGEST_SIZE);
	if (strcmp(digest, open->digest) == 0)
		return true;
	reply_detail(reply, 412, "this KME has another topology, or other options of the relay module", "digest",
		     digest);
	return false;
}

static int begin(struct peer *peer, struct relay_open *open, struct plan *plan, struct qv_error *err)
{
	struct relay *relay = peer->kme->relay;
	uint8_t id[QV_RELAY_SESSION_SIZE];
	session_parse(open->session, id);
	struct session_setup setup = { .id = id,
				       .plan = plan,
				       .size = open->size,
				       .owner = peer->kme_id,
				       .owners = (unsigned)peer->kme->peer_count };
	struct collector *collector = calloc(1, sizeof *collector);
	if (!collector)
		return qv_fail(err, QV_E_NOMEM, "no memory for a session");
	struct session *session = session_begin(relay->sessions, &setup, err);
	if (!session) {
		free(collector);
		return -1;
	}
	const struct qv_topology *topology = network_topology(plan->network);
	collector->open = *open;
	open->activation = (struct activation){ .key_count = 0 };
	collector->from = qv_topology_kme(topology, plan->from)->id;
	collector->to = qv_topology_kme(topology, plan->to)->id;
	/* One hop more than the last relay: it needs time to send, too. */
	pthread_mutex_lock(&session->lock);
	session->collector = collector;
	session_set_due(relay->sessions, session,
			qv_clock_now(&qv_clock_monotonic) + plan->wait + network_limits(plan->network)->hop_wait);
	pthread_mutex_unlock(&session->lock);
	session_release(session);
	return 0;
}

static void open_session(struct peer *peer, struct relay_open *open, struct reply *reply)
{
	struct kme *kme = peer->kme;
	struct qv_error err = QV_ERROR_INIT;
	struct plan *plan = network_plan(kme->network, peer->kme_id, kme->id, &err);
	if (!plan) {
		reply_detail(reply, 412, "this KME knows no way for keys of the calling one", "reason", err.message);
		return;
	}
	if (!check_plan(plan, open, reply)) {
		qv_log_error(kme->relay->log, "keys from KME \"%s\" are refused: %s", peer->kme_id, reply->why);
	} else if (begin(peer, open, plan, &err) == 0) {
		reply_json(reply, 200, json_pack("{s:s}", "session", open->session));
	} else if (err.code == QV_E_BUSY || err.code == QV_E_NOMEM) {
		atomic_fetch_add(&kme->relay->counts.turned_away, 1);
		reply_detail(reply, 503, "this KME takes no more sessions now", "reason", err.message);
	} else {
		reply_detail(reply, 409, "the session cannot begin", "reason", err.message);
	}
	plan_release(plan);
}

void kme_api_relay_open(struct peer *peer, const struct request *request, struct reply *reply)
{
	struct relay_open open;
	struct qv_error err = QV_ERROR_INIT;
	if (!peer->kme->network || !peer->kme->relay) {
		reply_error(reply, 404, "this KME relays no keys", NULL);
		return;
	}
	if (relay_open_json(&open, request->body, request->body_size, &err) != 0)
		reply_failure(reply, &err);
	else if (activation_allowed(peer, &open.activation, reply))
		open_session(peer, &open, reply);
	if (reply->status >= 400)
		activation_report(peer, &open.activation, EVENT_REFUSED, reply);
	relay_open_clear(&open);
}

/* The session that `peer` is the origin of, locked and held; NULL: the reply says so. */
static struct session *own_session(struct peer *peer, const char *text, struct reply *reply)
{
	uint8_t id[QV_RELAY_SESSION_SIZE];
	struct session *session = NULL;
	if (peer->kme->relay && session_parse(text, id))
		session = session_recall(peer->kme->relay->sessions, id);
	if (session) {
		pthread_mutex_lock(&session->lock);
		if (session->collector && session->owner && strcmp(session->owner, peer->kme_id) == 0)
			return session;
		pthread_mutex_unlock(&session->lock);
		session_release(session);
	}
	reply_error(reply, 404, "there is no such session of the calling KME", NULL);
	return NULL;
}

static void leave(struct session *session)
{
	pthread_mutex_unlock(&session->lock);
	session_release(session);
}

static struct confirm_subject subject_of(const struct session *session)
{
	const struct collector *collector = session->collector;
	return (struct confirm_subject){ .session = session->text,
					 .from = collector->from,
					 .to = collector->to,
					 .activation = &collector->open.activation,
					 .stride = session->size.key_bytes };
}

/* Each mask hides one tag: of the keys as they are when it is asked for. */
static bool make_tag(const struct session *session, const struct relay_confirm *confirm)
{
	struct collector *collector = session->collector;
	struct confirm_subject subject = subject_of(session);
	if (confirm->time + 1 == collector->times)
		return memcmp(collector->challenge, confirm->challenge, sizeof collector->challenge) == 0;
	if (confirm->time != collector->times || !collector->candidate || collector->committed)
		return false;
	struct qv_secret *checked =
		qv_secret_copy(qv_secret_bytes(collector->candidate), qv_secret_size(collector->candidate), NULL);
	if (!checked)
		return false;
	qv_secret_free(collector->checked);
	collector->checked = checked;
	collector->times++;
	memcpy(collector->challenge, confirm->challenge, sizeof collector->challenge);
	confirm_tag(&subject, qv_secret_bytes(checked), confirm->time, confirm->challenge, collector->tag);
	return true;
}

void kme_api_relay_confirm(struct peer *peer, const struct request *request, struct reply *reply)
{
	struct relay_confirm confirm;
	struct qv_error err = QV_ERROR_INIT;
	if (relay_confirm_json(&confirm, request->body, request->body_size, &err) != 0) {
		reply_failure(reply, &err);
		return;
	}
	struct session *session = own_session(peer, confirm.session, reply);
	if (!session)
		return;
	char text[32];
	if (make_tag(session, &confirm))
		reply_json(reply, 200,
			   json_pack("{s:s}", "tag",
				     sodium_bin2base64(text, sizeof text, session->collector->tag, CONFIRM_TAG,
						       sodium_base64_VARIANT_ORIGINAL)));
	else
		reply_error(reply, 409, "there are no keys to confirm, or they were confirmed before", NULL);
	leave(session);
}

static int add_promises(struct kme *kme, const struct collector *collector, struct promise_set *set,
			struct qv_error *err)
{
	const struct activation *activation = &collector->open.activation;
	size_t stride = collector->open.size.key_bytes;
	for (size_t i = 0; i < activation->key_count; i++)
		for (size_t j = 0; j < activation->slave_count; j++) {
			struct promised_key key = { .id = activation->keys[i].id,
						    .master = activation->master,
						    .slave = activation->slaves[j],
						    .labels = "",
						    .key = qv_secret_bytes(collector->checked) + i * stride,
						    .size = stride,
						    .bytes = activation->keys[i].bytes };
			if (promise_set_add(kme, set, &key, err) != 0)
				return -1;
		}
	return 0;
}

static int settle(struct peer *peer, const struct collector *collector, struct qv_error *err)
{
	const struct activation *activation = &collector->open.activation;
	struct promise_set set;
	if (promise_set_new(&set, activation->key_count * activation->slave_count, collector->open.size.key_bytes,
			    err) != 0)
		return -1;
	int result = add_promises(peer->kme, collector, &set, err);
	if (result == 0) {
		struct qv_settlement settlement = { .request = activation->request,
						    .link = peer->kme_id,
						    .lane = 1 - peer->own_lane,
						    .promises = set.promises,
						    .promise_count = set.count };
		result = peer->kme->store_class->settle(peer->kme->store, &settlement, err);
	}
	promise_set_clear(&set);
	return result;
}

static void commit(struct peer *peer, struct session *session, struct reply *reply)
{
	struct collector *collector = session->collector;
	struct qv_error err = QV_ERROR_INIT;
	int result = collector->committed ? 1 : settle(peer, collector, &err);
	if (result < 0 && err.code == QV_E_DENIED) {
		reply_error(reply, 410, "the request was undone", NULL);
	} else if (result < 0 && err.code == QV_E_INVALID) {
		reply_error(reply, 400, "a key_ID is there twice", NULL);
	} else if (result < 0) {
		qv_log_error(peer->log, "relayed keys are not activated: %s", err.message);
		reply_unavailable(reply, "store", "the keys could not be stored");
	} else {
		struct confirm_subject subject = subject_of(session);
		if (!collector->committed)
			memcpy(collector->token, confirm_token(&subject, qv_secret_bytes(collector->checked)),
			       CONFIRM_TOKEN);
		collector->committed = true;
		qv_secret_free(collector->candidate);
		qv_secret_free(collector->checked);
		collector->candidate = collector->checked = NULL;
		if (result == 0)
			activation_report(peer, &collector->open.activation, EVENT_ACTIVATED, NULL);
		reply_json(reply, 200, json_pack("{s:s}", "request", collector->open.activation.request));
	}
}

static bool is_token(const struct session *session, const uint8_t *token)
{
	const struct collector *collector = session->collector;
	struct confirm_subject subject = subject_of(session);
	if (collector->committed)
		return sodium_memcmp(token, collector->token, CONFIRM_TOKEN) == 0;
	return collector->checked &&
	       sodium_memcmp(token, confirm_token(&subject, qv_secret_bytes(collector->checked)), CONFIRM_TOKEN) == 0;
}

void kme_api_relay_commit(struct peer *peer, const struct request *request, struct reply *reply)
{
	struct relay_commit wanted;
	struct qv_error err = QV_ERROR_INIT;
	if (relay_commit_json(&wanted, request->body, request->body_size, &err) != 0) {
		reply_failure(reply, &err);
		return;
	}
	struct session *session = own_session(peer, wanted.session, reply);
	if (!session)
		return;
	struct collector *collector = session->collector;
	if (strcmp(wanted.request, collector->open.activation.request) != 0 || !is_token(session, wanted.token)) {
		reply_error(reply, 403, "the token is not that of the session", NULL);
		activation_report(peer, &collector->open.activation, EVENT_REFUSED, reply);
	} else {
		commit(peer, session, reply);
	}
	sodium_memzero(&wanted, sizeof wanted);
	bool done = collector->committed && session->over;
	pthread_mutex_unlock(&session->lock);
	if (done)
		session_end(peer->kme->relay->sessions, session);
	session_release(session);
}

void kme_api_relay_close(struct peer *peer, const struct request *request, struct reply *reply)
{
	char text[SESSION_TEXT];
	struct qv_error err = QV_ERROR_INIT;
	if (relay_close_json(text, request->body, request->body_size, &err) != 0) {
		reply_failure(reply, &err);
		return;
	}
	struct session *session = own_session(peer, text, reply);
	if (!session)
		return;
	session->over = true;
	pthread_mutex_unlock(&session->lock);
	session_end(peer->kme->relay->sessions, session);
	session_release(session);
	reply_json(reply, 200, json_pack("{s:s}", "session", text));
}
