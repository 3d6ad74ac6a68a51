/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "keystore": the durable single-use store of a KME. It keeps
 *
 *   pool      keys of a QKD link, equal at both of its KMEs, not yet used. Each link has two lanes; the KME whose ID
 *             sorts first (strcmp) picks from lane 0 only, the other from lane 1 only, so they never pick the same.
 *   reserved  pool keys that a request holds while the peer is asked to activate them.
 *   promise   a key under its key_ID, waiting for one slave SAE (ETSI GS QKD 014 clause 5.4). It is delivered once.
 *
 * A key moves pool -> reserved -> gone at the master's KME, pool -> promise -> gone at the slave's.
 *
 * The KME seals keys before it hands them over: a store only ever sees ciphertext. Every call is one transaction: it
 * happens whole or not at all, also when the process dies. Unless a comment says otherwise, what a call that returned 0
 * did survives loss of power. Calls block, may come from several threads, and may share one commit.
 * Times are ns of CLOCK_REALTIME. Failures of the medium: QV_E_IO; contention that outlasted the timeout: QV_E_BUSY.
 */
#ifndef QVISIO_KEYSTORE_H
#define QVISIO_KEYSTORE_H

#include <stddef.h>
#include <stdint.h>

#include <qvisio/keysource.h>
#include <qvisio/module.h>
#include <qvisio/qkdlink.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_KEYSTORE_ABI_MAJOR 1
#define QV_KEYSTORE_ABI_MINOR 0

#define QV_UUID_LENGTH 36
#define QV_SEALED_MAX  16384 /* bytes of one sealed key */

/* What a store is (qv_keystore_class.traits). Neither: durable, and one process at a time has it open. */
#define QV_KEYSTORE_VOLATILE 0x1u /* all is gone after close or with the process */
#define QV_KEYSTORE_SHARED   0x2u /* several instances, of several processes too, serve together on the same keys */

struct qv_keystore;

struct qv_sealed {
	const uint8_t *bytes;
	size_t size;
};

struct qv_pool_key {
	const char *label; /* names the key at both KMEs; unique in its link */
	struct qv_sealed sealed;
};

/* A key waiting for `slave`. A key for several slaves is several promises with one key_ID. */
struct qv_promise {
	const char *key_id; /* UUID, lower case */
	const char *slave;  /* SAE ID */
	const char *master; /* SAE ID */
	const char *labels; /* of the pool keys it was made of, divided by blanks; "" when made of none */
	uint32_t key_bytes; /* size of the key to deliver; what is sealed may be longer */
	struct qv_sealed sealed;
	int64_t expires;
};

/* What `settle` does in one transaction. Members that are not wanted are NULL or 0. */
struct qv_settlement {
	const char *request; /* UUID, names what is settled */
	const char *link;
	bool finish; /* the keys that `request` had reserved leave for good */
	unsigned lane;
	const char *const *take; /* labels that leave this lane of `link`; all must be in its pool, free */
	size_t take_count;
	const struct qv_promise *promises;
	size_t promise_count;
};

/* Receives rows; what it is given is valid during the call only. Non-zero ends the walk and becomes its result. */
struct qv_keystore_visit {
	int (*pool_key)(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err);
	int (*promise)(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err);
	int (*reservation)(struct qv_keystore_visit *visit, const char *request, const char *link,
			   struct qv_error *err);
};

struct qv_keystore_class {
	struct qv_class head;

	struct qv_keystore *(*open)(const struct qv_host *host, const struct qv_options *options,
				    struct qv_error *err); /* required */
	void (*close)(struct qv_keystore *store);          /* required; NULL is fine */

	/*
	 * Required. A small named value that the KME keeps. 1 with `value` filled (at most *size bytes), 0 if unset,
	 * -1.
	 */
	int (*property_get)(struct qv_keystore *store, const char *name, uint8_t *value, size_t *size,
			    struct qv_error *err);
	/* Required. Sets it if it is unset; a set one stays as it is. */
	int (*property_set)(struct qv_keystore *store, const char *name, const uint8_t *value, size_t size,
			    struct qv_error *err);

	/*
	 * Required. Adds keys to a lane's pool and moves its cursor (qkdlink.h) with them, from `from`. Labels that are
	 * already in the pool are skipped. Returns how many were added. QV_E_BUSY: the cursor is not `from`, for
	 * another has imported meanwhile; nothing changed, and the link has to be opened at the cursor that there is.
	 */
	int64_t (*import)(struct qv_keystore *store, const char *link, unsigned lane, const struct qv_pool_key *keys,
			  size_t count, const char *from, const char *cursor, struct qv_error *err);

	/* Required. The cursor of a lane, "" at first, into QV_QKDLINK_CURSOR_MAX + 1 bytes. */
	int (*cursor)(struct qv_keystore *store, const char *link, unsigned lane, char *cursor, struct qv_error *err);

	/* Required. Free keys in a lane's pool, held back ones included. Does not scan. */
	int64_t (*stock)(struct qv_keystore *store, const char *link, unsigned lane, struct qv_error *err);

	/*
	 * Required. Reserves exactly `count` free keys for `request`, the oldest first, none that is held back after
	 * `now`, and gives each to visit->pool_key. QV_E_NO_KEY when there are fewer: nothing is reserved. Outlives the
	 * process, but need not outlive loss of power: the keys are then free again.
	 */
	int (*reserve)(struct qv_keystore *store, const char *request, const char *link, unsigned lane, size_t count,
		       int64_t now, struct qv_keystore_visit *visit, struct qv_error *err);

	/*
	 * Required. Makes the keys that this instance has reserved for `request` free again, except the labels in
	 * `held`: those imported before `discard_before` leave for good (the peer will never have them), the others are
	 * held back until `hold_until`. Nothing reserved is fine.
	 */
	int (*release)(struct qv_keystore *store, const char *request, const char *const *held, size_t held_count,
		       int64_t discard_before, int64_t hold_until, struct qv_error *err);

	/*
	 * Required. Requests whose keys were reserved by an instance that is no more, to visit->reservation. They are
	 * this instance's from then on, so each is given once. For the start of a KME and, where siblings may die, now
	 * and then.
	 */
	int (*reservations)(struct qv_keystore *store, struct qv_keystore_visit *visit, struct qv_error *err);

	/* Required. Free pool keys of a lane by label, in that order, to visit->pool_key; absent ones are left out. */
	int (*find)(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels, size_t count,
		    struct qv_keystore_visit *visit, struct qv_error *err);

	/*
	 * Required. Settles a request. 0 done, 1 the same request had been settled before and nothing changed.
	 * QV_E_NOT_FOUND: a label is not free in the pool, or this instance has nothing reserved to finish.
	 * QV_E_DENIED: the request was undone before it arrived.
	 */
	int (*settle)(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err);

	/*
	 * Required. Delivers keys to `slave`: all of them or none. Each goes to visit->promise, after it can no longer
	 * be delivered again. A non-zero result of the visitor loses the keys. QV_E_NOT_FOUND: one is unknown,
	 * delivered or expired; QV_E_DENIED: one is promised, but not to this slave by this master.
	 */
	int (*deliver)(struct qv_keystore *store, const char *slave, const char *master, const char *const *key_ids,
		       size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err);

	/* Required. The promises of a request that nobody has claimed yet, to visit->promise. */
	int (*promises)(struct qv_keystore *store, const char *request, struct qv_keystore_visit *visit,
			struct qv_error *err);

	/*
	 * Required. Undoes a settled request: its promises go and `keys` return to the pool of `link`, lane `lane`. The
	 * request can never be settled afterwards, also when it was unknown. QV_E_BUSY: a promise was delivered;
	 * nothing changed. Undoing twice is fine.
	 */
	int (*undo)(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
		    const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err);

	/*
	 * Required. Forgets at most `max` promises that expired before `now`, and settled or undone requests older than
	 * `forget_before`. Returns how many promises it forgot; fewer than `max`: there are no more. Each that had not
	 * been delivered goes to visit->promise (with nothing in `sealed`) once it is gone.
	 */
	int64_t (*purge)(struct qv_keystore *store, int64_t now, int64_t forget_before, size_t max,
			 struct qv_keystore_visit *visit, struct qv_error *err);

	uint32_t traits; /* QV_KEYSTORE_… */

	/*
	 * Optional. 1: this instance is to feed `link`, and no other one does as long as this one lives; 0: another one
	 * does, ask again later. Only a hint: what keeps keys from coming in twice is `from` of import. NULL: always 1.
	 */
	int (*feeds)(struct qv_keystore *store, const char *link, struct qv_error *err);

	/*
	 * Optional, all three or none: what the KMEs at both ends of a link compare their pools with. NULL: keys that
	 * one end lacks are found one request after the other.
	 *
	 * Free keys of a lane that were imported before `before`, in the order of import, at most `max`, to
	 * visit->pool_key with nothing in `sealed`; those held back may be left out. *position is 0 at first, and moves
	 * on for the next call.
	 */
	int (*walk)(struct qv_keystore *store, const char *link, unsigned lane, int64_t before, size_t max,
		    int64_t *position, struct qv_keystore_visit *visit, struct qv_error *err);
	/*
	 * Of these labels, those that the lane does not have, neither free nor reserved, likewise to visit->pool_key.
	 */
	int (*lacking)(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels,
		       size_t count, struct qv_keystore_visit *visit, struct qv_error *err);
	/* Keys with these labels leave a lane for good, as far as they are free. Returns how many. */
	int64_t (*discard)(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels,
			   size_t count, struct qv_error *err);
};

const struct qv_keystore_class *qv_keystore_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
