/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_START ((size_t)4096)

struct client {
	CURL *easy;
	struct curl_slist *headers;
	char *base;
	/* Of the request that runs. */
	struct answer *answer;
	size_t header_size;
};

static bool make_room(struct answer *answer, size_t size)
{
	size_t room = qv_secret_size(answer->body);
	if (answer->length + size <= room)
		return true;
	room = room ? room : BODY_START;
	while (room < answer->length + size)
		room *= 2;
	struct qv_secret *body = qv_secret_new(room, NULL);
	if (!body)
		return false;
	if (answer->length)
		memcpy(qv_secret_edit(body), qv_secret_bytes(answer->body), answer->length);
	qv_secret_free(answer->body);
	answer->body = body;
	return true;
}

/* Moves the bytes out of libcurl's buffer, which libcurl does not wipe. */
static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
	struct answer *answer = ((struct client *)user)->answer;
	size *= count;
	answer->too_large |= size > ANSWER_MAX - answer->length;
	bool taken = !answer->too_large && make_room(answer, size);
	if (taken && size) {
		memcpy(qv_secret_edit(answer->body) + answer->length, bytes, size);
		answer->length += size;
	}
	qv_wipe(bytes, size);
	return taken ? size : 0;
}

/* Keeps the value of a header line in a field, shortened to its room. */
static void keep_header(const char *line, size_t size, const char *name, char field[128])
{
	size_t length = strlen(name);
	if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
		return;
	line += length + 1;
	size -= length + 1;
	while (size > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		size--;
	}
	while (size > 0 && (line[size - 1] == '\r' || line[size - 1] == '\n' || line[size - 1] == ' '))
		size--;
	snprintf(field, 128, "%.*s", (int)(size > 127 ? 127 : size), line);
}

static size_t take_header(char *line, size_t size, size_t count, void *user)
{
	struct client *client = user;
	size *= count;
	client->header_size += size;
	client->answer->too_large |= client->header_size > ANSWER_HEADER_MAX;
	keep_header(line, size, "Content-Type", client->answer->type);
	keep_header(line, size, "Allow", client->answer->allow);
	keep_header(line, size, "Cache-Control", client->answer->cache);
	return client->answer->too_large ? 0 : size;
}

static bool set_text(CURL *easy, CURLoption option, const char *text)
{
	return !text || curl_easy_setopt(easy, option, text) == CURLE_OK;
}

static bool set_blob(CURL *easy, CURLoption option, const char *text)
{
	struct curl_blob blob = { .data = (void *)(uintptr_t)text, .len = strlen(text), .flags = CURL_BLOB_COPY };
	return curl_easy_setopt(easy, option, &blob) == CURLE_OK;
}

static bool is_pkcs12(const char *path)
{
	const char *end = strrchr(path, '.');
	return end && (strcasecmp(end, ".pfx") == 0 || strcasecmp(end, ".p12") == 0);
}

static bool set_identity(CURL *easy, const struct party *party, const struct client_variation *variation)
{
	if (variation->anonymous)
		return true;
	if (variation->instead)
		return set_text(easy, CURLOPT_SSLCERTTYPE, "PEM") &&
		       set_blob(easy, CURLOPT_SSLCERT_BLOB, variation->instead->certificate) &&
		       set_blob(easy, CURLOPT_SSLKEY_BLOB, variation->instead->key);
	bool pkcs12 = is_pkcs12(party->certificate);
	const char *key = party->private_key ? party->private_key : party->certificate;
	return set_text(easy, CURLOPT_SSLCERTTYPE, pkcs12 ? "P12" : "PEM") &&
	       set_text(easy, CURLOPT_SSLCERT, party->certificate) && (pkcs12 || set_text(easy, CURLOPT_SSLKEY, key)) &&
	       set_text(easy, CURLOPT_KEYPASSWD, (const char *)qv_secret_bytes(party->password));
}

static bool set_up(struct client *client, const struct party *party, const struct client_variation *variation,
		   long timeout_ms)
{
	CURL *easy = client->easy;
	long version = variation->tls_version ? variation->tls_version | variation->tls_version << 16
					      : (long)CURL_SSLVERSION_TLSv1_2;
	struct curl_slist *more;
	client->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!client->headers || !(more = curl_slist_append(client->headers, "Accept: application/json")) ||
	    !curl_slist_append(more, "Expect:"))
		return false;
	return curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, client) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, client) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION, version) == CURLE_OK &&
	       (!party->ca || curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK) &&
	       set_text(easy, CURLOPT_CAINFO, party->ca) && set_identity(easy, party, variation);
}

struct client *client_new(const struct party *party, const struct client_variation *variation, long timeout_ms,
			  struct qv_error *err)
{
	static const struct client_variation usual = { .tls_version = 0 };
	struct client *client = calloc(1, sizeof *client);
	if (client) {
		client->easy = curl_easy_init();
		client->base = strdup(party->url);
	}
	if (client && client->easy && client->base &&
	    set_up(client, party, variation ? variation : &usual, timeout_ms)) {
		for (size_t end = strlen(client->base); end > 0 && client->base[end - 1] == '/';)
			client->base[--end] = '\0';
		return client;
	}
	client_free(client);
	qv_fail(err, QV_E_UNSUPPORTED, "libcurl (%s) could not be set up for HTTPS", curl_version());
	return NULL;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->easy);
	curl_slist_free_all(client->headers);
	free(client->base);
	free(client);
}

const char *client_base(const struct client *client)
{
	return client->base;
}

void answer_clear(struct answer *answer)
{
	json_decref(answer->json);
	qv_secret_free(answer->body);
	*answer = (struct answer){ .code = CURLE_OK };
}

static bool set_method(CURL *easy, const char *method, const char *body)
{
	bool post = strcmp(method, "POST") == 0;
	if (curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL) != CURLE_OK)
		return false;
	if (!body && !post)
		return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
		       (strcmp(method, "GET") == 0 || set_text(easy, CURLOPT_CUSTOMREQUEST, method));
	return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, body ? (long)strlen(body) : 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body ? body : "") == CURLE_OK &&
	       (post || set_text(easy, CURLOPT_CUSTOMREQUEST, method));
}

static void parse(struct answer *answer)
{
	json_error_t where;
	if (answer->length == 0) {
		snprintf(answer->json_why, sizeof answer->json_why, "the body is empty");
		return;
	}
	answer->json = json_loadb((const char *)qv_secret_bytes(answer->body), answer->length,
				  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
	if (answer->json)
		return;
	if (where.line < 0)
		snprintf(answer->json_why, sizeof answer->json_why,
			 "the body is too much for locked memory; raise the limit (ulimit -l)");
	else
		snprintf(answer->json_why, sizeof answer->json_why, "the body is no JSON (line %d, column %d)",
			 where.line, where.column);
}

void client_ask(struct client *client, const char *method, const char *path, const char *body, bool fresh,
		struct answer *answer)
{
	CURL *easy = client->easy;
	char *url = NULL;
	*answer = (struct answer){ .code = CURLE_OUT_OF_MEMORY };
	client->answer = answer;
	client->header_size = 0;
	if (asprintf(&url, "%s%s", client->base, path) < 0)
		return;
	if (set_method(easy, method, body) && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, answer->why) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L) == CURLE_OK)
		answer->code = curl_easy_perform(easy);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
	free(url);
	if (answer->too_large)
		snprintf(answer->why, sizeof answer->why, "the answer is larger than %zu KiB", ANSWER_MAX / 1024);
	else if (answer->code != CURLE_OK && !answer->why[0])
		snprintf(answer->why, sizeof answer->why, "%s", curl_easy_strerror(answer->code));
	if (answer->code != CURLE_OK)
		return;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
	parse(answer);
}
