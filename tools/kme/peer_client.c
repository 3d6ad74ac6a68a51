/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "socket.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define IDLE_MAX   16

struct peer_client {
	char *base;       /* https://NAME:PORT */
	char *connect_to; /* NAME:PORT:HOST:PORT */
	char *address;
	struct tls *tls;
	long timeout_ms;
	pthread_mutex_t lock;
	CURL *idle[IDLE_MAX]; /* each with its kept connection */
	size_t idle_count;
};

/* The URL carries the name that the certificate must have, so that the TLS library checks it. */
static int make_urls(struct peer_client *client, const struct peer_client_config *config, struct qv_error *err)
{
	char host[256], port[6];
	if (socket_split(config->address, host, port, err) != 0)
		return -1;
	bool host_v6 = strchr(host, ':') != NULL, name_v6 = strchr(config->certificate_name, ':') != NULL;
	char name[300];
	snprintf(name, sizeof name, "%s%.255s%s", name_v6 ? "[" : "", config->certificate_name, name_v6 ? "]" : "");
	if (asprintf(&client->base, "https://%s:%s", name, port) < 0)
		client->base = NULL;
	if (asprintf(&client->connect_to, "%s:%s:%s%s%s:%s", name, port, host_v6 ? "[" : "", host, host_v6 ? "]" : "",
		     port) < 0)
		client->connect_to = NULL;
	return client->base && client->connect_to ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for a peer");
}

struct peer_client *peer_client_new(const struct peer_client_config *config, struct qv_error *err)
{
	struct peer_client *client = calloc(1, sizeof *client);
	if (!client) {
		qv_fail(err, QV_E_NOMEM, "no memory for a peer");
		return NULL;
	}
	pthread_mutex_init(&client->lock, NULL);
	client->address = strdup(config->address);
	client->tls = tls_hold(config->tls);
	client->timeout_ms = config->timeout_ms;
	if (make_urls(client, config, err) == 0)
		return client;
	peer_client_free(client);
	return NULL;
}

void peer_client_free(struct peer_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->idle_count; i++)
		curl_easy_cleanup(client->idle[i]);
	pthread_mutex_destroy(&client->lock);
	free(client->base);
	free(client->connect_to);
	free(client->address);
	tls_release(client->tls);
	free(client);
}

static CURL *take_handle(struct peer_client *client)
{
	CURL *handle = NULL;
	pthread_mutex_lock(&client->lock);
	if (client->idle_count)
		handle = client->idle[--client->idle_count];
	pthread_mutex_unlock(&client->lock);
	return handle ? handle : curl_easy_init();
}

static void give_handle(struct peer_client *client, CURL *handle)
{
	/* Options point into the caller's frame; the connection stays. */
	curl_easy_reset(handle);
	pthread_mutex_lock(&client->lock);
	if (client->idle_count < IDLE_MAX) {
		client->idle[client->idle_count++] = handle;
		handle = NULL;
	}
	pthread_mutex_unlock(&client->lock);
	curl_easy_cleanup(handle);
}

static size_t receive(char *data, size_t one, size_t size, void *argument)
{
	struct peer_answer *answer = argument;
	(void)one;
	if (size > ANSWER_MAX - answer->size)
		return 0;
	char *grown = realloc(answer->body, answer->size + size + 1);
	if (!grown)
		return 0;
	memcpy(grown + answer->size, data, size);
	answer->body = grown;
	answer->size += size;
	answer->body[answer->size] = '\0';
	return size;
}

struct call_parts {
	const char *url;
	const void *bytes;
	size_t size;
	struct curl_slist *headers, *connect_to;
	char *why; /* CURL_ERROR_SIZE bytes */
};

/* PEM text; the TLS library reads it where it lies. */
static void set_blob(CURL *handle, CURLoption option, const char *text)
{
	struct curl_blob blob = { .data = (void *)(uintptr_t)text, .len = strlen(text), .flags = CURL_BLOB_NOCOPY };
	curl_easy_setopt(handle, option, &blob);
}

/* Before each sending, those too that libcurl repeats by itself when a kept connection ends without an answer. */
static int count_sending(void *argument, char *local, char *remote, int local_port, int remote_port)
{
	struct peer_answer *answer = argument;
	(void)local, (void)remote, (void)local_port, (void)remote_port;
	answer->sent++;
	return CURL_PREREQFUNC_OK;
}

static void set_options(const struct peer_client *client, CURL *handle, const struct call_parts *parts,
			struct peer_answer *answer)
{
	curl_easy_setopt(handle, CURLOPT_URL, parts->url);
	curl_easy_setopt(handle, CURLOPT_CONNECT_TO, parts->connect_to);
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(handle, CURLOPT_PROXY, "");
	curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Only this CA: not the folder of public ones that libcurl adds by itself. */
	curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
	set_blob(handle, CURLOPT_CAINFO_BLOB, tls_ca(client->tls));
	set_blob(handle, CURLOPT_SSLCERT_BLOB, tls_certificate(client->tls));
	set_blob(handle, CURLOPT_SSLKEY_BLOB, (const char *)qv_secret_bytes(tls_private_key(client->tls)));
	if (tls_crl_path(client->tls))
		curl_easy_setopt(handle, CURLOPT_CRLFILE, tls_crl_path(client->tls));
	curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, client->timeout_ms);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, parts->headers);
	curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)parts->size);
	curl_easy_setopt(handle, CURLOPT_POSTFIELDS, parts->bytes);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, count_sending);
	curl_easy_setopt(handle, CURLOPT_PREREQDATA, answer);
	curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, parts->why);
}

static enum peer_outcome outcome_of(CURL *handle, CURLcode code, unsigned sendings)
{
	long sent = 0;
	if (code == CURLE_OK)
		return PEER_ANSWERED;
	/* Bytes of requests that went out: none when it failed before, while it connected or shook hands. */
	if (curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK && sent == 0 && sendings <= 1)
		return PEER_NOT_SENT;
	return PEER_UNKNOWN;
}

/* A kept connection that the peer has closed meanwhile fails like this. */
static bool worth_another_try(CURLcode code)
{
	return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
}

static enum peer_outcome post(struct peer_client *client, CURL *handle, const struct call_parts *parts,
			      struct peer_answer *answer, struct qv_error *err)
{
	set_options(client, handle, parts, answer);
	CURLcode code = curl_easy_perform(handle);
	if (worth_another_try(code)) {
		peer_answer_clear(answer);
		curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
		code = curl_easy_perform(handle);
		/* What became of the first one is not known. */
		if (code != CURLE_OK) {
			qv_fail(err, QV_E_IO, "%s: %s", client->address,
				parts->why[0] ? parts->why : curl_easy_strerror(code));
			return PEER_UNKNOWN;
		}
	}
	enum peer_outcome outcome = outcome_of(handle, code, answer->sent);
	if (outcome == PEER_ANSWERED)
		curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
	else
		qv_fail(err, code == CURLE_OPERATION_TIMEDOUT ? QV_E_TIMEOUT : QV_E_IO, "%s: %s", client->address,
			parts->why[0] ? parts->why : curl_easy_strerror(code));
	return outcome;
}

static enum peer_outcome post_as(struct peer_client *client, const char *path, const char *type, const void *bytes,
				 size_t size, struct peer_answer *answer, struct qv_error *err)
{
	enum peer_outcome outcome = PEER_NOT_SENT;
	char why[CURL_ERROR_SIZE] = "", url[512];
	*answer = (struct peer_answer){ .status = 0 };
	snprintf(url, sizeof url, "%s%s", client->base, path);
	CURL *handle = take_handle(client);
	struct call_parts parts = { .url = url, .bytes = bytes, .size = size, .why = why };
	/* No "Expect: 100-continue": the body goes out at once. */
	struct curl_slist *typed = curl_slist_append(NULL, type);
	parts.headers = typed ? curl_slist_append(typed, "Expect:") : NULL;
	if (!parts.headers)
		curl_slist_free_all(typed);
	parts.connect_to = curl_slist_append(NULL, client->connect_to);
	if (handle && parts.headers && parts.connect_to)
		outcome = post(client, handle, &parts, answer, err);
	else
		qv_fail(err, QV_E_NOMEM, "no memory for a call to %s", client->address);
	if (handle)
		give_handle(client, handle);
	curl_slist_free_all(parts.headers);
	curl_slist_free_all(parts.connect_to);
	if (outcome != PEER_ANSWERED)
		peer_answer_clear(answer);
	return outcome;
}

enum peer_outcome peer_client_post(struct peer_client *client, const char *path, const char *json,
				   struct peer_answer *answer, struct qv_error *err)
{
	return post_as(client, path, "Content-Type: application/json", json, strlen(json), answer, err);
}

enum peer_outcome peer_client_post_bytes(struct peer_client *client, const char *path, const uint8_t *bytes,
					 size_t size, struct peer_answer *answer, struct qv_error *err)
{
	return post_as(client, path, "Content-Type: application/octet-stream", bytes, size, answer, err);
}

void peer_answer_clear(struct peer_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
	answer->size = 0;
	answer->status = 0;
}
