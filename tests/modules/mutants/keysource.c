/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/keysource.h>

#include "mutant.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>

static struct qv_keysource_class __mutant;
static struct qv_keysource_class __good;

static int __cancel_fd;
static struct qv_key __first;
static pthread_mutex_t __mutex = PTHREAD_MUTEX_INITIALIZER;

static void copy_key(struct qv_key *to, const struct qv_key *from)
{
	qv_key_clear(to);
	*to = *from;
	to->secret = qv_secret_copy(qv_secret_bytes(from->secret), qv_secret_size(from->secret), NULL);
}

/* What one thread got, all others get. */
static void repeat_first(struct qv_key *key)
{
	pthread_mutex_lock(&__mutex);
	if (__first.secret)
		copy_key(key, &__first);
	else
		copy_key(&__first, key);
	pthread_mutex_unlock(&__mutex);
}

/* The last key claimed can be claimed again. */
static int claim_last(int result, const char *key_id, struct qv_key *key)
{
	if (result == 0) {
		copy_key(&__first, key);
	} else if (__first.secret && strcmp(__first.id, key_id) == 0) {
		copy_key(key, &__first);
		return 0;
	}
	return result;
}

static struct qv_keysource *open_mutant(const struct qv_host *host, const struct qv_options *options,
					struct qv_error *err)
{
	__cancel_fd = host->cancel_fd;
	return __good.open(host, options, err);
}

static int take(struct qv_keysource *source, const char *peer, unsigned bits, struct qv_key *key, struct qv_error *err)
{
#ifdef MUTATE_SIZE
	bits = 0;
#endif
	int result = __good.take(source, peer, bits, key, err);
	if (result != 0)
		return result;
	if (mutation("THREADS") && gettid() != getpid())
		repeat_first(key);
	if (mutation("CANCEL") && qv_wait_fd(__cancel_fd, POLLIN, 0, -1, err) == 1) {
		qv_key_clear(key);
		return qv_fail(err, QV_E_IO, "interrupted");
	}
#ifdef MUTATE_SAME_ID
	snprintf(key->id, sizeof key->id, "same");
#endif
#ifdef MUTATE_ID_BLANK
	key->id[2] = ' ';
#endif
#ifdef MUTATE_ZERO
	memset(qv_secret_edit(key->secret), 0, qv_secret_size(key->secret));
#endif
#ifdef MUTATE_SAME_KEY
	memset(qv_secret_edit(key->secret), 1, qv_secret_size(key->secret));
#endif
	return 0;
}

static int claim(struct qv_keysource *source, const char *master, const char *key_id, struct qv_key *key,
		 struct qv_error *err)
{
	int result = __good.claim(source, master, key_id, key, err);
	if (mutation("CLAIM_TWICE"))
		result = claim_last(result, key_id, key);
#ifdef MUTATE_CLAIM_OTHER
	if (result == 0)
		qv_secret_edit(key->secret)[0] ^= 1;
#endif
#ifdef MUTATE_CLAIM_ANY
	if (result != 0) {
		key->secret = qv_secret_random(32, err);
		snprintf(key->id, sizeof key->id, "%s", key_id);
		return 0;
	}
#endif
#ifdef MUTATE_NO_ERROR
	if (result != 0)
		*err = (struct qv_error)QV_ERROR_INIT;
#endif
	return result;
}

static int status(struct qv_keysource *source, const char *peer, struct qv_keysource_status *out, struct qv_error *err)
{
	struct qv_keysource_status full;
	int result = __good.status(source, peer, &full, err);
	memcpy(out, &full, offsetof(struct qv_keysource_status, max_sae_id_count));
#ifndef MUTATE_STATUS
	*out = full;
#endif
	return result;
}

static int self(struct qv_keysource *source, const char *peer, char *id, struct qv_error *err)
{
#ifdef MUTATE_SELF
	(void)source;
	(void)err;
	snprintf(id, QV_SAE_ID_MAX + 1, "%s", peer);
	return 0;
#else
	return __good.self(source, peer, id, err);
#endif
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_keysource_class(original_class());
	__mutant = __good;
	__mutant.open = open_mutant;
	__mutant.take = take;
	__mutant.claim = claim;
	__mutant.status = status;
	__mutant.self = self;
}

MUTANT_MODULE
