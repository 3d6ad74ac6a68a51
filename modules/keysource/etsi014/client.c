/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

#define IDLE_MAX 8 /* connections kept */

struct etsi014_client {
	struct etsi014_settings settings;
	const struct qv_log *log;
	int cancel_fd;
	pthread_mutex_t lock; /* of all below */
	struct etsi014_connection *idle[IDLE_MAX];
	size_t idle_count;
	size_t preferred;                    /* the address that answered last */
	bool checked[ETSI014_ADDRESSES_MAX]; /* it named the kme_id that was asked for */
};

struct etsi014_client *etsi014_client_new(struct etsi014_settings *settings, const struct qv_host *host,
					  struct qv_error *err)
{
	struct etsi014_client *client = calloc(1, sizeof *client);
	if (!client) {
		qv_fail(err, QV_E_NOMEM, "no memory for a key source");
		return NULL;
	}
	client->settings = *settings;
	*settings = (struct etsi014_settings){ .base_count = 0 };
	client->log = host->log;
	client->cancel_fd = host->cancel_fd;
	pthread_mutex_init(&client->lock, NULL);
	return client;
}

void etsi014_client_free(struct etsi014_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->idle_count; i++)
		etsi014_connection_free(client->idle[i]);
	pthread_mutex_destroy(&client->lock);
	etsi014_settings_clear(&client->settings);
	free(client);
}

const struct etsi014_settings *etsi014_client_settings(const struct etsi014_client *client)
{
	return &client->settings;
}

static struct etsi014_connection *borrow(struct etsi014_client *client, size_t *first, struct qv_error *err)
{
	pthread_mutex_lock(&client->lock);
	struct etsi014_connection *connection = client->idle_count ? client->idle[--client->idle_count] : NULL;
	*first = client->preferred;
	pthread_mutex_unlock(&client->lock);
	return connection ? connection : etsi014_connection_new(&client->settings, err);
}

static void give_back(struct etsi014_client *client, struct etsi014_connection *connection, size_t preferred)
{
	pthread_mutex_lock(&client->lock);
	client->preferred = preferred;
	bool keep = client->idle_count < IDLE_MAX;
	if (keep)
		client->idle[client->idle_count++] = connection;
	pthread_mutex_unlock(&client->lock);
	if (!keep)
		etsi014_connection_free(connection);
}

int etsi014_client_check_kme(const struct etsi014_client *client, const struct qv_keysource_status *status,
			     struct qv_error *err)
{
	const char *wanted = client->settings.kme_id;
	if (!wanted || strcmp(wanted, status->source_kme_id) == 0)
		return 0;
	return qv_fail(err, QV_E_DENIED, "the KME names itself \"%s\", and kme_id asks for \"%s\"",
		       status->source_kme_id, wanted);
}

/* The path of a request; NULL without memory. Free it. */
static char *make_path(const char *peer, const char *method)
{
	char *path = NULL;
	char *escaped = peer ? curl_easy_escape(NULL, peer, (int)strlen(peer)) : NULL;
	if (peer && !escaped)
		return NULL;
	int length =
		peer ? asprintf(&path, "/api/v1/keys/%s/%s", escaped, method) : asprintf(&path, "/api/v1/%s", method);
	curl_free(escaped);
	return length < 0 ? NULL : path;
}

/* Before the first key from an address: does the KME there have the ID that was asked for? */
static int confirm_kme(struct etsi014_client *client, struct etsi014_connection *connection, size_t base,
		       const char *peer, int64_t deadline, struct qv_error *err)
{
	pthread_mutex_lock(&client->lock);
	bool checked = client->checked[base];
	pthread_mutex_unlock(&client->lock);
	if (checked || !client->settings.kme_id || !peer)
		return 0;
	bool unsent;
	struct etsi014_answer answer;
	struct qv_keysource_status status;
	char *path = make_path(peer, "status");
	if (!path)
		return qv_fail(err, QV_E_NOMEM, "no memory for a request");
	struct etsi014_request request = { .path = path, .deadline = deadline, .cancel_fd = client->cancel_fd };
	int result = etsi014_connection_exchange(connection, base, &request, &answer, &unsent, err);
	free(path);
	if (result != 0)
		return -1;
	if (answer.status != 200)
		result = qv_fail(err, QV_E_DENIED, "its status, which must show its kme_id, is answered with HTTP %ld",
				 answer.status);
	else
		result = etsi014_parse_status((const char *)qv_secret_bytes(answer.text), answer.length, &status, err);
	etsi014_answer_clear(&answer);
	if (result != 0 || etsi014_client_check_kme(client, &status, err) != 0)
		return -1;
	pthread_mutex_lock(&client->lock);
	client->checked[base] = true;
	pthread_mutex_unlock(&client->lock);
	return 0;
}

struct attempt {
	struct etsi014_connection *connection;
	size_t base;
	const char *peer;
	struct etsi014_request request;
};

static int try_one(struct etsi014_client *client, struct attempt *attempt, struct etsi014_answer *answer, bool *unsent,
		   struct qv_error *err)
{
	*unsent = true;
	if (attempt->request.body &&
	    confirm_kme(client, attempt->connection, attempt->base, attempt->peer, attempt->request.deadline, err) != 0)
		return -1;
	return etsi014_connection_exchange(attempt->connection, attempt->base, &attempt->request, answer, unsent, err);
}

/* Whether the next address may be tried after this outcome. */
static bool may_repeat(const struct etsi014_request *request, int result, const struct etsi014_answer *answer,
		       bool unsent, const struct qv_error *err)
{
	if (result == 0)
		return answer->status == 503;
	if (err->code == QV_E_CANCELLED || err->code == QV_E_CONFIG || err->code == QV_E_NOMEM)
		return false;
	return unsent || !request->body;
}

/* A repeatable request leaves time for the addresses after it. */
static int64_t share_time(int64_t deadline, bool repeatable, size_t addresses)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	return repeatable ? now + (deadline - now) / (int64_t)addresses : deadline;
}

static int try_all(struct etsi014_client *client, struct attempt *attempt, size_t *base, struct etsi014_answer *answer,
		   struct qv_error *err)
{
	size_t first = *base, count = client->settings.base_count;
	int64_t deadline = attempt->request.deadline;
	for (size_t i = 0;; i++) {
		bool unsent;
		struct qv_error why = QV_ERROR_INIT;
		attempt->base = (first + i) % count;
		const char *name = client->settings.bases[attempt->base];
		attempt->request.deadline = share_time(deadline, !attempt->request.body, count - i);
		int result = try_one(client, attempt, answer, &unsent, &why);
		bool last = i + 1 == count || !may_repeat(&attempt->request, result, answer, unsent, &why);
		if (result == 0 && last) {
			*base = attempt->base;
			return 0;
		}
		if (result == 0) {
			qv_log_warning(client->log, "KME %s: has no key or is overloaded (503); asking the next", name);
			etsi014_answer_clear(answer);
			continue;
		}
		if (!last) {
			qv_log_warning(client->log, "KME %s: %s; asking the next", name, why.message);
			continue;
		}
		/* QV_E_DENIED: TLS ended in the handshake, whose last part TLS 1.3 overlaps with the request. */
		if (!unsent && attempt->request.body && why.code != QV_E_DENIED)
			return qv_fail(err, why.code,
				       "KME %s: %s; the request was sent, so a key may have been given out: it is lost "
				       "and will not be used",
				       name, why.message);
		return qv_fail(err, why.code, "KME %s: %s%s", name, why.message,
			       count > 1 && i + 1 == count ? " (the others failed before)" : "");
	}
}

int etsi014_client_request(struct etsi014_client *client, const char *peer, const char *method, const char *body,
			   struct etsi014_answer *answer, struct qv_error *err)
{
	struct attempt attempt = { .peer = peer };
	size_t base;
	if (peer && (!peer[0] || strlen(peer) > QV_SAE_ID_MAX))
		return qv_fail(err, QV_E_INVALID, "a SAE ID has 1 to %d bytes", QV_SAE_ID_MAX);
	char *path = make_path(peer, method);
	if (!path)
		return qv_fail(err, QV_E_NOMEM, "no memory for a request");
	attempt.connection = borrow(client, &base, err);
	int result = -1;
	if (attempt.connection) {
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		attempt.request = (struct etsi014_request){ .path = path,
							    .body = body,
							    .deadline = now + client->settings.timeout * QV_NS_PER_MS,
							    .cancel_fd = client->cancel_fd };
		result = try_all(client, &attempt, &base, answer, err);
		give_back(client, attempt.connection, base);
	}
	free(path);
	return result;
}
