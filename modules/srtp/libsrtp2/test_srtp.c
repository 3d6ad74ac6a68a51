/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/loader.h>
#include <qvisio/rtp.h>
#include <qvisio/srtp.h>

#include "reference.h"

struct fixture {
	struct qv_loader *loader;
	const struct qv_srtp_class *class;
	struct qv_options *options;
	struct qv_srtp *caller, *answerer;
	struct qv_secret *exported[4]; /* of each generation */
};

static struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

static int open_pair(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct qv_error err = QV_ERROR_INIT;
	assert_non_null(f);
	f->loader = qv_loader_new(NULL, NULL, &err);
	assert_non_null(f->loader);
	const struct qv_class *class = qv_loader_get(f->loader, "srtp", "libsrtp2", &err);
	if (!class)
		fail_msg("%s", err.message);
	f->class = qv_srtp_class(class);
	f->options = qv_options_from_strings((const char *const[]){ NULL }, class->options, class->option_size, "test",
					     &err);
	assert_non_null(f->options);
	f->caller = f->class->open(&host, f->options, &err);
	f->answerer = f->class->open(&host, f->options, &err);
	if (!f->caller || !f->answerer)
		fail_msg("%s", err.message);
	*state = f;
	return 0;
}

static int close_pair(void **state)
{
	struct fixture *f = *state;
	f->class->close(f->caller);
	f->class->close(f->answerer);
	f->class->close(NULL);
	for (int i = 0; i < 4; i++)
		qv_secret_free(f->exported[i]);
	qv_options_free(f->options);
	qv_loader_free(f->loader);
	free(f);
	return 0;
}

static void give_keys(struct fixture *f, bool caller, unsigned generation)
{
	struct qv_secret *send, *receive;
	struct qv_error err = QV_ERROR_INIT;
	if (!f->exported[generation])
		f->exported[generation] = qv_secret_random(QV_SRTP_EXPORTED, NULL);
	assert_int_equal(qv_srtp_masters(f->exported[generation], caller, &send, &receive, NULL), 0);
	if (f->class->add_keys(caller ? f->caller : f->answerer, generation, send, receive, &err) != 0)
		fail_msg("%s", err.message);
	qv_secret_free(send);
	qv_secret_free(receive);
}

static void start(struct fixture *f)
{
	give_keys(f, true, 1);
	give_keys(f, false, 1);
	assert_int_equal(f->class->use_keys(f->caller, 1, NULL), 0);
	assert_int_equal(f->class->use_keys(f->answerer, 1, NULL), 0);
}

struct packet {
	_Alignas(4) uint8_t bytes[256];
	size_t size;
};

static struct packet rtp(uint32_t ssrc, uint16_t sequence)
{
	struct packet packet;
	struct qv_rtp fields = { .type = 96,
				 .sequence = sequence,
				 .ssrc = ssrc,
				 .has_transport = true,
				 .transport = sequence,
				 .payload = (const uint8_t *)"what is said",
				 .size = 12 };
	packet.size = (size_t)qv_rtp_write(&fields, &(struct qv_rtp_extensions){ .transport = 3 }, packet.bytes,
					   sizeof packet.bytes, NULL);
	return packet;
}

static struct packet sealed(struct fixture *f, uint32_t ssrc, uint16_t sequence)
{
	struct packet packet = rtp(ssrc, sequence);
	struct qv_error err = QV_ERROR_INIT;
	if (f->class->protect(f->caller, packet.bytes, &packet.size, &err) != 0)
		fail_msg("%s", err.message);
	return packet;
}

static int opened(struct fixture *f, struct packet packet, unsigned generation)
{
	uint32_t by = 0;
	struct qv_error err = QV_ERROR_INIT;
	int done = f->class->unprotect(f->answerer, packet.bytes, &packet.size, &by, &err);
	if (done == 1) {
		assert_int_equal(by, generation);
		assert_memory_equal(packet.bytes + packet.size - 12, "what is said", 12);
	}
	if (done < 0)
		assert_true(err.message[0]);
	return done;
}

/* RFC 7714 section 16.2.1: the packet, and what becomes of it. */
static void reference_is_right(void **state)
{
	(void)state;
	static const uint8_t header[12] = { 0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41, 0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2 };
	static const uint8_t iv[12] = { 0x51, 0x75, 0x3c, 0x65, 0x80, 0xc2, 0x72, 0x6f, 0x20, 0x71, 0x84, 0x14 };
	static const uint8_t expected[] = { 0x32, 0xb1, 0xde, 0x78, 0xa8, 0x22, 0xfe, 0x12, 0xef, 0x9f, 0x78,
					    0xfa, 0x33, 0x2e, 0x33, 0xaa, 0xb1, 0x80, 0x12, 0x38, 0x9a, 0x58,
					    0xe2, 0xf3, 0xb5, 0x0b, 0x2a, 0x02, 0x76, 0xff, 0xae, 0x0f, 0x1b,
					    0xa6, 0x37, 0x99, 0xb8, 0x7b, 0x7a, 0xa3, 0xdb, 0x36, 0xdf, 0xff,
					    0xd6, 0xb0, 0xf9, 0xbb, 0x78, 0x78, 0xd7, 0xa7, 0x6c, 0x13 };
	uint8_t key[32], out[sizeof expected];
	for (int i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
	reference_seal(key, iv, header, sizeof header, (const uint8_t *)"Gallia est omnis divisa in partes tres", 38,
		       out);
	assert_memory_equal(out, expected, sizeof expected);
}

static void reference_opens_what_the_module_protects(void **state)
{
	struct fixture *f = *state;
	uint8_t out[256], control[256];
	start(f);
	uint8_t master[44];
	memcpy(master, qv_secret_bytes(f->exported[1]), 32);
	memcpy(master + 32, qv_secret_bytes(f->exported[1]) + 64, 12);
	for (uint32_t i = 65530; i < 65550; i++) {
		struct packet plain = rtp(7, (uint16_t)i), packet = sealed(f, 7, (uint16_t)i);
		assert_int_equal(packet.size, plain.size + 16 + 4);
		assert_memory_equal(packet.bytes + packet.size - 4, "\0\0\0\1", 4);
		assert_int_equal(reference_open_rtp(master, i >> 16, packet.bytes, packet.size - 4, out), plain.size);
		assert_memory_equal(out, plain.bytes, plain.size);
	}
	for (int i = 0; i < 3; i++) {
		_Alignas(4) uint8_t report[64] = "\x80\xc9\0\1abcd\x81\xce\0\2abcdefgh";
		size_t size = 20;
		assert_int_equal(f->class->protect_rtcp(f->caller, report, &size, NULL), 0);
		assert_int_equal(size, 20 + 16 + 4 + 4);
		assert_int_equal(reference_open_rtcp(master, report, size - 4, control), 20);
		assert_memory_equal(control, "\x80\xc9\0\1abcd\x81\xce\0\2abcdefgh", 20);
		uint32_t generation;
		assert_int_equal(f->class->unprotect_rtcp(f->answerer, report, &size, &generation, NULL), 1);
		assert_memory_equal(report, control, 20);
	}
}

static void altered_repeated_and_old_packets(void **state)
{
	struct fixture *f = *state;
	start(f);
	struct packet packet = sealed(f, 7, 1);
	for (size_t bit = 0; bit < 8 * packet.size; bit++) {
		struct packet altered = packet;
		altered.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(opened(f, altered, 1), -1);
	}
	for (size_t size = 0; size < packet.size; size++) {
		struct packet cut = packet;
		cut.size = size;
		assert_int_equal(opened(f, cut, 1), -1);
	}
	assert_int_equal(opened(f, packet, 1), 1);
	assert_int_equal(opened(f, packet, 1), 0);
	struct packet late = sealed(f, 7, 2), later = sealed(f, 7, 3);
	for (uint16_t i = 4; i < 1500; i++) {
		struct packet next = sealed(f, 7, i);
		if (i < 1000 || i == 1499)
			assert_int_equal(opened(f, next, 1), 1);
		if (i == 500)
			assert_int_equal(opened(f, later, 1), 1);
	}
	assert_int_equal(opened(f, late, 1), 0);
	/* What the caller sent is not what the caller takes. */
	struct packet own = sealed(f, 7, 1500);
	uint32_t generation;
	assert_int_equal(f->class->unprotect(f->caller, own.bytes, &own.size, &generation, NULL), -1);
	/* The same sequence number twice would be the same nonce twice. */
	struct packet again = rtp(7, 1500);
	assert_int_equal(f->class->protect(f->caller, again.bytes, &again.size, NULL), -1);
}

static void new_keys_without_a_gap(void **state)
{
	struct fixture *f = *state;
	start(f);
	for (uint32_t i = 0; i < 66000; i++)
		if (i < 40000 || i >= 65000)
			assert_int_equal(opened(f, sealed(f, 7, (uint16_t)i), 1), 1);
		else if (i % 1000 == 0)
			sealed(f, 7, (uint16_t)i);
	struct packet old = sealed(f, 7, (uint16_t)66000), older = sealed(f, 7, (uint16_t)66001);
	/* The answerer has them first, the caller uses them, both take both. */
	give_keys(f, false, 2);
	give_keys(f, true, 2);
	assert_int_equal(f->class->use_keys(f->caller, 2, NULL), 0);
	for (uint32_t i = 66002; i < 66100; i++)
		assert_int_equal(opened(f, sealed(f, 7, (uint16_t)i), 2), 1);
	assert_int_equal(opened(f, old, 1), 1);
	f->class->drop_keys(f->answerer, 1);
	assert_int_equal(opened(f, older, 1), -1);
	/* A sequence that wraps just where the keys change, the first packets lost or out of order. */
	for (uint32_t i = 66100; i < 131071; i += 50)
		assert_int_equal(opened(f, sealed(f, 7, (uint16_t)i), 2), 1);
	struct packet last = sealed(f, 7, 65535);
	give_keys(f, false, 3);
	give_keys(f, true, 3);
	assert_int_equal(f->class->use_keys(f->caller, 3, NULL), 0);
	struct packet first = sealed(f, 7, 0), second = sealed(f, 7, 1);
	assert_int_equal(opened(f, second, 3), 1);
	assert_int_equal(opened(f, first, 3), 1);
	assert_int_equal(opened(f, last, 2), 1);
	assert_int_equal(opened(f, sealed(f, 7, 2), 3), 1);
}

static void a_thousand_generations(void **state)
{
	struct fixture *f = *state;
	start(f);
	uint16_t sequence = 65000;
	for (unsigned generation = 2; generation < 1000; generation++) {
		struct qv_secret *a = qv_secret_random(QV_SRTP_MASTER, NULL),
				 *b = qv_secret_random(QV_SRTP_MASTER, NULL);
		assert_int_equal(f->class->add_keys(f->answerer, generation, a, b, NULL), 0);
		assert_int_equal(f->class->add_keys(f->caller, generation, b, a, NULL), 0);
		assert_int_equal(f->class->use_keys(f->caller, generation, NULL), 0);
		for (int i = 0; i < 200; i++, sequence++)
			assert_int_equal(opened(f, sealed(f, 7, sequence), generation), 1);
		f->class->drop_keys(f->caller, generation - 1);
		f->class->drop_keys(f->answerer, generation - 1);
		qv_secret_free(a);
		qv_secret_free(b);
	}
}

static void limits(void **state)
{
	struct fixture *f = *state;
	struct qv_error err = QV_ERROR_INIT;
	struct packet packet = rtp(7, 1);
	assert_int_equal(f->class->protect(f->caller, packet.bytes, &packet.size, &err), -1);
	assert_int_equal(err.code, QV_E_NO_KEY);
	assert_int_equal(f->class->use_keys(f->caller, 1, &err), -1);
	start(f);
	for (uint32_t ssrc = 0; ssrc < QV_SRTP_SOURCES; ssrc++)
		assert_int_equal(opened(f, sealed(f, ssrc, 1), 1), 1);
	packet = rtp(1000, 1);
	assert_int_equal(f->class->protect(f->caller, packet.bytes, &packet.size, &err), -1);
	assert_int_equal(err.code, QV_E_BUSY);
	struct qv_secret *master = qv_secret_random(QV_SRTP_MASTER, NULL), *wrong = qv_secret_random(43, NULL);
	assert_int_equal(f->class->add_keys(f->caller, 1, master, master, NULL), -1);
	assert_int_equal(f->class->add_keys(f->caller, 2, master, wrong, NULL), -1);
	for (unsigned i = 2; i <= QV_SRTP_GENERATIONS; i++)
		assert_int_equal(f->class->add_keys(f->caller, i, master, master, NULL), 0);
	assert_int_equal(f->class->add_keys(f->caller, 99, master, master, &err), -1);
	assert_int_equal(err.code, QV_E_BUSY);
	struct qv_secret *send, *receive;
	assert_int_equal(qv_srtp_masters(wrong, true, &send, &receive, NULL), -1);
	assert_null(send);
	qv_secret_free(master);
	qv_secret_free(wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_is_right),
		cmocka_unit_test_setup_teardown(reference_opens_what_the_module_protects, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(altered_repeated_and_old_packets, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(new_keys_without_a_gap, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(a_thousand_generations, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(limits, open_pair, close_pair),
	};
	return cmocka_run_group_tests_name("srtp", tests, NULL, NULL);
}
