/* SPDX-License-Identifier: Apache-2.0 */
#include "renewer.h"

#define ATTACH_MS    10000
#define RETRY_MAX_MS 10000
/* A key is kept so long, whatever the peer asks for. */
#define PEER_ASKS_MS 2000
/* At least and at most so long is waited for a key that the caller was asked for, otherwise as long as one is used. */
#define BRING_MIN_MS 2000
#define BRING_MAX_MS 10000

void renewer_init(struct renewer *renewer, const struct media *media, struct qv_call_renewal *plan, bool calls)
{
	*renewer = (struct renewer){ .plan = plan, .media = media, .calls = calls };
	module_host_init(&renewer->host, media, "renewal");
}

static uint64_t bytes_now(const struct renewer *renewer)
{
	const struct connection *c = renewer->media->connection;
	return c->wire.bytes_in + c->wire.bytes_out + c->udp_bytes_in + c->udp_bytes_out;
}

void renewer_keyed(struct renewer *renewer)
{
	renewer->keyed_ns = qv_clock_now(&qv_clock_monotonic);
	renewer->keyed_bytes = bytes_now(renewer);
	renewer->retry_ns = 0;
	renewer->asked = renewer->peer_asked = false;
}

bool renewer_due(const struct renewer *renewer, int64_t now)
{
	const struct qv_call_renewal *plan = renewer->plan;
	if (!plan || renewer->running || now < renewer->retry_ns || renewer->asked)
		return false;
	if (renewer->peer_asked && now >= renewer->keyed_ns + PEER_ASKS_MS * QV_NS_PER_MS)
		return true;
	if (plan->interval_ms > 0 && now >= renewer->keyed_ns + plan->interval_ms * QV_NS_PER_MS)
		return true;
	return plan->bytes > 0 && bytes_now(renewer) - renewer->keyed_bytes >= plan->bytes;
}

int64_t renewer_next(const struct renewer *renewer)
{
	const struct qv_call_renewal *plan = renewer->plan;
	if (!plan || renewer->running || renewer->asked || (plan->interval_ms <= 0 && !renewer->peer_asked))
		return 0;
	int64_t due = renewer->keyed_ns + plan->interval_ms * QV_NS_PER_MS;
	if (renewer->peer_asked && (plan->interval_ms <= 0 || plan->interval_ms > PEER_ASKS_MS))
		due = renewer->keyed_ns + PEER_ASKS_MS * QV_NS_PER_MS;
	return due > renewer->retry_ns ? due : renewer->retry_ns;
}

void renewer_asked(struct renewer *renewer)
{
	renewer->asked = true;
	renewer->asked_ns = qv_clock_now(&qv_clock_monotonic);
}

bool renewer_waited(struct renewer *renewer, int64_t now)
{
	int64_t wait = renewer->plan->interval_ms;
	wait = wait < BRING_MIN_MS ? BRING_MIN_MS : wait > BRING_MAX_MS ? BRING_MAX_MS : wait;
	if (!renewer->asked || now < renewer->asked_ns + wait * QV_NS_PER_MS)
		return false;
	renewer->asked = false;
	renewer->retry_ns = now + wait * QV_NS_PER_MS;
	return true;
}

static void *run(void *argument)
{
	struct renewer *renewer = argument;
	struct qv_call_renewal *plan = renewer->plan;
	renewer->status = plan->renew(plan, &renewer->host.host, &renewer->link, &renewer->security, &renewer->failure);
	if (renewer->status == 0 &&
	    attach_ask(&renewer->link, &renewer->request, &renewer->host.host, ATTACH_MS, &renewer->failure) != 0) {
		plan->release(plan, &renewer->link);
		renewer->status = -1;
		renewer->disowned = renewer->failure.code == QV_E_GONE;
	}
	atomic_store(&renewer->finished, true);
	connection_wake(renewer->media->connection);
	return NULL;
}

static bool begin(struct renewer *renewer, struct attach_request request)
{
	renewer->failure = (struct qv_error)QV_ERROR_INIT;
	renewer->request = request;
	renewer->disowned = false;
	atomic_store(&renewer->finished, false);
	if (!request.token) {
		qv_fail(&renewer->failure, QV_E_UNSUPPORTED, "the TLS backend exports no keying material");
	} else {
		int failed = pthread_create(&renewer->thread, NULL, run, renewer);
		if (failed == 0)
			return renewer->running = true;
		qv_fail_errno(&renewer->failure, QV_E_IO, failed, "starting the renewal thread");
	}
	return false;
}

bool renewer_start(struct renewer *renewer)
{
	if (!renewer->plan || !renewer->plan->renew || renewer->running || renewer->media->connection->has_next)
		return false;
	qv_secret_free(renewer->token);
	renewer->token = attach_token(&renewer->media->connection->link);
	return begin(renewer, (struct attach_request){ .token = renewer->token });
}

bool renewer_lost(struct renewer *renewer)
{
	qv_secret_free(renewer->lost_token);
	renewer->lost_token = attach_token(&renewer->media->connection->link);
	return renewer->lost_token != NULL;
}

bool renewer_resume(struct renewer *renewer, uint32_t generation)
{
	if (renewer->running)
		return false;
	return begin(renewer, (struct attach_request){ renewer->lost_token, true, generation });
}

int renewer_reach(struct renewer *renewer, const struct qv_host *host, uint32_t generation, struct qv_link *link,
		  struct qv_error *err)
{
	struct qv_call_renewal *plan = renewer->plan;
	struct attach_request request = { renewer->lost_token, true, generation };
	if (renewer->running) {
		pthread_join(renewer->thread, NULL);
		renewer->running = false;
		*link = renewer->link;
		if (renewer->status == 0 && renewer->request.resumes)
			return 0;
		if (renewer->status == 0)
			plan->release(plan, &renewer->link);
		if (renewer->failure.code == QV_E_GONE) {
			*err = renewer->failure;
			return -1;
		}
	}
	if (plan->renew(plan, host, link, &renewer->security, err) != 0)
		return -1;
	if (attach_ask(link, &request, host, ATTACH_MS, err) == 0)
		return 0;
	plan->release(plan, link);
	return -1;
}

void renewer_resumed(struct renewer *renewer)
{
	qv_secret_free(renewer->lost_token);
	renewer->lost_token = NULL;
}

static void note_failure(struct renewer *renewer)
{
	const struct qv_call_renewal *plan = renewer->plan;
	int64_t wait = plan->retry_ms > 0 ? plan->retry_ms : plan->interval_ms;
	if (wait <= 0 || (wait > RETRY_MAX_MS && plan->retry_ms <= 0))
		wait = RETRY_MAX_MS;
	renewer->retry_ns = qv_clock_now(&qv_clock_monotonic) + wait * QV_NS_PER_MS;
}

int renewer_take(struct renewer *renewer, struct qv_link *link, struct qv_call_security *security, struct qv_error *err)
{
	if (!renewer->running || !atomic_load(&renewer->finished))
		return 0;
	pthread_join(renewer->thread, NULL);
	renewer->running = false;
	if (renewer->status != 0) {
		note_failure(renewer);
		*err = renewer->failure;
		return -1;
	}
	*link = renewer->link;
	*security = renewer->security;
	return 1;
}

void renewer_clear(struct renewer *renewer)
{
	if (renewer->running) {
		pthread_join(renewer->thread, NULL);
		if (renewer->status == 0)
			renewer->plan->release(renewer->plan, &renewer->link);
	}
	renewer->running = false;
	qv_secret_free(renewer->token);
	qv_secret_free(renewer->lost_token);
	renewer->token = renewer->lost_token = NULL;
	module_host_clear(&renewer->host);
}
