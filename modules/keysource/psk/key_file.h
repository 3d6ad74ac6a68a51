/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key file of the psk module: one key a line, "key_ID key", where key is base64 (RFC 4648 section 4) or "hex:"
 * and hexadecimal digits. Blank lines and lines that start with '#' are skipped. This is also what `qkd-key get` writes.
 */
#ifndef PSK_KEY_FILE_H
#define PSK_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/keysource.h>

#define PSK_KEYS_MAX     16384
#define PSK_KEY_SIZE_MIN 16   /* bytes; 128 bits, below which a PSK can be guessed offline */
#define PSK_KEY_SIZE_MAX 4096 /* bytes */

/* How this end used a key. */
enum psk_use { PSK_UNUSED, PSK_TAKEN, PSK_CLAIMED };

struct psk_entry {
	struct qv_key key;
	unsigned line;
	enum psk_use use;
};

struct psk_keys {
	struct psk_entry *entries; /* in the order of the file */
	size_t count;
	struct psk_entry **by_id; /* the same, sorted by key_ID */
};

/*
 * Parses the text of a key file; `name` stands for it in messages. QV_E_INVALID with "name:line: …", never the key;
 * two lines with one key_ID, or with one key, are refused. On failure `keys` is left empty.
 */
int psk_keys_parse(const uint8_t *text, size_t size, const char *name, struct psk_keys *keys, struct qv_error *err);

/* Reads a file that only its owner can read. QV_E_IO, QV_E_DENIED (says chmod), QV_E_INVALID. */
int psk_keys_load(const char *path, struct psk_keys *keys, struct qv_error *err);

/* NULL if no line has this key_ID. */
struct psk_entry *psk_keys_find(const struct psk_keys *keys, const char *id);

/* Wipes and frees. */
void psk_keys_clear(struct psk_keys *keys);

/* Whether the text may be a key_ID: printable ASCII without blanks, 1 to QV_KEY_ID_MAX bytes. */
bool psk_is_key_id(const char *text, size_t length);

#endif
