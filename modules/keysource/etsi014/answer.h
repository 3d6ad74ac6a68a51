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

/* Status (clause 6.1). Members that are absent stay -1 or ""; one of a wrong type is refused. */
int etsi014_parse_status(const char *text, size_t length, struct qv_keysource_status *status, struct qv_error *err);

/* What the KME of the original Rust tools answers at sae/info/me: { "SAE_ID": integer or string }. */
int etsi014_parse_sae_info(const char *text, size_t length, char *id, struct qv_error *err);

/* Error (clause 6.5): its message, shortened to `room`, control characters as blanks; "" if there is none. */
void etsi014_parse_message(const char *text, size_t length, char *message, size_t room);

/* Printable ASCII without blanks, 1 to QV_KEY_ID_MAX bytes. */
bool etsi014_is_key_id(const char *id);

#endif
