/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that want the same keys, at the same time, of one store. */
#include "trial.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH     64
#define LABEL_MAX 24
#define NOW       INT64_C(2000000000)
#define SLAVE     "trial-slave"
#define MASTER    "trial-master"

struct rivals {
	struct trial_store *trial;
	char link[64];
	unsigned threads, rounds, keys; /* keys: of each lane */
	atomic_uchar *used[QV_QKDLINK_LANES];
	atomic_uchar *delivered; /* by round and thread that made it */
	atomic_uchar *undone;
	atomic_uint conflicts;
	pthread_barrier_t barrier;
};

struct rival {
	struct rivals *all;
	unsigned number;
	struct dice dice;
	pthread_t thread;
};

static void name_id(char *id, unsigned family, unsigned number)
{
	snprintf(id, QV_UUID_LENGTH + 1, "%08x-0000-4000-8000-%04x%08x", (unsigned)getpid(), family & 0xffff, number);
}

static void must(int64_t result, const char *what, const struct qv_error *err)
{
	if (result < 0)
		trial_fail("%s: %s", what, err->message);
}

/* All threads bring in both lanes, each from where it finds the cursor: only one gets each batch in. */
static void import_all(struct rival *rival)
{
	struct rivals *all = rival->all;
	const struct qv_keystore_class *class = all->trial->class;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++)
		for (;;) {
			char from[QV_QKDLINK_CURSOR_MAX + 1], cursor[16], labels[BATCH][LABEL_MAX];
			struct qv_pool_key keys[BATCH];
			struct qv_error err = QV_ERROR_INIT;
			must(class->cursor(all->trial->store, all->link, lane, from, &err), "cursor", &err);
			unsigned first = (unsigned)strtoul(from, NULL, 10);
			if (first >= all->keys)
				break;
			for (unsigned i = 0; i < BATCH; i++) {
				snprintf(labels[i], LABEL_MAX, "%u:%u", lane, first + i);
				keys[i] =
					(struct qv_pool_key){ labels[i], { (uint8_t *)labels[i], strlen(labels[i]) } };
			}
			snprintf(cursor, sizeof cursor, "%u", first + BATCH);
			int64_t added =
				class->import(all->trial->store, all->link, lane, keys, BATCH, from, cursor, &err);
			if (added < 0 && err.code == QV_E_BUSY)
				atomic_fetch_add(&all->conflicts, 1);
			else if (added != BATCH)
				trial_fail("import: %lld of %d: %s", (long long)added, BATCH, err.message);
		}
}

/* The labels that a reservation gave. */
struct got {
	struct qv_keystore_visit visit; /* first */
	unsigned number[8];
	size_t count;
};

static int see_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct got *got = (struct got *)visit;
	(void)err;
	if (key->sealed.size != strlen(key->label) || memcmp(key->sealed.bytes, key->label, key->sealed.size) != 0)
		trial_fail("under %s there is another key", key->label);
	got->number[got->count++] = (unsigned)strtoul(key->label + 2, NULL, 10);
	return 0;
}

static void use(struct rivals *all, unsigned lane, unsigned number)
{
	if (atomic_fetch_add(&all->used[lane][number], 1) != 0)
		trial_fail("key %u of lane %u was used twice", number, lane);
}

/* Picks keys of lane 0 as a master's KME does: reserved, then used up or released. */
static void pick(struct rival *rival, unsigned round)
{
	struct rivals *all = rival->all;
	const struct qv_keystore_class *class = all->trial->class;
	struct qv_error err = QV_ERROR_INIT;
	struct got got = { .visit.pool_key = see_key };
	char request[QV_UUID_LENGTH + 1];
	name_id(request, 0x100 + rival->number, round);
	int result = class->reserve(all->trial->store, request, all->link, 0, 1 + dice_below(&rival->dice, 4), NOW,
				    &got.visit, &err);
	if (result < 0 && err.code == QV_E_NO_KEY)
		return;
	must(result, "reserve", &err);
	if (dice_below(&rival->dice, 3) == 0) {
		must(class->release(all->trial->store, request, NULL, 0, 0, 0, &err), "release", &err);
		return;
	}
	struct qv_settlement finish = { .request = request, .link = all->link, .finish = true };
	must(class->settle(all->trial->store, &finish, &err), "finish", &err);
	for (size_t i = 0; i < got.count; i++)
		use(all, 0, got.number[i]);
}

/* Promises a key of lane 1, as a slave's KME does; two threads of three want the same one. */
static void promise(struct rival *rival, unsigned round)
{
	struct rivals *all = rival->all;
	unsigned made = round * all->threads + rival->number;
	unsigned number = round * all->threads + rival->number / 3 * 3 + (rival->number % 3) / 2;
	char request[QV_UUID_LENGTH + 1], key_id[QV_UUID_LENGTH + 1], label[LABEL_MAX];
	struct qv_error err = QV_ERROR_INIT;
	const char *const take[] = { label };
	name_id(request, 1, made);
	name_id(key_id, 2, made);
	snprintf(label, sizeof label, "1:%u", number);
	struct qv_promise promised = { .key_id = key_id,
				       .slave = SLAVE,
				       .master = MASTER,
				       .labels = label,
				       .key_bytes = 32,
				       .sealed = { (const uint8_t *)label, strlen(label) },
				       .expires = NOW + 1000 };
	struct qv_settlement settlement = { .request = request,
					    .link = all->link,
					    .lane = 1,
					    .take = take,
					    .take_count = 1,
					    .promises = &promised,
					    .promise_count = 1 };
	int result = all->trial->class->settle(all->trial->store, &settlement, &err);
	if (result == 0)
		use(all, 1, number);
	else if (result > 0 || (err.code != QV_E_NOT_FOUND && err.code != QV_E_DENIED))
		trial_fail("settle: %s", err.message);
}

static int see_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	(void)err;
	(void)visit;
	if (promise->sealed.size != strlen(promise->labels) ||
	    memcmp(promise->sealed.bytes, promise->labels, promise->sealed.size) != 0)
		trial_fail("key %s is another", promise->key_id);
	return 0;
}

/* All threads want every promise of the round before; one of them undoes some. */
static void claim(struct rival *rival, unsigned round)
{
	struct rivals *all = rival->all;
	const struct qv_keystore_class *class = all->trial->class;
	struct qv_keystore_visit visit = { .promise = see_promise };
	for (unsigned i = 0; i < all->threads; i++) {
		unsigned made = (round - 1) * all->threads + (rival->number + i) % all->threads;
		char id[QV_UUID_LENGTH + 1];
		const char *const ids[] = { id };
		struct qv_error err = QV_ERROR_INIT;
		if (made % 5 == 0 && rival->number % 2 == 0) {
			name_id(id, 1, made);
			if (class->undo(all->trial->store, id, all->link, 1, NULL, 0, NOW, &err) == 0)
				atomic_store(&all->undone[made], 1);
			else if (err.code != QV_E_BUSY)
				trial_fail("undo: %s", err.message);
			continue;
		}
		name_id(id, 2, made);
		if (class->deliver(all->trial->store, SLAVE, MASTER, ids, 1, NOW, &visit, &err) == 0)
			atomic_fetch_add(&all->delivered[made], 1);
		else if (err.code != QV_E_NOT_FOUND)
			trial_fail("deliver: %s", err.message);
	}
}

static void *contend(void *argument)
{
	struct rival *rival = argument;
	struct rivals *all = rival->all;
	import_all(rival);
	for (unsigned round = 0; round <= all->rounds; round++) {
		pthread_barrier_wait(&all->barrier);
		if (round > 0)
			claim(rival, round);
		if (round < all->rounds) {
			pick(rival, round);
			promise(rival, round);
		}
	}
	return NULL;
}

static void judge(struct rivals *all)
{
	unsigned used[QV_QKDLINK_LANES] = { 0 }, delivered = 0, undone = 0, promised = 0;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		struct qv_error err = QV_ERROR_INIT;
		for (unsigned i = 0; i < all->keys; i++)
			used[lane] += all->used[lane][i];
		int64_t stock = all->trial->class->stock(all->trial->store, all->link, lane, &err);
		if (stock != (int64_t)all->keys - used[lane])
			trial_fail("of %u keys of lane %u %u are used, and the stock is %lld %s", all->keys, lane,
				   used[lane], (long long)stock, err.message);
	}
	for (unsigned i = 0; i < all->rounds * all->threads; i++) {
		if (all->delivered[i] > 1 || (all->delivered[i] && all->undone[i]))
			trial_fail("promise %u was delivered %u times, undone %u", i, all->delivered[i],
				   all->undone[i]);
		delivered += all->delivered[i];
		undone += all->undone[i];
	}
	promised = used[1];
	if (delivered > promised || delivered + undone < promised)
		trial_fail("of %u promises %u were delivered and %u undone", promised, delivered, undone);
	printf("%u picked, %u promised, %u delivered, %u imports came too late\n", used[0], promised, delivered,
	       atomic_load(&all->conflicts));
}

void trial_rivals(struct trial_store *trial, uint64_t seed, unsigned threads, unsigned rounds)
{
	struct rivals all = { .trial = trial, .threads = threads, .rounds = rounds };
	struct rival *rivals = calloc(threads, sizeof *rivals);
	all.keys = (rounds * threads + 3 + BATCH) / BATCH * BATCH;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++)
		all.used[lane] = calloc(all.keys, sizeof(atomic_uchar));
	all.delivered = calloc(all.keys, sizeof(atomic_uchar));
	all.undone = calloc(all.keys, sizeof(atomic_uchar));
	if (threads == 0 || !rivals || !all.used[0] || !all.used[1] || !all.delivered || !all.undone)
		trial_fail("no threads or no memory");
	snprintf(all.link, sizeof all.link, "trial-%d-%llu", (int)getpid(), (unsigned long long)seed);
	pthread_barrier_init(&all.barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		rivals[i] = (struct rival){ .all = &all, .number = i, .dice = { seed + i } };
		if (pthread_create(&rivals[i].thread, NULL, contend, &rivals[i]) != 0)
			trial_fail("no thread");
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(rivals[i].thread, NULL);
	judge(&all);
	pthread_barrier_destroy(&all.barrier);
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++)
		free(all.used[lane]);
	free(all.delivered);
	free(all.undone);
	free(rivals);
}
