/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "destination.h"
#include "origin.h"

#define ENDED_MAX 4096 /* sessions that have ended, so that what comes late does not begin them anew */
#define OVERHEAD  4096 /* bytes of a session beside its shares, roughly */

struct sessions {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct session *first;
	size_t count;
	struct session *ended[ENDED_MAX]; /* held; small: without what they held */
	size_t ended_count, ended_next;
	session_due *due;
	void *context;
	pthread_t thread;
	bool runs, stopping;
};

bool session_parse(const char *text, uint8_t id[QV_RELAY_SESSION_SIZE])
{
	size_t size;
	const char *end;
	size_t length = strlen(text);
	return length == 2 * QV_RELAY_SESSION_SIZE &&
	       sodium_hex2bin(id, QV_RELAY_SESSION_SIZE, text, length, NULL, &size, &end) == 0 &&
	       size == QV_RELAY_SESSION_SIZE && *end == '\0';
}

static void free_session(struct session *session)
{
	if (session->node)
		session->plan->class->end(session->node);
	collector_free(session->collector);
	origin_free(session->origin);
	plan_release(session->plan);
	pthread_mutex_destroy(&session->lock);
	free(session->owner);
	free(session);
}

void session_release(struct session *session)
{
	if (session && atomic_fetch_sub(&session->references, 1) == 1)
		free_session(session);
}

/* Called with the lock. */
static struct session *find(struct sessions *sessions, const uint8_t *id)
{
	struct session *session = sessions->first;
	while (session && memcmp(session->id, id, sizeof session->id) != 0)
		session = session->next;
	return session;
}

static struct session *find_ended(const struct sessions *sessions, const uint8_t *id)
{
	for (size_t i = 0; i < sessions->ended_count; i++)
		if (memcmp(sessions->ended[i]->id, id, QV_RELAY_SESSION_SIZE) == 0)
			return sessions->ended[i];
	return NULL;
}

/* Called with the lock. */
static int check_room(const struct sessions *sessions, const struct session_setup *setup, size_t bytes,
		      struct qv_error *err)
{
	const struct network_limits *limits = network_limits(setup->plan->network);
	size_t count = 0, memory = 0, owned = 0, owned_memory = 0, parts = setup->owners ? setup->owners : 1;
	if (!setup->owner)
		return 0;
	for (const struct session *at = sessions->first; at; at = at->next) {
		if (!at->owner)
			continue;
		bool own = strcmp(at->owner, setup->owner) == 0;
		count++;
		memory += at->bytes;
		owned += own;
		owned_memory += own ? at->bytes : 0;
	}
	size_t quota = limits->sessions / parts, memory_quota = limits->memory / parts;
	if (owned >= (quota ? quota : 1) || owned_memory + bytes > memory_quota)
		return qv_fail(err, QV_E_BUSY, "KME \"%s\" has %zu sessions here already, with %zu bytes", setup->owner,
			       owned, owned_memory);
	if (count >= limits->sessions || memory + bytes > limits->memory)
		return qv_fail(err, QV_E_BUSY, "there are %zu sessions here already, with %zu bytes", count, memory);
	return 0;
}

static struct session *make(const struct session_setup *setup, size_t bytes, struct qv_error *err)
{
	struct session *session = calloc(1, sizeof *session);
	if (!session) {
		qv_fail(err, QV_E_NOMEM, "no memory for a session");
		return NULL;
	}
	atomic_init(&session->references, 2); /* the table's and the caller's */
	pthread_mutex_init(&session->lock, NULL);
	memcpy(session->id, setup->id, sizeof session->id);
	sodium_bin2hex(session->text, sizeof session->text, setup->id, sizeof session->id);
	session->size = setup->size;
	session->bytes = bytes;
	session->due = INT64_MAX;
	session->plan = setup->plan;
	atomic_fetch_add(&session->plan->references, 1);
	network_hold(session->plan->network);
	if (setup->owner && !(session->owner = strdup(setup->owner)))
		qv_fail(err, QV_E_NOMEM, "no memory for a session");
	else
		session->node = setup->plan->class->begin(setup->plan->made, setup->plan->self, &session->size, err);
	if (session->node)
		return session;
	free_session(session);
	return NULL;
}

struct session *session_begin(struct sessions *sessions, const struct session_setup *setup, struct qv_error *err)
{
	size_t share = (size_t)setup->size.keys * setup->size.key_bytes;
	size_t bytes = OVERHEAD + setup->plan->facts->slots * share;
	struct session *session = NULL;
	pthread_mutex_lock(&sessions->lock);
	if (find(sessions, setup->id) || find_ended(sessions, setup->id))
		qv_fail(err, QV_E_DENIED, "the session is there already, or has ended");
	else if (check_room(sessions, setup, bytes, err) == 0)
		session = make(setup, bytes, err);
	if (session) {
		session->next = sessions->first;
		sessions->first = session;
		sessions->count++;
	}
	pthread_mutex_unlock(&sessions->lock);
	return session;
}

struct session *session_find(struct sessions *sessions, const uint8_t *id)
{
	pthread_mutex_lock(&sessions->lock);
	struct session *session = find(sessions, id);
	if (session)
		atomic_fetch_add(&session->references, 1);
	pthread_mutex_unlock(&sessions->lock);
	return session;
}

struct session *session_recall(struct sessions *sessions, const uint8_t *id)
{
	pthread_mutex_lock(&sessions->lock);
	struct session *session = find(sessions, id);
	if (!session)
		session = find_ended(sessions, id);
	if (session)
		atomic_fetch_add(&session->references, 1);
	pthread_mutex_unlock(&sessions->lock);
	return session;
}

void session_set_due(struct sessions *sessions, struct session *session, int64_t due)
{
	pthread_mutex_lock(&sessions->lock);
	session->due = due;
	pthread_cond_signal(&sessions->changed);
	pthread_mutex_unlock(&sessions->lock);
}

/* Gives back what it holds; who it is, and whom to tell of trouble, stays known. */
static void shrink(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	session->over = true;
	if (session->node)
		session->plan->class->end(session->node);
	session->node = NULL;
	collector_shrink(session->collector);
	pthread_mutex_unlock(&session->lock);
}

/* Takes the caller's reference over; returns the one that falls out. Called with the lock. */
static struct session *remember(struct sessions *sessions, struct session *session)
{
	struct session *oldest = sessions->ended[sessions->ended_next];
	sessions->ended[sessions->ended_next] = session;
	sessions->ended_next = (sessions->ended_next + 1) % ENDED_MAX;
	sessions->ended_count += sessions->ended_count < ENDED_MAX;
	return oldest;
}

void session_end(struct sessions *sessions, struct session *session)
{
	struct session *oldest = NULL;
	shrink(session);
	pthread_mutex_lock(&sessions->lock);
	struct session **at = &sessions->first;
	while (*at && *at != session)
		at = &(*at)->next;
	if (*at) {
		*at = session->next;
		sessions->count--;
		oldest = remember(sessions, session);
	}
	pthread_mutex_unlock(&sessions->lock);
	session_release(oldest);
}

/* One whose time has come, held, or NULL; then *next is when the next one's comes. Called with the lock. */
static struct session *pick_due(struct sessions *sessions, int64_t now, int64_t *next)
{
	*next = INT64_MAX;
	for (struct session *session = sessions->first; session; session = session->next) {
		if (session->due <= now) {
			session->due = INT64_MAX;
			atomic_fetch_add(&session->references, 1);
			return session;
		}
		if (session->due < *next)
			*next = session->due;
	}
	return NULL;
}

static void wait_until(struct sessions *sessions, int64_t next)
{
	if (next == INT64_MAX) {
		pthread_cond_wait(&sessions->changed, &sessions->lock);
		return;
	}
	struct timespec until = { .tv_sec = next / QV_NS_PER_SECOND, .tv_nsec = next % QV_NS_PER_SECOND };
	pthread_cond_clockwait(&sessions->changed, &sessions->lock, CLOCK_MONOTONIC, &until);
}

static void *watch(void *argument)
{
	struct sessions *sessions = argument;
	pthread_mutex_lock(&sessions->lock);
	while (!sessions->stopping) {
		int64_t next;
		struct session *session = pick_due(sessions, qv_clock_now(&qv_clock_monotonic), &next);
		if (!session) {
			wait_until(sessions, next);
			continue;
		}
		pthread_mutex_unlock(&sessions->lock);
		if (!sessions->due(sessions->context, session))
			session_end(sessions, session);
		session_release(session);
		pthread_mutex_lock(&sessions->lock);
	}
	pthread_mutex_unlock(&sessions->lock);
	return NULL;
}

struct sessions *sessions_new(session_due *due, void *context, struct qv_error *err)
{
	struct sessions *sessions = calloc(1, sizeof *sessions);
	if (!sessions) {
		qv_fail(err, QV_E_NOMEM, "no memory for sessions");
		return NULL;
	}
	pthread_mutex_init(&sessions->lock, NULL);
	pthread_cond_init(&sessions->changed, NULL);
	sessions->due = due;
	sessions->context = context;
	int failed = pthread_create(&sessions->thread, NULL, watch, sessions);
	sessions->runs = !failed;
	if (!failed)
		return sessions;
	qv_fail_errno(err, QV_E_NOMEM, failed, "starting a thread");
	sessions_free(sessions);
	return NULL;
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	pthread_mutex_lock(&sessions->lock);
	sessions->stopping = true;
	pthread_cond_signal(&sessions->changed);
	pthread_mutex_unlock(&sessions->lock);
	if (sessions->runs)
		pthread_join(sessions->thread, NULL);
	while (sessions->first)
		session_end(sessions, sessions->first);
	for (size_t i = 0; i < sessions->ended_count; i++)
		session_release(sessions->ended[i]);
	pthread_cond_destroy(&sessions->changed);
	pthread_mutex_destroy(&sessions->lock);
	free(sessions);
}

void sessions_walk(struct sessions *sessions, void (*each)(void *context, struct session *session), void *context)
{
	pthread_mutex_lock(&sessions->lock);
	struct session **all = calloc(sessions->count + 1, sizeof(struct session *));
	size_t count = 0;
	for (struct session *session = sessions->first; all && session; session = session->next) {
		atomic_fetch_add(&session->references, 1);
		all[count++] = session;
	}
	pthread_mutex_unlock(&sessions->lock);
	for (size_t i = 0; i < count; i++) {
		each(context, all[i]);
		session_release(all[i]);
	}
	free(all);
}

size_t sessions_count(struct sessions *sessions)
{
	pthread_mutex_lock(&sessions->lock);
	size_t count = sessions->count;
	pthread_mutex_unlock(&sessions->lock);
	return count;
}
