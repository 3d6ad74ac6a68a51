/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "keysource": where a program gets keys that it shares with a peer. The master (initiator) takes a new key and
 * tells the peer its key_ID; the slave claims the key by that key_ID. ETSI GS QKD 014 V1.1.1 clauses 5 and 6 name
 * these enc_keys and dec_keys. Calls block, at most the module's own timeout, and return QV_E_CANCELLED when the
 * host's cancel descriptor asks. An instance may be called from several threads at once; it locks within.
 */
#ifndef QVISIO_KEYSOURCE_H
#define QVISIO_KEYSOURCE_H

#include <qvisio/module.h>
#include <qvisio/secret.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_KEYSOURCE_ABI_MAJOR 1
#define QV_KEYSOURCE_ABI_MINOR 2

#define QV_KEY_ID_MAX       128 /* bytes of a key_ID, without the ending zero; a UUID has 36 */
#define QV_SAE_ID_MAX       255 /* bytes of a SAE ID or KME ID */
#define QV_KEY_BITS_DEFAULT 256
#define QV_KEYS_AT_ONCE     16

/* How a key got from the KME of one SAE to that of the other, as far as the source tells. */
enum qv_key_route {
	QV_KEY_ROUTE_UNTOLD = 0,
	QV_KEY_ROUTE_DIRECT, /* by a QKD link that both KMEs share, or both SAEs have the same KME */
	QV_KEY_ROUTE_RELAYED /* by other KMEs, which had to be trusted with it or with shares of it */
};
const char *qv_key_route_name(enum qv_key_route route); /* "untold", "direct", "relayed". Never NULL. */

struct qv_key {
	char id[QV_KEY_ID_MAX + 1]; /* key_ID: printable ASCII without blanks */
	struct qv_secret *secret;   /* owned by the struct */
	enum qv_key_route route;    /* since 1.1 */
};

/* Wipes and empties; the struct itself is the caller's. */
void qv_key_clear(struct qv_key *key);

/* ETSI GS QKD 014 clause 6.1; a number the source does not know is -1, a string "" . */
struct qv_keysource_status {
	char source_kme_id[QV_SAE_ID_MAX + 1];
	char target_kme_id[QV_SAE_ID_MAX + 1];
	char master_sae_id[QV_SAE_ID_MAX + 1]; /* this program, as the source knows it */
	char slave_sae_id[QV_SAE_ID_MAX + 1];
	int64_t key_size; /* default size, bits */
	int64_t stored_key_count;
	int64_t max_key_count;
	int64_t max_key_per_request;
	int64_t max_key_size; /* bits */
	int64_t min_key_size; /* bits */
	int64_t max_sae_id_count;
};

struct qv_keysource;

struct qv_keysource_class {
	struct qv_class head;

	/* Required. Options are borrowed during the call. NULL with err. May check that the source is reachable, or not. */
	struct qv_keysource *(*open)(const struct qv_host *host, const struct qv_options *options,
				     struct qv_error *err);

	/* Required. NULL is fine. */
	void (*close)(struct qv_keysource *source);

	/*
	 * Required. Takes one new key of `bits` (a multiple of 8; 0: the source's default) shared with `peer` (SAE ID).
	 * A key is handed out once: after an error whose outcome is unknown it is lost, never given again.
	 * `key` is empty on entry and filled only on 0. QV_E_NO_KEY, QV_E_DENIED, QV_E_TIMEOUT, QV_E_IO…
	 */
	int (*take)(struct qv_keysource *source, const char *peer, unsigned bits, struct qv_key *key,
		    struct qv_error *err);

	/*
	 * Required. Claims the key that the SAE `master` took, by its key_ID, once.
	 * QV_E_NOT_FOUND: no such key for this program, or claimed before.
	 */
	int (*claim)(struct qv_keysource *source, const char *master, const char *key_id, struct qv_key *key,
		     struct qv_error *err);

	/* Required. */
	int (*status)(struct qv_keysource *source, const char *peer, struct qv_keysource_status *status,
		      struct qv_error *err);

	/*
	 * Required. This program's own SAE ID, from the options or by asking the source about `peer`.
	 * `id` has room for QV_SAE_ID_MAX + 1 bytes.
	 */
	int (*self)(struct qv_keysource *source, const char *peer, char *id, struct qv_error *err);

	/*
	 * Optional, since 1.2. As take, but up to `count` keys (1…QV_KEYS_AT_ONCE) at once. 0: *got of them, one at least,
	 * are filled. NULL: they are taken one by one.
	 */
	int (*take_several)(struct qv_keysource *source, const char *peer, unsigned bits, size_t count,
			    struct qv_key *keys, size_t *got, struct qv_error *err);

	/*
	 * Optional, since 1.2. As claim, but all of `count` keys (1…QV_KEYS_AT_ONCE) at once, or none of them; then each
	 * may be claimed by itself. keys[i] is the one of key_ids[i].
	 */
	int (*claim_several)(struct qv_keysource *source, const char *master, const char *const *key_ids, size_t count,
			     struct qv_key *keys, struct qv_error *err);
};

/* The class as its kind's struct; NULL if it is of another kind. */
const struct qv_keysource_class *qv_keysource_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
