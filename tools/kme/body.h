/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON bodies that others send, checked and taken apart. Hostile input: everything is bounded, nothing is taken on
 * trust. A failure is QV_E_INVALID with a message for the sender.
 */
#ifndef KME_BODY_H
#define KME_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>
#include <qvisio/keysource.h>
#include <qvisio/qkdlink.h>

#include "uri.h"
#include "uuid.h"

#define BODY_KEYS_MAX   512 /* in one request, whatever the configuration allows */
#define BODY_SLAVES_MAX 256
#define BODY_LABELS_MAX (BODY_KEYS_MAX * 32 + 1) /* keys of 8192 bits, and one for a tag */

/* The value of an extension qvisio_route. */
enum route_choice {
	ROUTE_NONE, /* not there */
	ROUTE_ANY,  /* no matter which, but to be told */
	ROUTE_DIRECT,
	ROUTE_RELAYED,
	ROUTE_INVALID /* no such route, or several different ones */
};

/* ETSI GS QKD 014 clause 6.2. What was not there is -1 or 0. Freed with key_request_clear, also after a failure. */
struct key_request {
	int64_t number;
	int64_t size;  /* bits */
	char **slaves; /* owned: additional_slave_SAE_IDs */
	size_t slave_count;
	enum route_choice mandatory, optional; /* qvisio_route in extension_mandatory, extension_optional */
	char unknown[64];                      /* name of the first unknown mandatory extension, or "" */
};

int key_request_json(struct key_request *request, const char *body, size_t size, struct qv_error *err);
int key_request_query(struct key_request *request, const struct uri *uri, struct qv_error *err);
void key_request_clear(struct key_request *request);

/* ETSI GS QKD 014 clause 6.4. IDs that are no UUIDs are kept out: `unknown` says that there were such. */
struct key_ids {
	size_t count;
	char (*ids)[UUID_TEXT]; /* owned */
	bool unknown;
	bool tell_route; /* key_IDs_extension has qvisio_route */
};

int key_ids_json(struct key_ids *ids, const char *body, size_t size, size_t max, struct qv_error *err);
int key_ids_query(struct key_ids *ids, const struct uri *uri, struct qv_error *err);
void key_ids_clear(struct key_ids *ids);

/*
 * Inter-KME API: keys for SAEs of the KME that is asked. They are the link keys, or (carried) other keys that the link
 * keys encrypt. See doc/PROTOCOL.md.
 */
#define ACTIVATION_TAG 16

struct activation_key {
	char id[UUID_TEXT];
	uint32_t bytes;
	size_t first_label, label_count; /* into `labels` of the activation */
};

struct activation {
	char request[UUID_TEXT];
	char master[QV_SAE_ID_MAX + 1];
	bool check;   /* only ask; `ciphertext` is NULL then */
	bool carried; /* the last label is that of the tag's key */
	size_t slave_count, key_count, label_count;
	char **slaves;               /* owned, distinct */
	struct activation_key *keys; /* owned */
	char **labels;               /* owned; distinct is not checked here */
	uint8_t *ciphertext;         /* owned: QV_QKDLINK_KEY_BYTES for each label but the last */
	uint8_t tag[ACTIVATION_TAG];
};

int activation_json(struct activation *activation, const char *body, size_t size, struct qv_error *err);
/* The body that activation_json reads; freed by the caller; NULL without memory. */
char *activation_text(const struct activation *activation);
void activation_clear(struct activation *activation);

/* Bytes of the keys that are carried. */
size_t activation_carried_size(const struct activation *activation);

/* Inter-KME API: { "request": UUID }. */
int undo_json(char request[UUID_TEXT], const char *body, size_t size, struct qv_error *err);

/* Inter-KME API, answer to an activation: labels that the peer does not have. At most `max`; owned by the caller. */
int missing_json(char ***labels, size_t *count, size_t max, const char *body, size_t size, struct qv_error *err);
void labels_free(char **labels, size_t count);

/* Inter-KME API: { "lane", "labels" }, which of these labels are not there, and the answer { "lacking" }. */
#define BODY_COMPARE_MAX 4096
int lacking_json(unsigned *lane, char ***labels, size_t *count, const char *body, size_t size, struct qv_error *err);
char *lacking_text(unsigned lane, char *const *labels, size_t count);
int lacking_answer_json(char ***labels, size_t *count, const char *body, size_t size, struct qv_error *err);

#endif
