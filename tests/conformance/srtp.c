/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <qvisio/srtp.h>

#include <string.h>

#define GENERATION 7
#define RTP_SIZE   20
#define RTCP_SIZE  8

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_srtp_class *class = qv_srtp_class(check->class);
	struct qv_srtp *opened[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		opened[i] = class->open(&check->host, options, err);
		result = opened[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		class->close(opened[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_srtp_class(class)->close(NULL);
}

struct pair {
	const struct qv_srtp_class *class;
	struct qv_options *options;
	struct qv_srtp *sender, *receiver;
};

struct datagram {
	_Alignas(4) uint8_t bytes[64];
	size_t size;
};

static void open_pair(struct check *check, struct pair *pair)
{
	struct qv_error err = QV_ERROR_INIT;
	*pair = (struct pair){ .class = qv_srtp_class(check->class), .options = check_options(check, NULL) };
	pair->sender = pair->class->open(&check->host, pair->options, &err);
	pair->receiver = pair->sender ? pair->class->open(&check->host, pair->options, &err) : NULL;
	if (!pair->receiver)
		check_not_opened(check, &err);
	struct qv_secret *there = qv_secret_random(QV_SRTP_MASTER, &err);
	struct qv_secret *back = qv_secret_random(QV_SRTP_MASTER, &err);
	REQUIRE(check, there && back, "no secrets: %s", err.message);
	REQUIRE(check,
		pair->class->add_keys(pair->sender, GENERATION, there, back, &err) == 0 &&
			pair->class->add_keys(pair->receiver, GENERATION, back, there, &err) == 0 &&
			pair->class->use_keys(pair->sender, GENERATION, &err) == 0,
		"keys are refused: %s", err.message);
	qv_secret_free(there);
	qv_secret_free(back);
}

static void close_pair(struct pair *pair)
{
	pair->class->close(pair->sender);
	pair->class->close(pair->receiver);
	qv_options_free(pair->options);
}

static struct datagram plain(bool control, uint8_t sequence)
{
	struct datagram made = { .size = control ? RTCP_SIZE : RTP_SIZE };
	memcpy(made.bytes, control ? "\x80\xc9\0\1ssrc" : "\x80\x60\0\0timessrcpayload!", made.size);
	if (!control)
		made.bytes[3] = sequence;
	return made;
}

static struct datagram sealed(struct check *check, struct pair *pair, bool control, uint8_t sequence)
{
	struct datagram made = plain(control, sequence);
	struct qv_error err = QV_ERROR_INIT;
	int done = control ? pair->class->protect_rtcp(pair->sender, made.bytes, &made.size, &err)
			   : pair->class->protect(pair->sender, made.bytes, &made.size, &err);
	REQUIRE(check, done == 0, "a packet is not protected: %s", err.message);
	REQUIRE(check, made.size <= (control ? RTCP_SIZE : RTP_SIZE) + QV_SRTP_OVERHEAD, "protection adds %zu bytes",
		made.size);
	return made;
}

static int opened(struct pair *pair, bool control, struct datagram *datagram, struct qv_error *err)
{
	uint32_t generation = 0;
	int done = control ? pair->class->unprotect_rtcp(pair->receiver, datagram->bytes, &datagram->size, &generation,
							 err)
			   : pair->class->unprotect(pair->receiver, datagram->bytes, &datagram->size, &generation, err);
	return done == 1 && generation != GENERATION ? 2 : done;
}

static void come_back(struct check *check)
{
	struct pair pair;
	open_pair(check, &pair);
	for (uint8_t i = 0; i < 100; i++) {
		bool control = i % 2;
		struct qv_error err = QV_ERROR_INIT;
		struct datagram expected = plain(control, i), sent = sealed(check, &pair, control, i), copy = sent;
		REQUIRE(check, !memmem(sent.bytes, sent.size, "payload!", 8), "the payload goes in clear");
		REQUIRE(check, opened(&pair, control, &sent, &err) == 1, "a packet is refused: %s", err.message);
		REQUIRE(check, sent.size == expected.size && memcmp(sent.bytes, expected.bytes, sent.size) == 0,
			"a packet came back as another");
		REQUIRE(check, opened(&pair, control, &copy, &err) == 0, "a packet is taken twice");
	}
	close_pair(&pair);
}

static void altered(struct check *check)
{
	struct pair pair;
	open_pair(check, &pair);
	for (int control = 0; control < 2; control++) {
		struct datagram sent = sealed(check, &pair, control, 1);
		for (size_t bit = 0; bit < 8 * sent.size; bit++) {
			struct datagram bad = sent;
			struct qv_error err = QV_ERROR_INIT;
			bad.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			REQUIRE(check, opened(&pair, control, &bad, &err) == -1 && err.message[0],
				"bit %zu of a packet may be altered", bit);
		}
		for (size_t size = 0; size < sent.size; size++) {
			struct datagram cut = sent;
			struct qv_error err = QV_ERROR_INIT;
			cut.size = size;
			REQUIRE(check, opened(&pair, control, &cut, &err) == -1 && err.message[0],
				"a packet cut to %zu bytes is taken", size);
		}
		REQUIRE(check, opened(&pair, control, &sent, NULL) == 1, "a good packet is refused after bad ones");
	}
	close_pair(&pair);
}

static const struct check_case cases[] = {
	{ "packets come back as they were, once", come_back },
	{ "altered and cut packets are refused", altered },
	{ NULL, NULL },
};

const struct check_suite check_srtp = {
	.kind = "srtp", .open_close = open_close, .close_null = close_null, .cases = cases
};
