/* SPDX-License-Identifier: Apache-2.0 */
#include "compare.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "links.h"

#define PATH       "/inter-kme/v1/lacking"
#define RETRY_NS   (10 * QV_NS_PER_SECOND)
#define ARRIVAL_NS QV_NS_PER_SECOND
#define PERIOD_NS  (3600 * QV_NS_PER_SECOND)

/* Free keys of a lane, in the order of import. */
struct page {
	struct qv_keystore_visit visit; /* first */
	int64_t end;                    /* position behind it */
	size_t count;
	char *labels[BODY_COMPARE_MAX]; /* owned */
	bool lacking[BODY_COMPARE_MAX]; /* at the peer */
};

static void clear_page(struct page *page)
{
	for (size_t i = 0; i < page->count; i++)
		free(page->labels[i]);
	page->count = 0;
}

static int add_label(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct page *page = (struct page *)visit;
	page->labels[page->count] = strdup(key->label);
	if (!page->labels[page->count])
		return qv_fail(err, QV_E_NOMEM, "no memory for labels");
	page->count++;
	return 0;
}

/* The answer names labels of the page, in its order. */
static int mark_lacking(struct page *page, const struct peer_answer *answer, struct qv_error *err)
{
	char **lacking;
	size_t count, next = 0;
	if (answer->status != 200)
		return qv_fail(err, QV_E_PROTOCOL, "the peer answered %ld", answer->status);
	if (lacking_answer_json(&lacking, &count, answer->body, answer->size, err) != 0)
		return -1;
	for (size_t i = 0; i < page->count; i++) {
		page->lacking[i] = next < count && strcmp(lacking[next], page->labels[i]) == 0;
		next += page->lacking[i];
	}
	labels_free(lacking, count);
	return next == count ? 0 : qv_fail(err, QV_E_PROTOCOL, "the peer lacks labels that it was not asked for");
}

static int ask(struct peer *peer, unsigned lane, struct page *page, struct qv_error *err)
{
	struct peer_answer answer;
	char *text = lacking_text(lane, page->labels, page->count);
	if (!text)
		return qv_fail(err, QV_E_NOMEM, "no memory for labels");
	int result = -1;
	if (peer_client_post(peer->client, PATH, text, &answer, err) == PEER_ANSWERED)
		result = mark_lacking(page, &answer, err);
	peer_answer_clear(&answer);
	free(text);
	return result;
}

/* The next page, and what the peer lacks of it. 1; 0: there is none, or the link stops; -1. */
static int next_page(struct peer *peer, unsigned lane, int64_t before, struct page *page, struct qv_error *err)
{
	const struct kme *kme = peer->kme;
	clear_page(page);
	page->visit.pool_key = add_label;
	if (link_is_stopping(peer->link))
		return 0;
	if (kme->store_class->walk(kme->store, peer->kme_id, lane, before, BODY_COMPARE_MAX, &page->end, &page->visit,
				   err) != 0)
		return -1;
	if (page->count == 0)
		return 0;
	return ask(peer, lane, page, err) == 0 ? 1 : -1;
}

/* The number of keys up to the last one that the peer has. */
static size_t held_size(const struct page *page)
{
	size_t size = page->count;
	while (size > 0 && page->lacking[size - 1])
		size--;
	return size;
}

/*
 * The peer may have used a key up for a request that is on its way here: such a key is not free any more after a moment.
 * False: the link stops.
 */
static bool let_arrive(struct link *link)
{
	int64_t end = qv_clock_now(&qv_clock_monotonic) + ARRIVAL_NS;
	struct timespec until = { .tv_sec = end / QV_NS_PER_SECOND, .tv_nsec = end % QV_NS_PER_SECOND };
	pthread_mutex_lock(&link->lock);
	while (!link->stopping && qv_clock_now(&qv_clock_monotonic) < end)
		pthread_cond_clockwait(&link->changed, &link->lock, CLOCK_MONOTONIC, &until);
	bool stopping = link->stopping;
	pthread_mutex_unlock(&link->lock);
	return !stopping;
}

/* Of the first `size` keys, those that the peer lacks; the others leave the page. */
static void keep_lacking(struct page *page, size_t size)
{
	size_t count = 0;
	for (size_t i = 0; i < page->count; i++) {
		if (i < size && page->lacking[i])
			page->labels[count++] = page->labels[i];
		else
			free(page->labels[i]);
	}
	page->count = count;
}

/* Keys that are free still, into an empty page. */
static int find_free(const struct peer *peer, unsigned lane, const struct page *asked, struct page *page,
		     struct qv_error *err)
{
	const struct kme *kme = peer->kme;
	page->visit.pool_key = add_label;
	return kme->store_class->find(kme->store, peer->kme_id, lane, (const char *const *)asked->labels, asked->count,
				      &page->visit, err);
}

/*
 * That the peer lacked a key may have been the work of a request that has been undone since, and put it back. So the peer
 * is asked once more about what is free here then: a key is discarded if it was free here before both questions.
 */
static int64_t discard_confirmed(struct peer *peer, unsigned lane, const struct page *asked, struct page *page,
				 struct qv_error *err)
{
	if (find_free(peer, lane, asked, page, err) != 0)
		return -1;
	if (page->count == 0)
		return 0;
	if (ask(peer, lane, page, err) != 0)
		return -1;
	keep_lacking(page, page->count);
	if (page->count == 0 || link_is_stopping(peer->link))
		return 0;
	return peer->kme->store_class->discard(peer->kme->store, peer->kme_id, lane, (const char *const *)page->labels,
					       page->count, err);
}

/* Discards what the peer lacks of the first `size` keys, and goes on lacking. The page is used up. */
static int64_t discard(struct peer *peer, unsigned lane, struct page *page, size_t size, struct qv_error *err)
{
	keep_lacking(page, size);
	if (page->count == 0 || !let_arrive(peer->link))
		return 0;
	struct page *again = calloc(1, sizeof *again);
	if (!again)
		return qv_fail(err, QV_E_NOMEM, "no memory for labels");
	int64_t gone = discard_confirmed(peer, lane, page, again, err);
	clear_page(again);
	free(again);
	return gone;
}

/* Where the page ends that holds the last key that the peer has; 0: there is none, or it lacks none before. */
static int find_last_held(struct peer *peer, unsigned lane, int64_t before, struct page *page, int64_t *last,
			  struct qv_error *err)
{
	bool lacks = false;
	int got;
	*last = 0;
	page->end = 0;
	while ((got = next_page(peer, lane, before, page, err)) == 1) {
		size_t held = held_size(page);
		for (size_t i = 0; i < page->count; i++) {
			lacks = lacks || page->lacking[i];
			if (i + 1 == held && lacks)
				*last = page->end;
		}
	}
	return got;
}

/*
 * What the peer lacks is discarded only where it has a later key: that it has no later one may also mean that its pool is
 * full, or that it lags behind.
 */
static int64_t compare_lane(struct peer *peer, unsigned lane, struct page *page, struct qv_error *err)
{
	int64_t before = wall_clock() - peer->kme->limits.lag, last, gone = 0;
	int got = find_last_held(peer, lane, before, page, &last, err);
	if (got != 0 || last == 0)
		return got;
	page->end = 0;
	while ((got = next_page(peer, lane, before, page, err)) == 1) {
		bool is_last = page->end >= last;
		int64_t discarded = discard(peer, lane, page, is_last ? held_size(page) : page->count, err);
		if (discarded < 0)
			return -1;
		gone += discarded;
		if (is_last)
			break;
	}
	return got < 0 ? -1 : gone;
}

static int64_t compare_pools(struct peer *peer, struct qv_error *err)
{
	int64_t gone = 0;
	if (!peer->kme->store_class->walk)
		return 0;
	struct page *page = calloc(1, sizeof *page);
	if (!page)
		return qv_fail(err, QV_E_NOMEM, "no memory for labels");
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES && gone >= 0; lane++) {
		int64_t discarded = compare_lane(peer, lane, page, err);
		gone = discarded < 0 ? -1 : gone + discarded;
	}
	clear_page(page);
	free(page);
	return gone;
}

void compare_later(struct peer *peer)
{
	struct link *link = peer->link;
	pthread_mutex_lock(&link->lock);
	link->differs = true;
	pthread_cond_broadcast(&link->changed);
	pthread_mutex_unlock(&link->lock);
}

/* When the thread works again, by the monotonic clock. */
struct schedule {
	int64_t due;  /* in any case */
	int64_t rest; /* not before, though the pools differ */
};

/* Waits until there is something to do; false when the link stops. */
static bool await(struct link *link, const struct schedule *schedule)
{
	pthread_mutex_lock(&link->lock);
	for (;;) {
		int64_t wake = link->differs && schedule->rest < schedule->due ? schedule->rest : schedule->due;
		struct timespec until = { .tv_sec = wake / QV_NS_PER_SECOND, .tv_nsec = wake % QV_NS_PER_SECOND };
		if (link->stopping || qv_clock_now(&qv_clock_monotonic) >= wake)
			break;
		pthread_cond_clockwait(&link->changed, &link->lock, CLOCK_MONOTONIC, &until);
	}
	bool stopping = link->stopping;
	link->differs = false;
	pthread_mutex_unlock(&link->lock);
	return !stopping;
}

static int64_t try_compare(struct link *link, int64_t *lag, struct qv_error *err)
{
	struct kme *kme = kme_hold(link->site);
	struct peer *peer = kme_peer(kme, link->kme_id);
	int64_t gone = peer ? compare_pools(peer, err) : qv_fail(err, QV_E_GONE, "the peer is not configured");
	*lag = kme->limits.lag;
	kme_release(kme);
	return gone;
}

static void *compare_all(void *argument)
{
	struct link *link = argument;
	struct schedule schedule = { .due = 0 };
	bool first = true;
	while (await(link, &schedule)) {
		struct qv_error err = QV_ERROR_INIT;
		int64_t lag, gone = try_compare(link, &lag, &err), now = qv_clock_now(&qv_clock_monotonic);
		schedule.rest = now + lag;
		schedule.due = gone < 0 ? now + RETRY_NS : first ? now + 2 * lag : now + PERIOD_NS;
		first = first && gone < 0;
		if (gone < 0)
			qv_log_debug(link->log, "the pools are not compared: %s", err.message);
		else
			qv_log_debug(link->log, "the pools are compared");
		if (gone > 0)
			qv_log_warning(
				link->log,
				"%lld link keys are discarded, which the peer does not have, though it has later ones",
				(long long)gone);
	}
	return NULL;
}

int compare_start(struct link *link, struct qv_error *err)
{
	int failed = pthread_create(&link->comparer, NULL, compare_all, link);
	link->comparer_runs = !failed;
	return failed ? qv_fail_errno(err, QV_E_NOMEM, failed, "starting a thread") : 0;
}

void compare_stop(struct link *link)
{
	if (link->comparer_runs)
		pthread_join(link->comparer, NULL);
	link->comparer_runs = false;
}
