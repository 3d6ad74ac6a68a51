/* SPDX-License-Identifier: Apache-2.0 */
/* Repair packets: whatever is lost, up to as many packets as there are repair packets, comes back as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/rtp_flow.h>

#define SSRC 256

static const struct qv_rtp_extensions ids = { .transport = 1, .capture = 2, .unit = 3, .prediction = 4 };

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

struct source {
	struct qv_rtp packet;
	uint8_t payload[1100];
};

struct group {
	unsigned count;
	struct source source[QV_RTP_REPAIR_GROUP];
	struct qv_rtp repair[QV_RTP_REPAIRS_MAX];
	uint8_t payload[QV_RTP_REPAIRS_MAX][QV_RTP_PACKET_MAX];
};

static void make_source(struct source *source, uint16_t sequence, uint32_t timestamp, bool first, uint32_t *seed)
{
	size_t size = random_next(seed) % sizeof source->payload + 1;
	for (size_t i = 0; i < size; i++)
		source->payload[i] = (uint8_t)random_next(seed);
	source->packet = (struct qv_rtp){ .type = 96,
					  .marker = random_next(seed) & 1,
					  .has_transport = true,
					  .transport = (uint16_t)random_next(seed),
					  .sequence = sequence,
					  .timestamp = timestamp,
					  .ssrc = SSRC,
					  .payload = source->payload,
					  .size = size };
	if (first) {
		source->packet.has_capture = true;
		source->packet.capture = 0x0123456789abcdef;
		source->packet.unit = (struct qv_rtp_private){ 3, { 1, 2, 3 } };
		source->packet.prediction = (struct qv_rtp_private){ 1, { 0x80 } };
	}
}

static void make_group(struct group *group, unsigned count, uint16_t first, uint32_t timestamp, uint32_t *seed)
{
	struct qv_rtp_protector *protector = qv_rtp_protector_new(&ids, NULL);
	qv_rtp_protector_begin(protector);
	group->count = count;
	for (unsigned i = 0; i < count; i++) {
		make_source(&group->source[i], (uint16_t)(first + i), timestamp, i == 0, seed);
		assert_int_equal(qv_rtp_protector_add(protector, &group->source[i].packet, NULL), 0);
	}
	for (unsigned i = 0; i < QV_RTP_REPAIRS_MAX; i++) {
		assert_int_equal(qv_rtp_protector_repair(protector, i, &group->repair[i], NULL), 0);
		memcpy(group->payload[i], group->repair[i].payload, group->repair[i].size);
		group->repair[i].payload = group->payload[i];
	}
	qv_rtp_protector_free(protector);
}

static void same(const struct qv_rtp *got, const struct qv_rtp *sent)
{
	assert_int_equal(got->type, sent->type);
	assert_int_equal(got->marker, sent->marker);
	assert_int_equal(got->ssrc, sent->ssrc);
	assert_int_equal(got->timestamp, sent->timestamp);
	assert_int_equal(got->has_capture, sent->has_capture);
	assert_true(got->capture == sent->capture);
	assert_int_equal(got->unit.size, sent->unit.size);
	assert_memory_equal(got->unit.bytes, sent->unit.bytes, got->unit.size);
	assert_int_equal(got->prediction.size, sent->prediction.size);
	assert_int_equal(got->size, sent->size);
	assert_memory_equal(got->payload, sent->payload, sent->size);
	assert_false(got->has_transport);
}

/* Gives all packets of the group but the lost ones, in any order; returns how many were rebuilt, as they were. */
static unsigned pass(struct qv_rtp_rebuilder *rebuilder, const struct group *group, uint32_t lost, uint32_t repairs,
		     uint32_t *seed)
{
	unsigned order[QV_RTP_REPAIR_GROUP + QV_RTP_REPAIRS_MAX], all = group->count + QV_RTP_REPAIRS_MAX, rebuilt = 0;
	uint16_t last;
	for (unsigned i = 0; i < all; i++)
		order[i] = i;
	for (unsigned i = all; i > 1; i--) {
		unsigned other = random_next(seed) % i, held = order[i - 1];
		order[i - 1] = order[other];
		order[other] = held;
	}
	for (unsigned i = 0; i < all; i++) {
		unsigned which = order[i];
		struct qv_rtp packet;
		if (which < group->count && !(lost >> which & 1))
			qv_rtp_rebuilder_note(rebuilder, &group->source[which].packet);
		if (which >= group->count && repairs >> (which - group->count) & 1) {
			assert_int_equal(
				qv_rtp_rebuilder_take(rebuilder, &group->repair[which - group->count], &last, NULL), 0);
			assert_int_equal(last, group->source[group->count - 1].packet.sequence);
		}
		while (qv_rtp_rebuilder_next(rebuilder, &packet)) {
			unsigned at = (uint16_t)(packet.sequence - group->source[0].packet.sequence);
			assert_true(at < group->count);
			same(&packet, &group->source[at].packet);
			rebuilt += lost >> at & 1;
		}
	}
	return rebuilt;
}

static unsigned bits(uint32_t value)
{
	return (unsigned)__builtin_popcount(value);
}

static void as_many_as_repair_packets_come_back(void **state)
{
	(void)state;
	struct group *group = malloc(sizeof *group);
	uint32_t seed = 1;
	uint16_t first = 65000;
	for (unsigned count = 1; count <= QV_RTP_REPAIR_GROUP; count++)
		for (unsigned round = 0; round < 60; round++, first = (uint16_t)(first + count)) {
			struct qv_rtp_rebuilder *rebuilder = qv_rtp_rebuilder_new(&ids, NULL);
			uint32_t lost = random_next(&seed) & ((1u << count) - 1);
			lost &= random_next(&seed);
			uint32_t repairs = random_next(&seed) & 15;
			make_group(group, count, first, 1000 * round, &seed);
			unsigned rebuilt = pass(rebuilder, group, lost, repairs, &seed);
			assert_int_equal(rebuilt, bits(lost) <= bits(repairs) ? bits(lost) : 0);
			qv_rtp_rebuilder_free(rebuilder);
		}
	free(group);
}

/* The first repair packet is the exclusive or of all: what doc/PROTOCOL.md says of the code, by hand. */
static void the_code_is_as_described(void **state)
{
	(void)state;
	struct qv_rtp_protector *protector = qv_rtp_protector_new(&ids, NULL);
	static const uint8_t one[] = { 0x57 }, two[] = { 0x13, 0x83 };
	struct qv_rtp packets[] = {
		{ .type = 96, .sequence = 0x1234, .timestamp = 7, .ssrc = SSRC, .payload = one, .size = 1 },
		{ .type = 96, .sequence = 0x1235, .timestamp = 7, .ssrc = SSRC, .payload = two, .size = 2 },
	};
	struct qv_rtp repair;
	static const uint8_t head[] = { 0x12, 0x34, 2, 0, 0, 13 ^ 14 }, tail[] = { 0x57 ^ 0x13, 0x83 };
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(qv_rtp_protector_add(protector, &packets[i], NULL), 0);
	assert_int_equal(qv_rtp_protector_count(protector), 2);
	assert_int_equal(qv_rtp_protector_repair(protector, 0, &repair, NULL), 0);
	assert_int_equal(repair.size, 4 + 2 + 14);
	assert_int_equal(repair.timestamp, 7);
	assert_memory_equal(repair.payload, head, sizeof head);
	assert_memory_equal(repair.payload + 6 + 12, tail, sizeof tail);
	/* Of the last byte only the second packet has one: times 33/32 of the field, whose product with 32 is 33. */
	assert_int_equal(qv_rtp_protector_repair(protector, 1, &repair, NULL), 0);
	assert_int_equal(repair.payload[3], 1);
	uint8_t weight = 0;
	for (unsigned candidate = 1; candidate < 256; candidate++) {
		unsigned product = candidate << 5;
		for (unsigned bit = 12; bit >= 8; bit--)
			if (product >> bit & 1)
				product ^= 0x11bu << (bit - 8);
		if (product == 33)
			weight = (uint8_t)candidate;
	}
	unsigned product = 0;
	for (unsigned bit = 0; bit < 8; bit++)
		if (0x83 >> bit & 1)
			product ^= (unsigned)weight << bit;
	for (unsigned bit = 14; bit >= 8; bit--)
		if (product >> bit & 1)
			product ^= 0x11bu << (bit - 8);
	assert_int_equal(repair.payload[repair.size - 1], product);
	qv_rtp_protector_free(protector);
}

static void strange_packets_do_not_join_a_group(void **state)
{
	(void)state;
	struct qv_rtp_protector *protector = qv_rtp_protector_new(&ids, NULL);
	struct qv_rtp packet = { .sequence = 65535, .timestamp = 5, .ssrc = SSRC }, repair;
	assert_int_equal(qv_rtp_protector_repair(protector, 0, &repair, NULL), -1);
	assert_int_equal(qv_rtp_protector_add(protector, &packet, NULL), 0);
	assert_int_equal(qv_rtp_protector_add(protector, &packet, NULL), -1);
	packet.sequence = 0;
	packet.timestamp = 6;
	assert_int_equal(qv_rtp_protector_add(protector, &packet, NULL), -1);
	packet.timestamp = 5;
	for (unsigned i = 1; i < QV_RTP_REPAIR_GROUP; i++, packet.sequence++)
		assert_int_equal(qv_rtp_protector_add(protector, &packet, NULL), 0);
	assert_int_equal(qv_rtp_protector_add(protector, &packet, NULL), -1);
	assert_int_equal(qv_rtp_protector_repair(protector, QV_RTP_REPAIRS_MAX, &repair, NULL), -1);
	qv_rtp_protector_free(protector);
}

/* Numbers come round: what is left of a group is not mixed with packets 65536 later. */
static void old_groups_are_forgotten(void **state)
{
	(void)state;
	struct qv_rtp_rebuilder *rebuilder = qv_rtp_rebuilder_new(&ids, NULL);
	struct group *group = malloc(sizeof *group);
	uint32_t seed = 3;
	uint16_t last;
	struct qv_rtp packet;
	make_group(group, 4, 100, 90, &seed);
	qv_rtp_rebuilder_note(rebuilder, &group->source[0].packet);
	assert_int_equal(qv_rtp_rebuilder_take(rebuilder, &group->repair[0], &last, NULL), 0);
	assert_int_equal(qv_rtp_rebuilder_next(rebuilder, &packet), 0);
	struct source other;
	for (uint32_t i = 104; i < 65536 + 103; i++) {
		make_source(&other, (uint16_t)i, 90, false, &seed);
		qv_rtp_rebuilder_note(rebuilder, &other.packet);
		if (i % 1000 == 0)
			assert_int_equal(qv_rtp_rebuilder_next(rebuilder, &packet), 0);
	}
	assert_int_equal(qv_rtp_rebuilder_next(rebuilder, &packet), 0);
	free(group);
	qv_rtp_rebuilder_free(rebuilder);
}

static void malformed_repair_packets_are_refused(void **state)
{
	(void)state;
	struct qv_rtp_rebuilder *rebuilder = qv_rtp_rebuilder_new(&ids, NULL);
	static const struct {
		uint8_t bytes[10];
		size_t size;
	} bad[] = {
		{ { 0, 1, 2, 0, 0, 0 }, 6 },
		{ { 0, 1, 0, 0, 0, 0, 0 }, 7 },
		{ { 0, 1, 17, 0, 0, 0, 0 }, 7 },
		{ { 0, 1, 2, 4, 0, 0, 0 }, 7 },
	};
	uint16_t last;
	struct qv_rtp packet = { .payload = (const uint8_t[]){ 0, 1, 2, 0, 0, 0, 0 }, .size = 7 };
	assert_int_equal(qv_rtp_rebuilder_take(rebuilder, &packet, &last, NULL), 0);
	packet.size = 6 + 1; /* a group of 3 now */
	packet.payload = (const uint8_t[]){ 0, 1, 3, 1, 0, 0, 0 };
	assert_int_equal(qv_rtp_rebuilder_take(rebuilder, &packet, &last, NULL), -1);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		packet.payload = bad[i].bytes;
		packet.size = bad[i].size;
		assert_int_equal(qv_rtp_rebuilder_take(rebuilder, &packet, &last, NULL), -1);
	}
	qv_rtp_rebuilder_free(rebuilder);
}

/* A lie about what was sent makes no packet, or one that the numbers of the group fit. */
static void lies_are_bounded(void **state)
{
	(void)state;
	struct qv_rtp_rebuilder *rebuilder = qv_rtp_rebuilder_new(&ids, NULL);
	struct group *group = malloc(sizeof *group);
	uint32_t seed = 5;
	uint16_t last;
	struct qv_rtp packet;
	for (unsigned round = 0; round < 2000; round++) {
		make_group(group, 5, (uint16_t)(round * 5), round, &seed);
		size_t at = random_next(&seed) % 24;
		group->payload[0][4 + at] ^= (uint8_t)(1 + random_next(&seed) % 255);
		for (unsigned i = 1; i < 5; i++)
			qv_rtp_rebuilder_note(rebuilder, &group->source[i].packet);
		assert_int_equal(qv_rtp_rebuilder_take(rebuilder, &group->repair[0], &last, NULL), 0);
		while (qv_rtp_rebuilder_next(rebuilder, &packet)) {
			assert_int_equal(packet.sequence, group->source[0].packet.sequence);
			assert_int_equal(packet.timestamp, round);
			assert_true(packet.size <= group->repair[0].size);
		}
	}
	free(group);
	qv_rtp_rebuilder_free(rebuilder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_as_repair_packets_come_back),  cmocka_unit_test(the_code_is_as_described),
		cmocka_unit_test(strange_packets_do_not_join_a_group),  cmocka_unit_test(old_groups_are_forgotten),
		cmocka_unit_test(malformed_repair_packets_are_refused), cmocka_unit_test(lies_are_bounded),
	};
	return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
