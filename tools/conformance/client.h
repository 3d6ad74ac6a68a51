/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTPS requests as one party of the probe. What comes back is hostile: header and body are bounded, and since a body
 * may hold keys, it and everything parsed from it lie in protected memory.
 */
#ifndef CONFORMANCE_CLIENT_H
#define CONFORMANCE_CLIENT_H

#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <qvisio/secret.h>

#define ANSWER_MAX        ((size_t)256 * 1024) /* bytes of a body */
#define ANSWER_HEADER_MAX ((size_t)32 * 1024)

/* One SAE of the test: who it says it is, and how it reaches its KME. */
struct party {
	const char *url, *sae; /* NULL when not given */
	const char *certificate, *private_key, *ca, *password_file;
	struct qv_secret *password;
};

/* What a client does other than usual, for the checks of TLS. */
struct client_variation {
	long tls_version;          /* the only one offered, as CURL_SSLVERSION_…; 0: 1.2 or later */
	bool anonymous;            /* without a certificate */
	const struct pem *instead; /* another certificate */
};

/* A certificate and its key, in memory. */
struct pem {
	char *certificate, *key;
};

struct answer {
	CURLcode code; /* CURLE_OK: there is an HTTP answer */
	char why[CURL_ERROR_SIZE];
	long status;
	char type[128], allow[128], cache[128]; /* headers; "" when absent */
	bool too_large;
	struct qv_secret *body;
	size_t length;
	json_t *json; /* NULL when the body is none; json_why tells why */
	char json_why[JSON_ERROR_TEXT_LENGTH + 32];
};

struct client;

/* Makes jansson keep what it parses in protected memory. Once, before any use of it. */
void client_protect_json(void);
/* Frees a text that json_dumps made. */
void json_text_free(char *text);

struct client *client_new(const struct party *party, const struct client_variation *variation, long timeout_ms,
			  struct qv_error *err);
void client_free(struct client *client);

/* The start of the party's URL, without a slash at its end. */
const char *client_base(const struct client *client);

/*
 * One request; `path` is appended to the base. `body` NULL: none. `fresh`: on a new connection, so that libcurl repeats
 * nothing. The answer is the caller's, also when there was none.
 */
void client_ask(struct client *client, const char *method, const char *path, const char *body, bool fresh,
		struct answer *answer);
void answer_clear(struct answer *answer);

#endif
