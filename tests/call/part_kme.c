/* SPDX-License-Identifier: Apache-2.0 */
#include "part_kme.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kme kme = { .lock = PTHREAD_MUTEX_INITIALIZER, .stored = -1, .most = -1 };

void kme_reset(void)
{
	randombytes_buf(kme.bytes, sizeof kme.bytes);
	memset(kme.claimed, 0, sizeof kme.claimed);
	kme.taken = kme.claims_refused = kme.lacks = 0;
	kme.stored = kme.most = -1;
}

struct qv_keysource {
	int unused;
};

static struct qv_keysource *kme_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)err;
	return calloc(1, sizeof(struct qv_keysource));
}

static void kme_close(struct qv_keysource *source)
{
	free(source);
}

static int fill_key(int number, struct qv_key *key)
{
	key->secret = qv_secret_copy(kme.bytes[number], KEY_SIZE, NULL);
	snprintf(key->id, sizeof key->id, "key-%d", number);
	return 0;
}

static int kme_take(struct qv_keysource *source, const char *peer, unsigned bits, struct qv_key *key,
		    struct qv_error *err)
{
	(void)source;
	(void)peer;
	(void)bits;
	pthread_mutex_lock(&kme.lock);
	int number = kme.taken < KEYS ? kme.taken++ : -1;
	pthread_mutex_unlock(&kme.lock);
	return number < 0 ? qv_fail(err, QV_E_NO_KEY, "no key") : fill_key(number, key);
}

static int kme_claim(struct qv_keysource *source, const char *master, const char *key_id, struct qv_key *key,
		     struct qv_error *err)
{
	(void)source;
	(void)master;
	long number = strtol(key_id + 4, NULL, 10);
	pthread_mutex_lock(&kme.lock);
	bool there =
		number >= 0 && number < kme.taken && !kme.claimed[number] && !(kme.lacks && number % kme.lacks == 0);
	if (there)
		kme.claimed[number] = true;
	else
		kme.claims_refused++;
	pthread_mutex_unlock(&kme.lock);
	return there ? fill_key((int)number, key) : qv_fail(err, QV_E_NOT_FOUND, "no such key");
}

static int kme_status(struct qv_keysource *source, const char *peer, struct qv_keysource_status *status,
		      struct qv_error *err)
{
	(void)source;
	(void)peer;
	(void)err;
	*status = (struct qv_keysource_status){ .key_size = KEY_SIZE * 8,
						.stored_key_count = kme.stored,
						.max_key_count = kme.most,
						.max_key_per_request = 8,
						.max_key_size = -1 };
	return 0;
}

static int kme_self(struct qv_keysource *source, const char *peer, char *id, struct qv_error *err)
{
	(void)source;
	(void)peer;
	(void)err;
	snprintf(id, QV_SAE_ID_MAX + 1, "us");
	return 0;
}

static const struct qv_keysource_class kme_class = {
	.head = { .kind = "keysource", .name = "known" },
	.open = kme_open,
	.close = kme_close,
	.take = kme_take,
	.claim = kme_claim,
	.status = kme_status,
	.self = kme_self,
};
const struct qv_role kme_role = { .class = &kme_class.head };
