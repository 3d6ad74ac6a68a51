/* SPDX-License-Identifier: Apache-2.0 */
#include "issue.h"

#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "links.h"
#include "promise.h"
#include "random.h"
#include "route.h"

static size_t slaves_here(const struct issue *issue)
{
	size_t count = 0;
	for (size_t i = 0; i < issue->slave_count; i++)
		count += !issue->slaves[i]->peer;
	return count;
}

static struct leg *leg_to(struct issue *issue, struct peer *peer)
{
	for (size_t i = 0; i < issue->leg_count; i++)
		if (issue->legs[i].peer == peer)
			return &issue->legs[i];
	struct leg *leg = &issue->legs[issue->leg_count++];
	leg->issue = issue;
	leg->peer = peer;
	leg->slaves = calloc(issue->slave_count, sizeof *leg->slaves);
	return leg;
}

static int find_route(struct kme *kme, struct issue *issue, struct leg *leg, struct qv_error *err)
{
	leg->route = route_find(kme, leg->peer, issue->route);
	if (!leg->route) {
		issue->failed = leg->peer;
		return qv_fail(err, QV_E_UNSUPPORTED, "no such route leads to KME \"%s\"", leg->peer->kme_id);
	}
	if (issue->used != ROUTE_RELAYED)
		issue->used = leg->route->choice;
	return 0;
}

/* The slaves by their KMEs, and how each of these is reached. */
static int make_legs(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	issue->leg_count = 0;
	issue->legs = calloc(issue->slave_count, sizeof *issue->legs);
	if (!issue->legs)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	for (size_t i = 0; i < issue->slave_count; i++) {
		const struct sae *slave = issue->slaves[i];
		if (!slave->peer)
			continue;
		struct leg *leg = leg_to(issue, slave->peer);
		if (!leg->slaves)
			return qv_fail(err, QV_E_NOMEM, "no memory for keys");
		leg->slaves[leg->slave_count++] = (char *)(uintptr_t)slave->id;
		if (!leg->route && find_route(kme, issue, leg, err) != 0)
			return -1;
	}
	if (issue->leg_count == 0 && issue->route == ROUTE_RELAYED)
		return qv_fail(err, QV_E_UNSUPPORTED, "no relay is between SAEs of one KME");
	return 0;
}

static void abandon(struct kme *kme, struct issue *issue, size_t count)
{
	for (size_t i = 0; i < count; i++)
		issue->legs[i].route->abandon(kme, &issue->legs[i]);
}

/* The same random keys to every KME, or to none. */
static int carry(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	struct qv_secret *keys = qv_secret_new(issue->count * issue->stride, err);
	if (!keys)
		return -1;
	random_fill(qv_secret_edit(keys), qv_secret_size(keys));
	qv_secret_free(issue->keys);
	issue->keys = keys;
	for (size_t i = 0; i < issue->leg_count; i++)
		if (issue->legs[i].route->prepare(kme, &issue->legs[i], err) != 0) {
			issue->failed = issue->legs[i].peer;
			abandon(kme, issue, i);
			return -1;
		}
	for (size_t i = 0; i < issue->leg_count; i++) {
		if (issue->legs[i].route->activate(kme, &issue->legs[i], err) == 0)
			continue;
		issue->failed = issue->legs[i].peer;
		abandon(kme, issue, i);
		for (size_t j = i + 1; j < issue->leg_count; j++)
			issue->legs[j].route->abandon(kme, &issue->legs[j]);
		return -1;
	}
	return 0;
}

static int promise_here(struct kme *kme, const struct issue *issue, struct promise_set *set, struct qv_error *err)
{
	for (size_t s = 0; s < issue->slave_count; s++)
		for (size_t i = 0; !issue->slaves[s]->peer && i < issue->count; i++) {
			struct promised_key key = { .id = issue->ids[i],
						    .master = issue->master,
						    .slave = issue->slaves[s]->id,
						    .labels = "",
						    .key = qv_secret_bytes(issue->keys) + i * issue->stride,
						    .size = issue->stride,
						    .bytes = issue->bytes };
			if (promise_set_add(kme, set, &key, err) != 0)
				return -1;
		}
	return 0;
}

/* Ends it in the store: promises to slaves of this KME; link keys that became the keys (of `derived`) are gone. */
static int conclude(struct kme *kme, const struct issue *issue, const struct leg *derived, struct qv_error *err)
{
	char request[UUID_TEXT];
	size_t here = slaves_here(issue);
	if (!here && !derived)
		return 0;
	uuid_random(request);
	struct promise_set set = { .count = 0 };
	int result = here ? promise_set_new(&set, here * issue->count, issue->stride, err) : 0;
	if (result == 0)
		result = promise_here(kme, issue, &set, err);
	if (result == 0) {
		struct qv_settlement settlement = { .request = derived ? derived->request : request,
						    .link = derived ? derived->peer->kme_id : NULL,
						    .finish = derived != NULL,
						    .promises = set.promises,
						    .promise_count = set.count };
		result = kme->store_class->settle(kme->store, &settlement, err) < 0 ? -1 : 0;
	}
	promise_set_clear(&set);
	return result;
}

static int issue_to_all(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	struct leg *only = issue->leg_count == 1 && issue->legs[0].route->derive ? &issue->legs[0] : NULL;
	if (only && only->route->derive(kme, only, err) != 0) {
		issue->failed = only->peer;
		return -1;
	}
	if (!only && carry(kme, issue, err) != 0)
		return -1;
	if (conclude(kme, issue, only, err) == 0)
		return 0;
	abandon(kme, issue, issue->leg_count);
	return -1;
}

static void report_activated(struct kme *kme, const struct issue *issue)
{
	for (size_t i = 0; i < issue->slave_count; i++) {
		const struct sae *slave = issue->slaves[i];
		event_report(kme, &(struct event){ .kind = EVENT_ACTIVATED,
						   .master = issue->master,
						   .slave = slave->id,
						   .peer = slave->peer ? slave->peer->kme_id : NULL,
						   .key_ids = (const char(*)[UUID_TEXT])issue->ids,
						   .count = issue->count });
	}
}

int issue_keys(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	size_t parts = (issue->bytes + QV_QKDLINK_KEY_BYTES - 1) / QV_QKDLINK_KEY_BYTES;
	issue->stride = parts * QV_QKDLINK_KEY_BYTES;
	issue->ids = calloc(issue->count, sizeof *issue->ids);
	if (!issue->ids)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	for (size_t i = 0; i < issue->count; i++)
		uuid_random(issue->ids[i]);
	if (make_legs(kme, issue, err) != 0 || issue_to_all(kme, issue, err) != 0)
		return -1;
	report_activated(kme, issue);
	return 0;
}

void issue_clear(struct issue *issue)
{
	for (size_t i = 0; i < issue->leg_count; i++)
		leg_clear(&issue->legs[i]);
	free(issue->legs);
	free(issue->ids);
	qv_secret_free(issue->keys);
	issue->legs = NULL;
	issue->leg_count = 0;
	issue->ids = NULL;
	issue->keys = NULL;
	issue->failed = NULL;
	issue->used = ROUTE_NONE;
}
