/* SPDX-License-Identifier: Apache-2.0 */
/* Two stores get the same random calls; results and what visitors are given have to be equal. */
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABELS   48
#define REQUESTS 40
#define KEYS     30
#define LINES    128
#define NOW      INT64_C(1000000000)

static const char *const links[] = { "trial-link-a", "trial-link-b" };
static const char *const slaves[] = { "trial-slave-1", "trial-slave-2" };
static const char *const masters[] = { "trial-master-1", "trial-master-2" };

/* What a call did, as text. */
struct outcome {
	struct qv_keystore_visit visit; /* first */
	char line[LINES][160];
	size_t count;
	int64_t result;
	enum qv_code code;
};

static char *next_line(struct outcome *outcome)
{
	if (outcome->count == LINES)
		trial_fail("a visitor is given more than %d", LINES);
	return outcome->line[outcome->count++];
}

static int see_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	(void)err;
	snprintf(next_line((struct outcome *)visit), 160, "%s=%.*s", key->label, (int)key->sealed.size,
		 (const char *)key->sealed.bytes);
	return 0;
}

static int see_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	(void)err;
	snprintf(next_line((struct outcome *)visit), 160, "%s %s %s %s %u %lld =%.*s", promise->key_id, promise->slave,
		 promise->master, promise->labels, promise->key_bytes, (long long)promise->expires,
		 (int)promise->sealed.size, (const char *)promise->sealed.bytes);
	return 0;
}

struct call {
	unsigned what, link, lane, request, slave, master, count, first;
	unsigned number[8]; /* of labels or keys */
	bool flag;
	int64_t time;
};

struct names {
	char label[8][16], key_id[8][48], request[48], sealed[8][32];
	const char *labels[8], *key_ids[8];
	struct qv_pool_key keys[8];
	struct qv_promise promises[8];
};

/* UUIDs, as a store may insist on them. */
static void name_id(char *id, size_t size, unsigned family, unsigned number)
{
	snprintf(id, size, "00000000-0000-4000-8000-%04x%08x", family, number);
}

static void name_all(struct names *names, const struct call *call)
{
	name_id(names->request, sizeof names->request, 1, call->request);
	for (unsigned i = 0; i < call->count; i++) {
		snprintf(names->label[i], sizeof names->label[i], "k%u", call->number[i] % LABELS);
		name_id(names->key_id[i], sizeof names->key_id[i], 2, call->number[i] % KEYS);
		snprintf(names->sealed[i], sizeof names->sealed[i], "s-%u-%u", call->number[i], call->first);
		names->labels[i] = names->label[i];
		names->key_ids[i] = names->key_id[i];
		struct qv_sealed sealed = { (const uint8_t *)names->sealed[i], strlen(names->sealed[i]) };
		names->keys[i] = (struct qv_pool_key){ names->label[i], sealed };
		names->promises[i] = (struct qv_promise){ .key_id = names->key_id[i],
							  .slave = slaves[call->slave],
							  .master = masters[call->master],
							  .labels = names->label[0],
							  .key_bytes = 32,
							  .sealed = sealed,
							  .expires = call->time + 400 };
	}
}

static int64_t import(struct trial_store *trial, const struct call *call, const struct names *names,
		      struct qv_error *err)
{
	char from[QV_QKDLINK_CURSOR_MAX + 1], cursor[32];
	if (trial->class->cursor(trial->store, links[call->link], call->lane, from, err) != 0)
		return -1;
	snprintf(cursor, sizeof cursor, "c%u", call->first);
	return trial->class->import(trial->store, links[call->link], call->lane, names->keys, call->count,
				    call->flag ? from : "elsewhere", cursor, err);
}

static int64_t settle(struct trial_store *trial, const struct call *call, const struct names *names,
		      struct qv_error *err)
{
	struct qv_settlement settlement = { .request = names->request,
					    .link = links[call->link],
					    .lane = call->lane,
					    .finish = call->flag,
					    .take = names->labels,
					    .take_count = call->first % (call->count + 1),
					    .promises = names->promises,
					    .promise_count = call->count - call->first % (call->count + 1) };
	return trial->class->settle(trial->store, &settlement, err);
}

static int64_t lane_facts(struct trial_store *trial, struct outcome *outcome, struct qv_error *err)
{
	for (unsigned i = 0; i < 4; i++) {
		char cursor[QV_QKDLINK_CURSOR_MAX + 1] = "";
		if (trial->class->cursor(trial->store, links[i / 2], i % 2, cursor, err) != 0)
			return -1;
		int64_t stock = trial->class->stock(trial->store, links[i / 2], i % 2, err);
		snprintf(next_line(outcome), 160, "%.100s %lld", cursor, (long long)stock);
	}
	return 0;
}

/* All keys of a lane, a few at a time. */
static int64_t walk(struct trial_store *trial, const struct call *call, struct outcome *outcome, struct qv_error *err)
{
	int64_t position = 0;
	size_t before;
	do {
		before = outcome->count;
		if (trial->class->walk(trial->store, links[call->link], call->lane, call->flag ? INT64_MAX : 0,
				       call->count, &position, &outcome->visit, err) != 0)
			return -1;
	} while (outcome->count > before);
	return 0;
}

static int64_t perform(struct trial_store *trial, const struct call *call, struct outcome *outcome,
		       struct qv_error *err)
{
	const struct qv_keystore_class *class = trial->class;
	struct qv_keystore_visit *visit = &outcome->visit;
	struct names names;
	name_all(&names, call);
	switch (call->what) {
	case 0:
		return import(trial, call, &names, err);
	case 1:
		return class->reserve(trial->store, names.request, links[call->link], call->lane, call->count,
				      call->time, visit, err);
	case 2:
		return class->release(trial->store, names.request, names.labels, call->count,
				      call->flag ? INT64_MAX : 0, call->time + 20, err);
	case 3:
		return class->find(trial->store, links[call->link], call->lane, names.labels, call->count, visit, err);
	case 4:
		return settle(trial, call, &names, err);
	case 5:
		return class->deliver(trial->store, slaves[call->slave], masters[call->master], names.key_ids,
				      call->count, call->time, visit, err);
	case 6:
		return class->promises(trial->store, names.request, visit, err);
	case 7:
		return class->undo(trial->store, names.request, links[call->link], call->lane, names.keys, call->count,
				   call->time, err);
	case 8:
		return class->purge(trial->store, call->time, call->flag ? INT64_MAX : 0, 1000, visit, err);
	case 10:
		return walk(trial, call, outcome, err);
	case 11:
		return class->lacking(trial->store, links[call->link], call->lane, names.labels, call->count, visit,
				      err);
	case 12:
		return class->discard(trial->store, links[call->link], call->lane, names.labels, call->count, err);
	default:
		return lane_facts(trial, outcome, err);
	}
}

static struct call draw(struct dice *dice, unsigned step)
{
	/* What brings keys in and out comes more often than what clears up. */
	static const unsigned char often[] = { 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4,  4,  4,
					       4, 5, 5, 5, 5, 5, 6, 7, 9, 9, 10, 11, 12 };
	struct call call = { .what = dice_below(dice, 40) == 0 ? 8 : often[dice_below(dice, sizeof often)],
			     .link = dice_below(dice, 2),
			     .lane = dice_below(dice, 2),
			     .request = dice_below(dice, REQUESTS),
			     .slave = dice_below(dice, 2),
			     .master = dice_below(dice, 32) == 0,
			     .count = 1 + dice_below(dice, 3) * dice_below(dice, 3),
			     .first = step,
			     .flag = dice_below(dice, 4) != 0,
			     .time = NOW + step + dice_below(dice, 60) };
	for (unsigned i = 0; i < 8; i++)
		call.number[i] = dice_below(dice, LABELS * KEYS);
	return call;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void judge(struct trial_store *trial, const struct call *call, struct outcome *outcome)
{
	struct qv_error err = QV_ERROR_INIT;
	*outcome = (struct outcome){ .visit = { see_key, see_promise, NULL } };
	outcome->result = perform(trial, call, outcome, &err);
	outcome->code = outcome->result < 0 ? err.code : QV_OK;
	if (outcome->result < 0 && (err.code == QV_E_IO || err.code == QV_E_INTERNAL || !err.message[0]))
		trial_fail("%s, call %u: %s", trial->class->head.name, call->what, err.message);
	/* Promises come in any order. */
	if (call->what == 6 || call->what == 8)
		qsort(outcome->line, outcome->count, sizeof outcome->line[0], by_text);
}

static bool has_line(const struct outcome *outcome, const char *line)
{
	for (size_t i = 0; i < outcome->count; i++)
		if (strcmp(outcome->line[i], line) == 0)
			return true;
	return false;
}

/* A walk may leave out what is held back: lines that only one has are dropped if they may be that. */
static void drop_held(struct outcome *from, const struct outcome *other, const bool *ever_held)
{
	size_t kept = 0;
	for (size_t i = 0; i < from->count; i++) {
		unsigned label = (unsigned)strtoul(from->line[i] + 1, NULL, 10);
		if (ever_held[label % LABELS] && !has_line(other, from->line[i]))
			continue;
		memmove(from->line[kept++], from->line[i], sizeof from->line[i]);
	}
	from->count = kept;
}

static void note_held(const struct call *call, bool *ever_held)
{
	for (unsigned i = 0; call->what == 2 && !call->flag && i < call->count; i++)
		ever_held[call->number[i] % LABELS] = true;
}

static void print(const struct trial_store *trial, const struct outcome *outcome)
{
	fprintf(stderr, "%s: %lld %s\n", trial->class->head.name, (long long)outcome->result,
		qv_code_name(outcome->code));
	for (size_t i = 0; i < outcome->count; i++)
		fprintf(stderr, "\t%s\n", outcome->line[i]);
}

void trial_twins(struct trial_store *one, struct trial_store *other, uint64_t seed, unsigned steps)
{
	static struct outcome outcomes[2];
	struct dice dice = { seed };
	bool ever_held[LABELS] = { false };
	size_t seen[13] = { 0 };
	for (unsigned step = 0; step < steps; step++) {
		struct call call = draw(&dice, step);
		judge(one, &call, &outcomes[0]);
		judge(other, &call, &outcomes[1]);
		note_held(&call, ever_held);
		if (call.what == 10) {
			drop_held(&outcomes[0], &outcomes[1], ever_held);
			drop_held(&outcomes[1], &outcomes[0], ever_held);
		}
		bool same = outcomes[0].result == outcomes[1].result && outcomes[0].code == outcomes[1].code &&
			    outcomes[0].count == outcomes[1].count;
		for (size_t i = 0; same && i < outcomes[0].count; i++)
			same = strcmp(outcomes[0].line[i], outcomes[1].line[i]) == 0;
		if (!same) {
			print(one, &outcomes[0]);
			print(other, &outcomes[1]);
			trial_fail("they differ in step %u of seed %llu, call %u", step, (unsigned long long)seed,
				   call.what);
		}
		seen[call.what] += outcomes[0].result >= 0;
	}
	for (unsigned i = 0; i < 13; i++)
		printf("%zu%s", seen[i], i < 12 ? " " : " calls of each kind succeeded\n");
}
