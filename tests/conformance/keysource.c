/* SPDX-License-Identifier: Apache-2.0 */
/* Kind keysource. Taking keys needs the peer's SAE ID, claiming them needs the peer's own options. */
#include "conformance.h"

#include <qvisio/keysource.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define KEYS    3 /* that each thread takes */

static struct qv_keysource *open_source(struct check *check, const struct check_settings *settings)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options_of(check, settings, NULL);
	struct qv_keysource *source = qv_keysource_class(check->class)->open(&check->host, options, &err);
	qv_options_free(options);
	if (!source)
		check_not_opened(check, &err);
	return source;
}

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_keysource_class *class = qv_keysource_class(check->class);
	struct qv_keysource *sources[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		sources[i] = class->open(&check->host, options, err);
		result = sources[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		class->close(sources[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_keysource_class(class)->close(NULL);
}

static const char *peer_of(struct check *check)
{
	if (!check->request->peer_id)
		check_skip(check, "it needs --peer SAE_ID");
	return check->request->peer_id;
}

static void check_id(struct check *check, const char *what, const char *id, size_t max)
{
	size_t length = strnlen(id, max + 1);
	REQUIRE(check, length > 0 && length <= max, "the %s is empty or longer than %zu bytes", what, max);
	for (size_t i = 0; i < length; i++)
		REQUIRE(check, id[i] > ' ' && id[i] != 0x7f, "the %s \"%s\" has blanks or control characters", what,
			id);
}

static void check_key(struct check *check, const struct qv_key *key, size_t size)
{
	check_id(check, "key_ID", key->id, QV_KEY_ID_MAX);
	for (const char *c = key->id; *c; c++)
		REQUIRE(check, (unsigned char)*c < 0x80, "the key_ID is not ASCII");
	REQUIRE(check, key->secret, "the key has no secret");
	REQUIRE(check, size == 0 || qv_secret_size(key->secret) == size, "a key of %zu bytes was asked for, %zu came",
		size, qv_secret_size(key->secret));
	size_t ones = 0;
	for (size_t i = 0; i < qv_secret_size(key->secret); i++)
		ones += qv_secret_bytes(key->secret)[i] != 0;
	REQUIRE(check, ones, "the key is empty or all zero");
}

static void take(struct check *check, struct qv_keysource *source, struct qv_key *key, unsigned bits)
{
	struct qv_error err = QV_ERROR_INIT;
	*key = (struct qv_key){ .secret = NULL };
	if (qv_keysource_class(check->class)->take(source, peer_of(check), bits, key, &err) == 0) {
		check_key(check, key, bits / 8);
		return;
	}
	check_error_filled(check, "take", &err);
	if (err.code == QV_E_NO_KEY)
		check_skip(check, "the source ran out of keys: %s", err.message);
	check_fail(check, "take: %s", err.message);
}

static void check_distinct(struct check *check, const struct qv_key *a, const struct qv_key *b)
{
	REQUIRE(check, strcmp(a->id, b->id) != 0, "two keys have the key_ID \"%s\"", a->id);
	REQUIRE(check, !qv_secret_equal(a->secret, b->secret), "the keys \"%s\" and \"%s\" are the same", a->id, b->id);
}

static void names_itself(struct check *check)
{
	const struct qv_keysource_class *class = qv_keysource_class(check->class);
	struct qv_error err = QV_ERROR_INIT;
	char id[QV_SAE_ID_MAX + 1] = "";
	const char *peer = peer_of(check);
	struct qv_keysource *source = open_source(check, &check->request->own);
	int result = class->self(source, peer, id, &err);
	if (result != 0)
		check_error_filled(check, "self", &err);
	REQUIRE(check, result == 0, "self: %s", err.message);
	check_id(check, "own SAE ID", id, QV_SAE_ID_MAX);
	REQUIRE(check, strcmp(id, peer) != 0, "its own SAE ID is the peer's, %s", id);
	class->close(source);
}

static void tells_status(struct check *check)
{
	const struct qv_keysource_class *class = qv_keysource_class(check->class);
	struct qv_error err = QV_ERROR_INIT;
	struct qv_keysource_status status;
	memset(&status, 0x5a, sizeof status);
	const char *peer = peer_of(check);
	struct qv_keysource *source = open_source(check, &check->request->own);
	REQUIRE(check, class->status(source, peer, &status, &err) == 0, "status: %s", err.message);
	const char *const ids[] = { status.source_kme_id, status.target_kme_id, status.master_sae_id,
				    status.slave_sae_id };
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		REQUIRE(check, memchr(ids[i], 0, QV_SAE_ID_MAX + 1), "ID %zu of the status does not end", i);
	const int64_t numbers[] = { status.key_size,        status.stored_key_count,
				    status.max_key_count,   status.max_key_per_request,
				    status.max_key_size,    status.min_key_size,
				    status.max_sae_id_count };
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		REQUIRE(check, numbers[i] >= -1 && numbers[i] < INT64_C(0x5a5a5a5a5a5a5a5a),
			"number %zu of the status was not set, or is %lld", i, (long long)numbers[i]);
	class->close(source);
}

static void takes_distinct_keys(struct check *check)
{
	peer_of(check);
	struct qv_keysource *source = open_source(check, &check->request->own);
	struct qv_key a, b;
	take(check, source, &a, 0);
	take(check, source, &b, 0);
	check_distinct(check, &a, &b);
	qv_key_clear(&a);
	take(check, source, &a, 256);
	check_distinct(check, &a, &b);
	qv_key_clear(&a);
	qv_key_clear(&b);
	qv_keysource_class(check->class)->close(source);
}

static void refuses_odd_sizes(struct check *check)
{
	static const unsigned bad[] = { 1, 7, 255, 0x7ffffff8, ~0u };
	const struct qv_keysource_class *class = qv_keysource_class(check->class);
	const char *peer = peer_of(check);
	struct qv_keysource *source = open_source(check, &check->request->own);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		struct qv_key key = { .secret = NULL };
		REQUIRE(check, class->take(source, peer, bad[i], &key, &err) != 0, "a key of %u bits was handed out",
			bad[i]);
		check_error_filled(check, "take", &err);
		REQUIRE(check, !key.secret, "take failed and filled the key");
	}
	class->close(source);
}

static struct qv_keysource *open_peer(struct check *check)
{
	if (!check_has_settings(&check->request->peer))
		check_skip(check, "it needs --peer-config FILE with the options of the peer's side");
	return open_source(check, &check->request->peer);
}

static void own_id(struct check *check, struct qv_keysource *source, char *id)
{
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(check, qv_keysource_class(check->class)->self(source, peer_of(check), id, &err) == 0, "self: %s",
		err.message);
}

static void expect_not_found(struct check *check, struct qv_keysource *source, const char *master, const char *id)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key key = { .secret = NULL };
	REQUIRE(check, qv_keysource_class(check->class)->claim(source, master, id, &key, &err) != 0,
		"the key \"%.140s\" was claimed, which must not be possible", id);
	check_error_filled(check, "claim", &err);
	REQUIRE(check, !key.secret, "claim failed and filled the key");
}

static void peers_agree(struct check *check)
{
	const struct qv_keysource_class *class = qv_keysource_class(check->class);
	char master[QV_SAE_ID_MAX + 1];
	peer_of(check);
	struct qv_keysource *peer = open_peer(check), *source = open_source(check, &check->request->own);
	own_id(check, source, master);
	for (int i = 0; i < 3; i++) {
		struct qv_key taken, claimed = { .secret = NULL };
		struct qv_error err = QV_ERROR_INIT;
		take(check, source, &taken, 0);
		REQUIRE(check, class->claim(peer, master, taken.id, &claimed, &err) == 0, "claim: %s", err.message);
		REQUIRE(check, strcmp(taken.id, claimed.id) == 0, "the key_ID claimed is not the one asked for");
		REQUIRE(check, qv_secret_equal(taken.secret, claimed.secret), "the peers have different keys");
		expect_not_found(check, peer, master, taken.id);
		qv_key_clear(&taken);
		qv_key_clear(&claimed);
	}
	class->close(peer);
	class->close(source);
}

static void refuses_foreign_ids(struct check *check)
{
	static const char *const ids[] = {
		"",
		" ",
		"no-such-key",
		"00000000-0000-4000-8000-000000000000",
		"../../etc/passwd",
		"%00",
		"a\nb",
		"\xff\xfe",
		"{\"key_ID\":\"x\"}",
		"' OR 1=1 --",
	};
	char master[QV_SAE_ID_MAX + 1], longest[4096];
	peer_of(check);
	struct qv_keysource *peer = open_peer(check), *source = open_source(check, &check->request->own);
	own_id(check, source, master);
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		expect_not_found(check, peer, master, ids[i]);
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = 0;
	expect_not_found(check, peer, master, longest);
	expect_not_found(check, peer, longest, "no-such-key");
	qv_keysource_class(check->class)->close(peer);
	qv_keysource_class(check->class)->close(source);
}

struct taker {
	pthread_t thread;
	struct check *check;
	struct qv_keysource *source;
	struct qv_key keys[KEYS];
};

static void *take_some(void *argument)
{
	struct taker *taker = argument;
	for (int i = 0; i < KEYS; i++)
		take(taker->check, taker->source, &taker->keys[i], 0);
	return NULL;
}

static void threads_share_it(struct check *check)
{
	struct taker takers[THREADS];
	peer_of(check);
	struct qv_keysource *source = open_source(check, &check->request->own);
	for (int i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){ .check = check, .source = source };
		REQUIRE(check, pthread_create(&takers[i].thread, NULL, take_some, &takers[i]) == 0, "no thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(takers[i].thread, NULL);
	for (int i = 0; i < THREADS * KEYS; i++)
		for (int j = 0; j < i; j++)
			check_distinct(check, &takers[i / KEYS].keys[i % KEYS], &takers[j / KEYS].keys[j % KEYS]);
	for (int i = 0; i < THREADS * KEYS; i++)
		qv_key_clear(&takers[i / KEYS].keys[i % KEYS]);
	qv_keysource_class(check->class)->close(source);
}

static void cancel_is_heard(struct check *check)
{
	const struct qv_keysource_class *class = qv_keysource_class(check->class);
	const char *peer = peer_of(check);
	struct qv_keysource *source = open_source(check, &check->request->own);
	struct qv_key key = { .secret = NULL };
	struct qv_error err = QV_ERROR_INIT;
	check_cancel(check);
	/* A source that need not wait may still answer. */
	if (class->take(source, peer, 0, &key, &err) != 0)
		REQUIRE(check, err.code == QV_E_CANCELLED || err.code == QV_E_NO_KEY, "take was cancelled and says: %s",
			err.message);
	qv_key_clear(&key);
	class->close(source);
}

static const struct check_case cases[] = {
	{ "it knows its own SAE ID", names_itself },
	{ "it tells its status", tells_status },
	{ "keys taken are distinct and of the size asked for", takes_distinct_keys },
	{ "sizes that are no multiple of 8, or too large, are refused", refuses_odd_sizes },
	{ "the peer claims the same key, once", peers_agree },
	{ "claims of unknown and malformed key_IDs are refused", refuses_foreign_ids },
	{ "threads can share an instance", threads_share_it },
	{ "a cancelled call ends", cancel_is_heard },
	{ NULL, NULL },
};

const struct check_suite check_keysource = { "keysource", open_close, close_null, cases, NULL };
