/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a datagram up to its authentication: each part of the input, behind two bytes of its length, is a
 * datagram from nobody, an authentic packet, or one that is altered on its way; or keys come and go.
 */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/config.h>
#include <qvisio/srtp.h>

enum act { FORGED, AUTHENTIC, ALTERED, SENT_TWICE, NEW_KEYS, OLD_KEYS, ACTS };

enum { PLAIN_MAX = 1500 };

struct datagram {
	_Alignas(4) uint8_t bytes[PLAIN_MAX + QV_SRTP_OVERHEAD];
	size_t size;
};

struct pair {
	const struct qv_srtp_class *class;
	struct qv_srtp *caller, *answerer;
	uint32_t newest;
};

const char *const fuzz_corpus = "fuzz/modules/corpus/srtp";

static const struct qv_host host = { sizeof host, NULL, &qv_clock_monotonic, -1, NULL };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void add_keys(struct pair *pair)
{
	uint8_t bytes[QV_SRTP_EXPORTED];
	memset(bytes, (int)++pair->newest, sizeof bytes);
	struct qv_secret *exported = qv_secret_copy(bytes, sizeof bytes, NULL);
	struct qv_srtp *const ends[] = { pair->caller, pair->answerer };
	if (pair->newest > 3)
		for (int i = 0; i < 2; i++)
			pair->class->drop_keys(ends[i], pair->newest - 3);
	for (int i = 0; i < 2; i++) {
		struct qv_secret *send, *receive;
		require(qv_srtp_masters(exported, i == 0, &send, &receive, NULL) == 0);
		require(pair->class->add_keys(ends[i], pair->newest, send, receive, NULL) == 0);
		qv_secret_free(send);
		qv_secret_free(receive);
	}
	qv_secret_free(exported);
	require(pair->class->use_keys(pair->caller, pair->newest, NULL) == 0);
}

static int unprotect(const struct pair *pair, bool control, struct datagram *datagram)
{
	struct qv_error err = QV_ERROR_INIT;
	uint32_t generation = 0;
	size_t before = datagram->size;
	int got = (control ? pair->class->unprotect_rtcp : pair->class->unprotect)(pair->answerer, datagram->bytes,
										   &datagram->size, &generation, &err);
	require(got >= 0 || err.message[0]);
	require(datagram->size <= before);
	require(got != 1 || (generation && generation <= pair->newest));
	return got;
}

/* Nothing but chance, one in 2^128, makes it authentic. */
static void forge(const struct pair *pair, bool control, struct datagram datagram, bool named)
{
	if (named && datagram.size >= 4) {
		uint8_t *mki = datagram.bytes + datagram.size - 4;
		memset(mki, 0, 3);
		mki[3] = (uint8_t)pair->newest;
	}
	require(unprotect(pair, control, &datagram) != 1);
}

static void pass(const struct pair *pair, bool control, enum act act, uint8_t where, const struct datagram *plain)
{
	struct datagram sealed = *plain;
	int (*protect)(struct qv_srtp *, uint8_t *, size_t *, struct qv_error *) =
		control ? pair->class->protect_rtcp : pair->class->protect;
	if (protect(pair->caller, sealed.bytes, &sealed.size, NULL) != 0)
		return;
	require(sealed.size > plain->size && sealed.size <= plain->size + QV_SRTP_OVERHEAD);
	struct datagram again = sealed;
	if (act == ALTERED) {
		sealed.bytes[where % sealed.size] ^= 1;
		require(unprotect(pair, control, &sealed) != 1);
	}
	sealed = again;
	int got = unprotect(pair, control, &sealed);
	require(got != 1 || (sealed.size == plain->size && memcmp(sealed.bytes, plain->bytes, plain->size) == 0));
	require(act != SENT_TWICE || unprotect(pair, control, &again) != 1);
}

static void act_on(struct pair *pair, const uint8_t *data, size_t size)
{
	struct datagram datagram = { .size = size - 2 };
	enum act act = (enum act)(data[0] % ACTS);
	bool control = data[0] & 0x80;
	if (datagram.size > PLAIN_MAX)
		datagram.size = PLAIN_MAX;
	memcpy(datagram.bytes, data + 2, datagram.size);
	switch (act) {
	case FORGED:
		forge(pair, control, datagram, data[0] & 0x40);
		break;
	case NEW_KEYS:
		add_keys(pair);
		break;
	case OLD_KEYS:
		if (pair->newest > 1)
			(void)pair->class->use_keys(pair->caller, pair->newest - 1, NULL);
		break;
	default:
		pass(pair, control, act, data[1], &datagram);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const settings[] = { "replay_window=64", NULL };
	struct pair pair = { .class = qv_srtp_class(qv_module.classes[0]) };
	struct qv_options *options =
		qv_options_from_strings(settings, pair.class->head.options, pair.class->head.option_size, "fuzz", NULL);
	pair.caller = pair.class->open(&host, options, NULL);
	pair.answerer = pair.class->open(&host, options, NULL);
	require(pair.caller && pair.answerer);
	add_keys(&pair);
	for (size_t at = 0; at + 4 <= size;) {
		size_t length = (size_t)data[at] << 8 | data[at + 1];
		at += 2;
		length = length > size - at ? size - at : length;
		if (length >= 2)
			act_on(&pair, data + at, length);
		at += length;
	}
	pair.class->close(pair.caller);
	pair.class->close(pair.answerer);
	qv_options_free(options);
	return 0;
}
