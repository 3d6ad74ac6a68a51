/* SPDX-License-Identifier: Apache-2.0 */
/* Keys to a KME without a common link, in shares over those between. */
#include "origin.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <qvisio/generator.h>

#include "../links.h"
#include "../route.h"
#include "body_relay.h"
#include "hop.h"
#include "outbox.h"
#include "stock.h"

#define PATH "/inter-kme/v1/relay/"

struct origin {
	const char *peer; /* the destination; the plan's */
	pthread_cond_t changed;
	/* With the session's lock: */
	unsigned news, heard;
	bool rebuilt, last;
	bool troubled;
	enum trouble_cause cause; /* the first one that was heard of; missing link keys go before others */
	char from[QV_TOPOLOGY_ID_MAX + 1], to[QV_TOPOLOGY_ID_MAX + 1];
};

/* What a leg keeps from prepare to the end. */
struct relayed {
	struct relay *relay;
	struct plan *plan;
	struct session *session; /* held; of the attempt of now; NULL: there is none */
	struct relay_open open;
	struct qv_secret *payload; /* the keys, and what confirms them */
	int64_t until;             /* by the monotonic clock */
	unsigned attempt;
	bool opened; /* at the destination */
};

void origin_free(struct origin *origin)
{
	if (!origin)
		return;
	pthread_cond_destroy(&origin->changed);
	free(origin);
}

void origin_hear_trouble(struct session *session, const struct trouble *trouble)
{
	struct origin *origin = session->origin;
	pthread_mutex_lock(&session->lock);
	if (!origin->troubled || (trouble->cause == TROUBLE_NO_KEYS && origin->cause != TROUBLE_NO_KEYS)) {
		origin->troubled = true;
		origin->cause = trouble->cause;
		snprintf(origin->from, sizeof origin->from, "%s", trouble->from);
		snprintf(origin->to, sizeof origin->to, "%s", trouble->to);
	}
	pthread_mutex_unlock(&session->lock);
}

bool origin_hear_news(struct session *session, const char *peer, const struct relay_news *news)
{
	struct origin *origin = session->origin;
	if (!origin || strcmp(origin->peer, peer) != 0)
		return false;
	pthread_mutex_lock(&session->lock);
	origin->news++;
	origin->rebuilt = news->rebuilt;
	origin->last = origin->last || news->last;
	pthread_cond_broadcast(&origin->changed);
	pthread_mutex_unlock(&session->lock);
	return true;
}

static int64_t now_ns(void)
{
	return qv_clock_now(&qv_clock_monotonic);
}

static void end_attempt(struct relayed *relayed)
{
	if (!relayed->session)
		return;
	session_end(relayed->relay->sessions, relayed->session);
	session_release(relayed->session);
	relayed->session = NULL;
}

void relayed_free(struct relayed *relayed)
{
	if (!relayed)
		return;
	end_attempt(relayed);
	plan_release(relayed->plan);
	/* Slaves are the leg's. */
	relayed->open.activation.slaves = NULL;
	relayed->open.activation.slave_count = 0;
	relay_open_clear(&relayed->open);
	qv_secret_free(relayed->payload);
	free(relayed);
}

static bool serves(const struct kme *kme, const struct peer *peer)
{
	struct qv_error err = QV_ERROR_INIT;
	if (!kme->network || !kme->relay)
		return false;
	struct plan *plan = network_plan(kme->network, kme->id, peer->kme_id, &err);
	if (!plan)
		qv_log_debug(kme->log, "no keys are relayed to KME \"%s\": %s", peer->kme_id, err.message);
	plan_release(plan);
	return plan != NULL;
}

/* The link that has no keys goes into the reply for the master. */
static int fail_short(struct leg *leg, const char *from, const char *to, struct qv_error *err)
{
	struct issue *issue = leg->issue;
	snprintf(issue->short_link, sizeof issue->short_link, "%s - %s", from, to);
	return qv_fail(err, QV_E_NO_KEY, "the link %s has too few keys to relay %zu keys to KME \"%s\"",
		       issue->short_link, issue->count, leg->peer->kme_id);
}

static int check_stock(struct kme *kme, struct leg *leg, struct qv_error *err)
{
	const struct relayed *relayed = leg->relayed;
	const char *link = "?";
	int64_t fit = stock_sessions(kme, relayed->plan, qv_secret_size(relayed->payload), 1, &link, err);
	if (fit < 0)
		return -1;
	return fit > 0 ? 0 : fail_short(leg, kme->id, link, err);
}

static int make_payload(const struct leg *leg, struct relayed *relayed, struct qv_error *err)
{
	const struct issue *issue = leg->issue;
	size_t keys = issue->count * issue->stride;
	size_t size = confirm_session_keys(issue->count, issue->stride) * issue->stride;
	if (size > QV_RELAY_BYTES_MAX)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "keys of %zu bytes together are more than can be relayed at once (%d)", keys,
			       QV_RELAY_BYTES_MAX);
	if (!relayed->payload)
		relayed->payload = qv_secret_new(size, err);
	if (!relayed->payload)
		return -1;
	uint8_t *bytes = qv_secret_edit(relayed->payload);
	memcpy(bytes, qv_secret_bytes(issue->keys), keys);
	return qv_generator_fill(NULL, bytes + keys, size - keys, err);
}

/* What does not change from one attempt to the next. */
static int describe(struct leg *leg, struct relayed *relayed, struct qv_error *err)
{
	const struct issue *issue = leg->issue;
	struct relay_open *open = &relayed->open;
	struct activation *activation = &open->activation;
	snprintf(open->module, sizeof open->module, "%s", relayed->plan->class->head.name);
	sodium_bin2hex(open->digest, sizeof open->digest, relayed->plan->facts->digest, QV_RELAY_DIGEST_SIZE);
	open->size.keys = (uint16_t)confirm_session_keys(issue->count, issue->stride);
	open->size.key_bytes = (uint16_t)issue->stride;
	snprintf(activation->master, sizeof activation->master, "%s", issue->master);
	activation->slaves = leg->slaves;
	activation->slave_count = leg->slave_count;
	activation->keys = calloc(issue->count, sizeof *activation->keys);
	if (!activation->keys)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	activation->key_count = issue->count;
	for (size_t i = 0; i < issue->count; i++) {
		memcpy(activation->keys[i].id, issue->ids[i], UUID_TEXT);
		activation->keys[i].bytes = (uint32_t)issue->bytes;
	}
	return 0;
}

static int begin_session(struct relayed *relayed, struct qv_error *err)
{
	uint8_t id[QV_RELAY_SESSION_SIZE];
	struct session_setup setup = { .id = id, .plan = relayed->plan, .size = relayed->open.size };
	struct origin *origin = calloc(1, sizeof *origin);
	if (!origin)
		return qv_fail(err, QV_E_NOMEM, "no memory for a session");
	pthread_cond_init(&origin->changed, NULL);
	origin->peer = qv_topology_kme(network_topology(relayed->plan->network), relayed->plan->to)->id;
	randombytes_buf(id, sizeof id);
	relayed->session = session_begin(relayed->relay->sessions, &setup, err);
	if (!relayed->session) {
		origin_free(origin);
		return -1;
	}
	relayed->session->origin = origin;
	memcpy(relayed->open.session, relayed->session->text, SESSION_TEXT);
	return 0;
}

/* POSTs to the destination, and takes text over. 0: it answered 200; 1: another status; -1: no answer. */
static int post(const struct leg *leg, const char *path, char *text, struct peer_answer *answer, struct qv_error *err)
{
	if (!text)
		return qv_fail(err, QV_E_NOMEM, "no memory for a request");
	enum peer_outcome outcome = peer_client_post(leg->peer->client, path, text, answer, err);
	free(text);
	if (outcome != PEER_ANSWERED)
		return -1;
	if (answer->status == 200)
		return 0;
	qv_fail(err, answer->status == 503 ? QV_E_BUSY : QV_E_PROTOCOL, "KME \"%s\" answered %ld: %.200s",
		leg->peer->kme_id, answer->status, answer->body ? answer->body : "");
	peer_answer_clear(answer);
	return 1;
}

static int open_attempt(struct leg *leg, struct qv_error *err)
{
	struct relayed *relayed = leg->relayed;
	struct peer_answer answer;
	uuid_random(leg->request);
	memcpy(relayed->open.activation.request, leg->request, UUID_TEXT);
	relayed->open.size.attempt = (uint8_t)relayed->attempt;
	atomic_fetch_add(&relayed->relay->counts.begun, 1);
	if (make_payload(leg, relayed, err) != 0 || begin_session(relayed, err) != 0)
		return -1;
	if (post(leg, PATH "open", relay_open_text(&relayed->open), &answer, err) != 0)
		return -1;
	peer_answer_clear(&answer);
	relayed->opened = true;
	return 0;
}

/* The destination need not keep what will not be committed. */
static void close_attempt(struct leg *leg)
{
	struct relayed *relayed = leg->relayed;
	char text[64];
	if (relayed->opened) {
		snprintf(text, sizeof text, "{\"session\":\"%s\"}", relayed->open.session);
		outbox_note(relayed->relay->outboxes, leg->peer->kme_id, PATH "close", strdup(text));
	}
	relayed->opened = false;
	end_attempt(relayed);
}

static int prepare(struct kme *kme, struct leg *leg, struct qv_error *err)
{
	struct relayed *relayed = leg->relayed = calloc(1, sizeof *relayed);
	if (!relayed)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	relayed->relay = kme->relay;
	relayed->until = now_ns() + network_limits(kme->network)->time;
	relayed->plan = network_plan(kme->network, kme->id, leg->peer->kme_id, err);
	if (relayed->plan && describe(leg, relayed, err) == 0 && make_payload(leg, relayed, err) == 0 &&
	    check_stock(kme, leg, err) == 0 && open_attempt(leg, err) == 0)
		return 0;
	close_attempt(leg);
	return -1;
}

struct sender {
	struct qv_relay_send send; /* first */
	const struct relayed *relayed;
};

static int send_share(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
		      struct qv_error *err)
{
	const struct relayed *relayed = ((struct sender *)send)->relayed;
	return outbox_share(relayed->relay->outboxes, relayed->session, next, message, err);
}

static int split(const struct relayed *relayed, struct qv_error *err)
{
	struct sender sender = { .send = { send_share }, .relayed = relayed };
	struct session *session = relayed->session;
	const struct qv_relay_class *class = relayed->plan->class;
	pthread_mutex_lock(&session->lock);
	int result = class->split(session->node, NULL, qv_secret_bytes(relayed->payload),
				  qv_secret_size(relayed->payload), &sender.send, err);
	class->end(session->node);
	session->node = NULL;
	pthread_mutex_unlock(&session->lock);
	return result;
}

/* What the destination says next. 1: it has keys; 0: it will have none; -1: it is silent for too long. */
static int await_news(const struct relayed *relayed, int64_t until, bool *last)
{
	struct session *session = relayed->session;
	struct origin *origin = session->origin;
	struct timespec deadline = { .tv_sec = until / QV_NS_PER_SECOND, .tv_nsec = until % QV_NS_PER_SECOND };
	int timeout = 0, result = -1;
	pthread_mutex_lock(&session->lock);
	for (;;) {
		bool news = origin->heard != origin->news;
		if (news && (origin->rebuilt || origin->last)) {
			origin->heard = origin->news;
			*last = origin->last;
			result = origin->rebuilt;
			break;
		}
		if (timeout)
			break;
		timeout = pthread_cond_clockwait(&origin->changed, &session->lock, CLOCK_MONOTONIC, &deadline);
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

/* Why the destination has no keys, as far as KMEs have said. */
static int fail_attempt(struct leg *leg, const char *what, struct qv_error *err)
{
	struct session *session = leg->relayed->session;
	pthread_mutex_lock(&session->lock);
	const struct origin heard = *session->origin;
	pthread_mutex_unlock(&session->lock);
	if (!heard.troubled)
		return qv_fail(err, QV_E_TIMEOUT, "KME \"%s\" %s", leg->peer->kme_id, what);
	if (heard.cause == TROUBLE_NO_KEYS)
		return fail_short(leg, heard.from, heard.to, err);
	return qv_fail(err, QV_E_IO, "KME \"%s\" %s; a share did not get from KME \"%s\" to KME \"%s\": %s",
		       leg->peer->kme_id, what, heard.from, heard.to, trouble_name(heard.cause));
}

/* 0: the destination has the same keys; 1: it has others; -1. */
static int confirm(struct leg *leg, unsigned time, struct qv_error *err)
{
	const struct relayed *relayed = leg->relayed;
	struct relay_confirm wanted = { .time = time };
	struct peer_answer answer;
	uint8_t theirs[CONFIRM_TAG], ours[CONFIRM_TAG];
	const struct qv_topology *topology = network_topology(relayed->plan->network);
	struct confirm_subject subject = { .session = relayed->open.session,
					   .from = qv_topology_kme(topology, relayed->plan->from)->id,
					   .to = qv_topology_kme(topology, relayed->plan->to)->id,
					   .activation = &relayed->open.activation,
					   .stride = relayed->open.size.key_bytes };
	memcpy(wanted.session, relayed->open.session, sizeof wanted.session);
	randombytes_buf(wanted.challenge, sizeof wanted.challenge);
	if (post(leg, PATH "confirm", relay_confirm_text(&wanted), &answer, err) != 0)
		return -1;
	int result = relay_tag_json(theirs, answer.body, answer.size, err);
	peer_answer_clear(&answer);
	if (result != 0)
		return -1;
	confirm_tag(&subject, qv_secret_bytes(relayed->payload), time, wanted.challenge, ours);
	return sodium_memcmp(theirs, ours, sizeof ours) == 0 ? 0 : 1;
}

/* The destination promises the keys. */
static int commit(struct leg *leg, struct qv_error *err)
{
	const struct relayed *relayed = leg->relayed;
	struct relay_commit wanted;
	struct peer_answer answer;
	struct confirm_subject subject = { .activation = &relayed->open.activation,
					   .stride = relayed->open.size.key_bytes };
	memcpy(wanted.session, relayed->open.session, sizeof wanted.session);
	memcpy(wanted.request, leg->request, sizeof wanted.request);
	memcpy(wanted.token, confirm_token(&subject, qv_secret_bytes(relayed->payload)), sizeof wanted.token);
	int result = post(leg, PATH "commit", relay_commit_text(&wanted), &answer, err);
	sodium_memzero(&wanted, sizeof wanted);
	if (result == 0) {
		peer_answer_clear(&answer);
		leg->activated = true;
		return 0;
	}
	/* Whatever it has done, or may still do. */
	undo_later(leg->peer, leg->request);
	return -1;
}

/* Until the destination has the same keys. 0; 1: another attempt may do; -1. */
static int agree(struct leg *leg, struct qv_error *err)
{
	const struct relayed *relayed = leg->relayed;
	bool last = false;
	for (unsigned time = 0; time < CONFIRM_TIMES; time++) {
		int news = last ? 0 : await_news(relayed, relayed->until, &last);
		if (news <= 0) {
			fail_attempt(leg, time ? "has other keys than were sent" : "did not get enough shares", err);
			return news < 0 ? -1 : 1;
		}
		int same = confirm(leg, time, err);
		if (same == 0)
			return commit(leg, err);
		if (same < 0)
			return 1;
		atomic_fetch_add(&relayed->relay->counts.mismatches, 1);
		qv_log_warning(relayed->relay->log,
			       "session %s: KME \"%s\" has other keys than were sent: shares were altered",
			       relayed->open.session, leg->peer->kme_id);
		qv_fail(err, QV_E_PROTOCOL, "KME \"%s\" has other keys than were sent", leg->peer->kme_id);
	}
	return 1;
}

/* One attempt, the first of which is open already. 0: the keys are delivered; 1: another may do; -1. */
static int try_once(struct leg *leg, struct qv_error *err)
{
	const struct relayed *relayed = leg->relayed;
	if (!relayed->opened && open_attempt(leg, err) != 0)
		return -1;
	return split(relayed, err) == 0 ? agree(leg, err) : 1;
}

static int activate(struct kme *kme, struct leg *leg, struct qv_error *err)
{
	struct relayed *relayed = leg->relayed;
	unsigned attempts = network_limits(relayed->plan->network)->attempts;
	int result;
	while ((result = try_once(leg, err)) != 0) {
		close_attempt(leg);
		if (result < 0 || ++relayed->attempt == attempts || now_ns() >= relayed->until ||
		    check_stock(kme, leg, NULL) != 0)
			return -1;
	}
	atomic_fetch_add(&relayed->relay->counts.delivered, 1);
	end_attempt(relayed);
	return 0;
}

static void abandon(struct kme *kme, struct leg *leg)
{
	(void)kme;
	if (leg->activated)
		undo_later(leg->peer, leg->request);
	else
		close_attempt(leg);
}

const struct route route_relayed = { .name = "relayed",
				     .choice = ROUTE_RELAYED,
				     .serves = serves,
				     .prepare = prepare,
				     .activate = activate,
				     .abandon = abandon };
