/* SPDX-License-Identifier: Apache-2.0 */
#include "part_kme.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/clock.h>

struct kme kme = { .lock = PTHREAD_MUTEX_INITIALIZER, .stored = -1, .most = -1 };

void kme_reset(void)
{
	randombytes_buf(kme.bytes, sizeof kme.bytes);
	memset(kme.claimed, 0, sizeof kme.claimed);
	kme.taken = kme.claims_refused = kme.lacks = 0;
	kme.stored = kme.most = -1;
	kme.burst = kme.rate = kme.burst_s = kme.level = 0;
	kme.began_ns = kme.at_ns = 0;
}

static bool grows(void)
{
	return kme.burst > 0 || kme.rate > 0;
}

/* Lets come what has come since. */
static void grow(void)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (!grows())
		return;
	if (kme.began_ns == 0) {
		kme.began_ns = kme.at_ns = now;
		kme.level = (double)kme.stored;
	}
	int64_t turn = kme.began_ns + (int64_t)(kme.burst_s * 1e9);
	int64_t middle = turn < kme.at_ns ? kme.at_ns : turn > now ? now : turn;
	kme.level += ((double)(middle - kme.at_ns) * kme.burst + (double)(now - middle) * kme.rate) / 1e9;
	if (kme.most > 0 && kme.level > (double)kme.most)
		kme.level = (double)kme.most;
	kme.at_ns = now;
	kme.stored = (int64_t)kme.level;
}

static bool has_one(void)
{
	grow();
	if (kme.taken >= KEYS || (grows() && kme.level < 1))
		return false;
	kme.level -= grows();
	return true;
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
	int number = has_one() ? kme.taken++ : -1;
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
	pthread_mutex_lock(&kme.lock);
	grow();
	int64_t stored = kme.stored;
	pthread_mutex_unlock(&kme.lock);
	*status = (struct qv_keysource_status){ .key_size = KEY_SIZE * 8,
						.stored_key_count = stored,
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
