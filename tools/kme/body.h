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

#define BODY_KEYS_MAX   4096 /* in one request, whatever the configuration allows */
#define BODY_LABELS_MAX 8192

/* ETSI GS QKD 014 clause 6.2. What was not there is -1 or 0. */
struct key_request {
	int64_t number;
	int64_t size; /* bits */
	size_t additional_slaves;
	bool mandatory;     /* extension_mandatory holds something */
	char extension[64]; /* name of the first mandatory one */
};

int key_request_json(struct key_request *request, const char *body, size_t size, struct qv_error *err);
int key_request_query(struct key_request *request, const struct uri *uri, struct qv_error *err);

/* ETSI GS QKD 014 clause 6.4. IDs that are no UUIDs are kept out: `unknown` says that there were such. */
struct key_ids {
	size_t count;
	char (*ids)[UUID_TEXT]; /* owned */
	bool unknown;
};

int key_ids_json(struct key_ids *ids, const char *body, size_t size, size_t max, struct qv_error *err);
int key_ids_query(struct key_ids *ids, const struct uri *uri, struct qv_error *err);
void key_ids_clear(struct key_ids *ids);

/* Inter-KME API: keys that the peer wants to share with an SAE of this KME. See doc/PROTOCOL.md. */
struct activation_key {
	char id[UUID_TEXT];
	uint32_t bytes;
	size_t first_label, label_count; /* into `labels` of the activation */
};

struct activation {
	char request[UUID_TEXT];
	char master[QV_SAE_ID_MAX + 1];
	char slave[QV_SAE_ID_MAX + 1];
	size_t key_count, label_count;
	struct activation_key *keys; /* owned */
	char **labels;               /* owned; distinct is not checked here */
};

int activation_json(struct activation *activation, const char *body, size_t size, struct qv_error *err);
void activation_clear(struct activation *activation);

/* Inter-KME API: { "request": UUID }. */
int undo_json(char request[UUID_TEXT], const char *body, size_t size, struct qv_error *err);

/* Inter-KME API, answer to an activation: labels that the peer does not have. At most `max`; owned by the caller. */
int missing_json(char ***labels, size_t *count, size_t max, const char *body, size_t size, struct qv_error *err);
void labels_free(char **labels, size_t count);

#endif
