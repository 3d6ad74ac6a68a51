/* SPDX-License-Identifier: Apache-2.0 */
/* Kind tls: the module talks to itself, over a socket pair. */
#include "tls_pair.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BULK  ((size_t)1024 * 1024)
#define LABEL "EXPORTER-qvisio-check"

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_tls_class *class = qv_tls_class(check->class);
	struct qv_tls *contexts[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		contexts[i] = class->open(&check->host, options, err);
		result = contexts[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		class->close(contexts[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_tls_class(class)->close(NULL);
	qv_tls_class(class)->free(NULL);
}

static void check_facts(struct tls_end *end, const struct qv_tls_psk *psk, bool group)
{
	struct qv_tls_facts facts;
	memset(&facts, 0x5a, sizeof facts);
	end->class->facts(end->session, &facts);
	REQUIRE(end->check, strcmp(facts.protocol, "TLSv1.3") == 0, "the protocol is \"%.15s\"", facts.protocol);
	REQUIRE(end->check, facts.backend[0] && memchr(facts.backend, 0, sizeof facts.backend), "no backend is named");
	REQUIRE(end->check, strncmp(facts.cipher, "TLS_", 4) == 0 && memchr(facts.cipher, 0, sizeof facts.cipher),
		"\"%.47s\" is no IANA name of a cipher suite", facts.cipher);
	REQUIRE(end->check, memchr(facts.group, 0, sizeof facts.group) && !!facts.group[0] == group,
		"the group is \"%.31s\", and a key exchange took %s", facts.group, group ? "part" : "no part");
	REQUIRE(end->check, facts.psk, "it does not say that a PSK keyed the session");
	REQUIRE(end->check,
		facts.identity_size == psk->identity_size &&
			memcmp(facts.identity, psk->identity, psk->identity_size) == 0,
		"it names another PSK identity");
	REQUIRE(end->check, !facts.peer_subject[0] && !facts.peer_verified && !facts.self_certificate,
		"it speaks of certificates in a session without any");
}

static void check_exporters(struct tls_pair *pair)
{
	struct check *check = pair->client.check;
	struct qv_secret *out[4];
	const struct tls_end *ends[4] = { &pair->client, &pair->server, &pair->client, &pair->client };
	const char *labels[4] = { LABEL, LABEL, LABEL "-other", LABEL };
	for (int i = 0; i < 4; i++) {
		struct qv_error err = QV_ERROR_INIT;
		out[i] = qv_secret_new(i == 3 ? 64 : 32, &err);
		REQUIRE(check, out[i], "%s", err.message);
		REQUIRE(check, ends[i]->class->export_key(ends[i]->session, labels[i], out[i], &err) == 0,
			"export_key: %s", err.message);
	}
	static const uint8_t zeros[32];
	REQUIRE(check, qv_secret_equal(out[0], out[1]), "the ends export different keys");
	REQUIRE(check, !qv_secret_equal(out[0], out[2]), "two labels export the same key");
	REQUIRE(check, memcmp(qv_secret_bytes(out[0]), zeros, 32) != 0, "the exported key is zero");
	REQUIRE(check, memcmp(qv_secret_bytes(out[0]), qv_secret_bytes(out[3]), 32) != 0,
		"the exported key does not depend on its length");
	for (int i = 0; i < 4; i++)
		qv_secret_free(out[i]);
}

static void handshake_with_key(struct check *check, const char *const *changes, bool group)
{
	struct tls_pair pair;
	tls_pair_open(check, &pair, changes, changes);
	tls_pair_share_key(check, &pair);
	tls_pair_handshake(check, &pair);
	tls_pair_require(check, &pair);
	check_facts(&pair.client, &pair.client_psk, group);
	check_facts(&pair.server, &pair.client_psk, group);
	check_exporters(&pair);
	tls_pair_close(&pair);
}

static const char *const dhe[] = { "kex=psk_dhe_ke", NULL };
static const char *const pure[] = { "kex=psk_ke", NULL };
static const char *const hasty[] = { "handshake_timeout=100", NULL };

static void keyed_with_dhe(struct check *check)
{
	handshake_with_key(check, dhe, true);
}

static void keyed_alone(struct check *check)
{
	handshake_with_key(check, pure, false);
}

struct sending {
	struct tls_end *end;
	const uint8_t *bytes;
};

static void *send_bulk(void *argument)
{
	struct sending *sending = argument;
	tls_end_write(sending->end, sending->bytes, BULK);
	return NULL;
}

static void transfer(struct check *check, struct tls_end *from, struct tls_end *to)
{
	uint8_t *sent = malloc(BULK), *got = calloc(1, BULK);
	REQUIRE(check, sent && got, "no memory");
	for (size_t i = 0; i < BULK; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	struct sending sending = { from, sent };
	REQUIRE(check, pthread_create(&from->thread, NULL, send_bulk, &sending) == 0, "no thread");
	REQUIRE(check, tls_end_read(to, got, BULK) == 0, "read: %s", to->err.message);
	pthread_join(from->thread, NULL);
	REQUIRE(check, memcmp(sent, got, BULK) == 0, "the bytes read are not those written");
	free(sent);
	free(got);
}

static void carries_data(struct check *check)
{
	struct tls_pair pair;
	tls_pair_open(check, &pair, NULL, NULL);
	tls_pair_share_key(check, &pair);
	tls_pair_handshake(check, &pair);
	tls_pair_require(check, &pair);
	transfer(check, &pair.client, &pair.server);
	transfer(check, &pair.server, &pair.client);
	tls_pair_close(&pair);
}

static void several_sessions(struct check *check)
{
	struct tls_pair pair;
	tls_pair_open(check, &pair, NULL, NULL);
	for (int i = 0; i < 3; i++) {
		tls_pair_share_key(check, &pair);
		tls_pair_handshake(check, &pair);
		tls_pair_require(check, &pair);
		check_facts(&pair.server, &pair.client_psk, true);
	}
	tls_pair_close(&pair);
}

static void wrong_key(struct check *check)
{
	struct tls_pair pair;
	tls_pair_open(check, &pair, NULL, NULL);
	tls_pair_share_key(check, &pair);
	qv_secret_edit(pair.server_psk.key)[0] ^= 1;
	tls_pair_handshake(check, &pair);
	REQUIRE(check, !pair.client.session && !pair.server.session, "a session came about with different keys");
	tls_pair_close(&pair);
}

static void unknown_identity(struct check *check)
{
	struct tls_pair pair;
	tls_pair_open(check, &pair, NULL, NULL);
	tls_pair_share_key(check, &pair);
	pair.server_knows = false;
	tls_pair_handshake(check, &pair);
	REQUIRE(check, !pair.client.session && !pair.server.session,
		"a session came about with a key that is not known");
	REQUIRE(check, pair.looked_up > 0, "the server never asked for the key");
	tls_pair_close(&pair);
}

static void no_key(struct check *check)
{
	struct tls_pair pair;
	tls_pair_open(check, &pair, NULL, NULL);
	tls_pair_handshake(check, &pair);
	REQUIRE(check, !pair.client.session, "a client that requires QKD connected without a key");
	tls_pair_close(&pair);
}

static void end_and_truncation(struct check *check)
{
	struct tls_pair pair;
	uint8_t byte;
	tls_pair_open(check, &pair, NULL, NULL);
	for (int round = 0; round < 4; round++) {
		struct tls_end *leaves = round % 2 ? &pair.server : &pair.client;
		struct tls_end *stays = round % 2 ? &pair.client : &pair.server;
		bool regular = round < 2;
		tls_pair_share_key(check, &pair);
		tls_pair_handshake(check, &pair);
		tls_pair_require(check, &pair);
		tls_end_write(leaves, (const uint8_t *)"x", 1);
		if (regular)
			tls_end_shutdown(leaves);
		tls_end_drop(leaves);
		REQUIRE(check, tls_end_read(stays, &byte, 1) == 0 && byte == 'x', "the last byte got lost: %s",
			stays->err.message);
		REQUIRE(check, tls_end_read(stays, &byte, 1) != 0, "bytes came after the end");
		check_error_filled(check, "read", &stays->err);
		REQUIRE(check, stays->err.code == (regular ? QV_E_END : QV_E_TRUNCATED), "after %s read says %s: %s",
			regular ? "close_notify" : "an end without close_notify", qv_code_name(stays->err.code),
			stays->err.message);
	}
	tls_pair_close(&pair);
}

/* A socket pair of which the module has one end. */
static int lone_end(struct check *check, struct tls_end *end)
{
	int fds[2];
	REQUIRE(check, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "no socket pair");
	end->fd = fds[0];
	return fds[1];
}

static void expect_code(struct tls_end *end, enum qv_code code, const char *when)
{
	REQUIRE(end->check, !end->session, "a session came about %s", when);
	REQUIRE(end->check, end->err.code == code, "%s the handshake says %s: %s", when, qv_code_name(end->err.code),
		end->err.message);
	tls_end_drop(end);
}

static void silent_peer(struct check *check)
{
	struct tls_pair pair;
	tls_pair_open(check, &pair, hasty, hasty);
	tls_pair_share_key(check, &pair);
	int other = lone_end(check, &pair.client);
	tls_end_connect(&pair.client, &pair.client_psk);
	expect_code(&pair.client, QV_E_TIMEOUT, "with a silent server");
	close(other);
	other = lone_end(check, &pair.server);
	tls_end_accept(&pair);
	expect_code(&pair.server, QV_E_TIMEOUT, "with a silent client");
	close(other);
	tls_pair_close(&pair);
}

static void cancelled(struct check *check)
{
	struct tls_pair pair;
	tls_pair_open(check, &pair, NULL, NULL);
	tls_pair_share_key(check, &pair);
	check_cancel(check);
	int other = lone_end(check, &pair.client);
	tls_end_connect(&pair.client, &pair.client_psk);
	expect_code(&pair.client, QV_E_CANCELLED, "when cancelled");
	close(other);
	other = lone_end(check, &pair.server);
	tls_end_accept(&pair);
	expect_code(&pair.server, QV_E_CANCELLED, "when cancelled");
	close(other);
	tls_pair_close(&pair);
}

static void garbage(struct check *check)
{
	static const char *const texts[] = { "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\xff\xff",
					     "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
					     "\x15\x03\x03\x00\x02\x02\x28" };
	static const size_t sizes[] = { 35, 5, 10, 7 };
	struct tls_pair pair;
	tls_pair_open(check, &pair, NULL, NULL);
	tls_pair_share_key(check, &pair);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		for (int server = 0; server < 2; server++) {
			struct tls_end *end = server ? &pair.server : &pair.client;
			int other = lone_end(check, end);
			REQUIRE(check, write(other, texts[i], sizes[i]) == (ssize_t)sizes[i], "the socket is full");
			shutdown(other, SHUT_WR);
			if (server)
				tls_end_accept(&pair);
			else
				tls_end_connect(end, &pair.client_psk);
			REQUIRE(check, !end->session, "a session came about with garbage");
			tls_end_drop(end);
			close(other);
		}
	tls_pair_close(&pair);
}

static const struct check_case cases[] = {
	{ "psk_dhe_ke: keyed by the PSK; facts and exporter agree", keyed_with_dhe },
	{ "psk_ke: keyed by the PSK alone; facts and exporter agree", keyed_alone },
	{ "a megabyte passes each way", carries_data },
	{ "one context serves several sessions", several_sessions },
	{ "different keys make no session", wrong_key },
	{ "an identity that the server does not know makes no session", unknown_identity },
	{ "require refuses a client without QKD", check_tls_classic_client },
	{ "require refuses a server without QKD", check_tls_classic_server },
	{ "require does not connect without a key", no_key },
	{ "close_notify is the end, anything else a truncation", end_and_truncation },
	{ "a silent peer runs into the timeout", silent_peer },
	{ "a cancelled handshake ends", cancelled },
	{ "garbage makes no session", garbage },
	{ NULL, NULL },
};

const struct check_suite check_tls = { "tls", open_close, close_null, cases, "qkd=prefer" };
