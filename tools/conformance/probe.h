/* SPDX-License-Identifier: Apache-2.0 */
/* What all checks share: the parties, the budget of keys, what is known of the KME, and what was seen so far. */
#ifndef CONFORMANCE_PROBE_H
#define CONFORMANCE_PROBE_H

#include <stdint.h>

#include "client.h"
#include "container.h"
#include "pem.h"

enum who { MASTER, SLAVE, THIRD, ADDITIONAL, PARTIES };

enum verdict { PASSED, FAILED, SKIPPED };

enum level {
	SHALL,  /* what the text demands */
	SHOULD, /* what it recommends, or what keys are good for nothing without */
	ADVICE  /* beyond the text */
};

/* Why a check came out as it did. One line of UTF-8 without control characters, never a key. */
struct finding {
	char seen[512];
};

struct probe;

struct check {
	const char *number; /* clause, a dash, and two digits that never change: "5.3-07" */
	enum level level;
	unsigned needs; /* NEEDS_… */
	unsigned keys;  /* that a right KME delivers to this check; KEYS_… */
	const char *title;
	const char *expected;
	enum verdict (*run)(struct probe *probe, const char *request, struct finding *finding);
	const char *request; /* what `run` is to send or to look at, when several checks share it */
};

#define NEEDS_NO_TLS  1u /* runs although no connection to the master's KME was possible */
#define NEEDS_SLAVE   2u
#define NEEDS_THIRD   4u
#define KEYS_LIMIT    1000000u /* as many as max_key_per_request */
#define KEYS_SHORTAGE 1000001u /* as many as are stored */
#define SAMPLES_MAX   64
#define ANSWERS_MAX   64
#define PATHS         4
#define SAE_ID_MAX    255 /* bytes */
#define PATH_ROOM     1024

/* The numbers of a Status; -1 where it has none. */
struct limits {
	int64_t key_size, min_size, max_size, per_request, stored, max_stored, additional;
};

/* Asking for more keys than there are: done once, looked at by several checks. */
struct shortage {
	bool tried;
	char why_not[256]; /* it could not be provoked; "" when it was */
	struct answer answer;
	int64_t asked, before, after; /* stored_key_count; -1 unknown */
};

struct probe {
	struct party parties[PARTIES];
	struct client *clients[PARTIES];
	char unreachable[CURL_ERROR_SIZE]; /* why there is no TLS connection to the master's KME; "" */
	long timeout_ms;
	unsigned budget, taken; /* keys */
	struct answer status;   /* the first one */
	struct limits limits;
	struct sample samples[SAMPLES_MAX]; /* keys delivered so far */
	size_t sample_count;
	struct answer answers[ANSWERS_MAX]; /* of the check that runs */
	size_t answer_count;
	char paths[PATHS][PATH_ROOM];
	unsigned next_path;
	struct shortage shortage;
	struct pem impostor;
};

/* Opens the clients of the parties given and asks for the first Status. QV_E_IO: a KME cannot be reached at all. */
int probe_open(struct probe *probe, struct qv_error *err);
void probe_close(struct probe *probe);
/* Frees what the check that ran was answered. */
void probe_forget(struct probe *probe);

enum verdict passed(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum verdict failed(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum verdict skipped(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Control characters and what is no ASCII become '?': the text is shown on terminals and put into reports. */
void clean(char *text);

/* Asks; the answer belongs to the probe. `path` as from the functions below. */
const struct answer *ask(struct probe *probe, enum who who, const char *method, const char *path, const char *body);

/* As ask, on a new connection: on a kept one that turns out dead, libcurl would ask again behind our back. */
const struct answer *ask_once(struct probe *probe, enum who who, const char *method, const char *path,
			      const char *body);

/* "/api/v1/keys/{sae}/{rest}" with the ID URL-encoded. In one of PATHS buffers, used in turn. */
const char *sae_path(struct probe *probe, const char *sae, const char *rest);
/* enc_keys of the slave SAE with URL parameters ("?number=2", or ""). */
const char *enc_path(struct probe *probe, const char *parameters);

/* Whether a failure is the network's, so that there is nothing to judge. */
bool is_absent(CURLcode code);

/* Describes an answer: "HTTP 400, message "…"" or why there is none. */
void describe(const struct answer *answer, char *text, size_t room);

/* PASSED if the status is the one expected, else FAILED with what was seen. */
enum verdict expect_status(const struct answer *answer, long status, struct finding *finding);

/* PASSED if the answer is 400: a request that cannot be right. */
enum verdict expect_refusal(struct probe *probe, const char *path, const char *body, struct finding *finding);

/* Keys that a check takes from a KME that should deliver them. */
struct batch {
	struct sample keys[SAMPLES_MAX];
	size_t count; /* of all in the container, may exceed SAMPLES_MAX */
};

/* Counts keys against the budget. SKIPPED when they are too many. */
enum verdict charge(struct probe *probe, int64_t keys, struct finding *finding);

/*
 * Asks the master's KME for `count` keys with this request (`body` NULL: GET, `path` has the parameters), and keeps
 * them as samples. PASSED: there is a container with that many. FAILED: another status or number. SKIPPED: budget, or
 * a container that cannot be read (6.3-01).
 */
enum verdict take(struct probe *probe, const char *path, const char *body, unsigned count, struct batch *batch,
		  struct finding *finding);

/* As `take`, for a check of something else: what goes wrong here is another check's matter and makes this one SKIPPED. */
enum verdict fresh(struct probe *probe, unsigned count, struct batch *batch, struct finding *finding);

/* Forgets the keys of a batch. Needed after take and fresh, whatever they returned. */
void batch_clear(struct batch *batch);

/* PASSED if the batch's key_IDs can be asked for, else SKIPPED. */
enum verdict want_ids(const struct batch *batch, struct finding *finding);

/* At least so many samples, taken when there are fewer. PASSED or SKIPPED. */
enum verdict want_samples(struct probe *probe, size_t count, struct finding *finding);

/* dec_keys by POST with the first `count` keys' IDs; `extra` is another entry in JSON, or NULL. */
const struct answer *claim(struct probe *probe, enum who who, const char *master, const struct batch *batch,
			   size_t count, const char *extra);

/* PASSED if the answer delivers exactly the first `count` keys of the batch. */
enum verdict delivers(const struct answer *answer, const struct batch *batch, size_t count, struct finding *finding);

#endif
