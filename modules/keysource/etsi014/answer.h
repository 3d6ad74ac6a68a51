/* SPDX-License-Identifier: Apache-2.0 */
/* What a KME answers (ETSI GS QKD 014 clause 6), read from hostile bytes. Pure functions; QV_E_PROTOCOL with err. */
#ifndef ETSI014_ANSWER_H
#define ETSI014_ANSWER_H

#include <qvisio/keysource.h>

#define ETSI014_KEY_SIZE_MIN 16 /* bytes; below 128 bits a key can be guessed offline */

/*
 * A key container (clause 6.3) with exactly one key. The text is wiped of keys. `size` is the key's size in bytes that
 * was asked for, 0 if none was; `id` is the key_ID that was asked for, NULL if a new key was.
 */
int etsi014_parse_key(char *text, size_t length, size_t size, const char *id, struct qv_key *key, struct qv_error *err);

/*
 * A key container with 1 to `count` keys, at most QV_KEYS_AT_ONCE, likewise: *got of them are filled. With `ids`, the
 * key_IDs that were asked for, it has just these keys, in any order; they are filled in the order of `ids`. All or none.
 */
int etsi014_parse_keys(char *text, size_t length, size_t size, const char *const *ids, size_t count,
		       struct qv_key *keys, size_t *got, struct qv_error *err);

/* Status (clause 6.1). Members that are absent stay -1 or ""; one of a wrong type is refused. */
int etsi014_parse_status(const char *text, size_t length, struct qv_keysource_status *status, struct qv_error *err);

/* What the KME of the original Rust tools answers at sae/info/me: { "SAE_ID": integer or string }. */
int etsi014_parse_sae_info(const char *text, size_t length, char *id, struct qv_error *err);

/* Error (clause 6.5): its message, shortened to `room`, control characters as blanks; "" if there is none. */
void etsi014_parse_message(const char *text, size_t length, char *message, size_t room);

/* Printable ASCII without blanks, 1 to QV_KEY_ID_MAX bytes. */
bool etsi014_is_key_id(const char *id);

#endif
