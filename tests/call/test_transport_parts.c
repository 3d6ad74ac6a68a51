/* SPDX-License-Identifier: Apache-2.0 */
/* What the transport over UDP decides, with times of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/call/fates.h"
#include "../../core/call/path.h"
#include "../../core/call/rtp_in.h"
#include "../../core/call/rtp_out.h"
#include "../../core/call/shares.h"
#include "../../core/call/stream_rate.h"

#define MS QV_NS_PER_MS

static void a_path_is_up_with_the_first_answer(void **state)
{
	(void)state;
	struct path path;
	path_start(&path, 1000 * MS);
	assert_true(path_probe(&path, 1000 * MS));
	assert_false(path_probe(&path, 1001 * MS));
	assert_int_equal(path_look(&path, 1010 * MS), PATH_SAME);
	path_answered(&path, 1000 * MS, 30 * MS, 1030 * MS);
	assert_int_equal(path_look(&path, 1030 * MS), PATH_UP);
	assert_int_equal(path_look(&path, 1031 * MS), PATH_SAME);
	assert_int_equal(path.rtt_ns, 30 * MS);
}

static void a_path_without_answers_is_told_once(void **state)
{
	(void)state;
	struct path path;
	path_start(&path, 0);
	int64_t at = 0;
	while (path_look(&path, at) == PATH_SAME)
		at = path_due(&path) > at ? path_due(&path) : at + MS, path_probe(&path, at);
	assert_int_equal(at, PATH_SILENT_MS * MS);
	for (; at < 10000 * MS; at += 10 * MS)
		assert_int_equal(path_look(&path, at), PATH_SAME);
}

static void a_path_that_failed_needs_several_answers(void **state)
{
	(void)state;
	struct path path;
	path_start(&path, 0);
	path_answered(&path, 0, MS, MS);
	assert_int_equal(path_look(&path, MS), PATH_UP);
	assert_int_equal(path_look(&path, 2000 * MS), PATH_SAME);
	assert_int_equal(path_look(&path, 2001 * MS), PATH_DOWN);
	for (int i = 0; i < PATH_AGAIN; i++) {
		int64_t at = (3000 + 100 * i) * MS;
		assert_int_equal(path_look(&path, at), PATH_SAME);
		path_answered(&path, at - 5 * MS, MS, at);
		path_answered(&path, at - 5 * MS, MS, at); /* told twice */
	}
	assert_int_equal(path_look(&path, 3300 * MS), PATH_UP);
}

/* Of a queue of three seconds: what is up stays so while they come, and what was given up waits until they are in time. */
static void late_answers_keep_a_path_and_restore_none(void **state)
{
	(void)state;
	struct path path;
	path_start(&path, 0);
	path_answered(&path, 1 * MS, MS, 2 * MS);
	assert_int_equal(path_look(&path, 2 * MS), PATH_UP);
	int64_t at = 1900 * MS;
	for (int64_t sent = 2 * MS; at < 10000 * MS; at += 500 * MS, sent += 250 * MS) {
		path_answered(&path, sent, 1900 * MS, at);
		assert_int_equal(path_look(&path, at), PATH_SAME);
	}
	at += 2000 * MS;
	assert_int_equal(path_look(&path, at), PATH_DOWN);
	for (int i = 1; i <= 2 * PATH_AGAIN; i++) {
		path_answered(&path, at - 3000 * MS + i * 50 * MS, MS, at + i * 50 * MS);
		assert_int_equal(path_look(&path, at + i * 50 * MS), PATH_SAME);
	}
	path_answered(&path, at + 300 * MS, MS, at + 310 * MS);
	assert_int_equal(path_look(&path, at + 310 * MS), PATH_UP);
}

static void answers_to_probes_that_never_were_do_nothing(void **state)
{
	(void)state;
	struct path path;
	path_start(&path, 5000 * MS);
	path_answered(&path, 4000 * MS, MS, 5001 * MS);
	path_answered(&path, 6000 * MS, MS, 5001 * MS);
	assert_int_equal(path_look(&path, 5002 * MS), PATH_SAME);
}

static void sound_comes_first(void **state)
{
	(void)state;
	struct share_wish sound = { .present = true, .adaptive = true, .most = 32000, .packets = 50 };
	struct share_wish pictures = { .present = true, .adaptive = true, .most = 1500000 };
	struct shares rich = shares_of(5000000, &sound, &pictures), poor = shares_of(100000, &sound, &pictures);
	assert_int_equal(rich.sound, 32000);
	assert_int_equal(rich.pictures, 1500000);
	assert_true(poor.sound >= 8000 && poor.sound < 32000);
	assert_true(poor.pictures + poor.sound < 100000);
	assert_int_equal(shares_of(1000, &sound, &pictures).sound, 8000);
	pictures.adaptive = false;
	assert_int_equal(shares_of(100000, &sound, &pictures).pictures, 0);
}

static void few_bits_make_fewer_frames(void **state)
{
	(void)state;
	assert_int_equal(shares_frame_step(0, 640, 480, 30), 1);
	assert_int_equal(shares_frame_step(1000000, 640, 480, 30), 1);
	assert_int_equal(shares_frame_step(100000, 640, 480, 30), 2);
	assert_int_equal(shares_frame_step(30000, 640, 480, 30), 4);
}

static void times_go_through_ntp(void **state)
{
	(void)state;
	static const int64_t times[] = { 0, 1, 999999999, 1000000000, INT64_C(123456789012345678) };
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		assert_int_equal(ns_of_ntp(ntp_of(times[i])), times[i]);
}

/* A unit through packets of the wire and back; `drop`: the number of the packet that is lost, -1: none. */
static int pass(struct rtp_out *out, struct rtp_in *in, const struct unit_buffer *unit, int drop, int64_t now)
{
	struct qv_rtp_pacer *pacer = qv_rtp_pacer_new(1 << 20, 0, NULL);
	uint8_t bytes[QV_RTP_PACKET_MAX];
	enum qv_rtp_class class;
	struct qv_rtp packet;
	int came = 0;
	size_t size;
	qv_rtp_pacer_set_rate(pacer, INT64_C(1) << 40);
	assert_int_equal(rtp_out_unit(out, unit, pacer, now, NULL), 0);
	for (int i = 0; qv_rtp_pacer_next(pacer, INT64_MAX / 2, bytes, &size, &class); i++) {
		assert_int_equal(qv_rtp_read(&packet, bytes, size, &unit_extensions, NULL), 0);
		if (i == drop)
			continue;
		came += rtp_in_put(in, &packet, false, now);
		came += rtp_in_next(in, now);
	}
	qv_rtp_pacer_free(pacer);
	return came;
}

static const struct qv_stream_offer vp8 = {
	.kind = QV_STREAM_VIDEO, .stream = 1, .codec = "vp8", .video = { .width = 64, .height = 64 }
};

static void fill_picture(struct unit_buffer *unit, uint8_t *data, size_t size, uint64_t sequence)
{
	static const uint8_t head[10] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0 };
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 7);
	memcpy(data, head, sizeof head);
	*unit = (struct unit_buffer){
		.unit = { .sequence = sequence,
			  .size = (uint32_t)size,
			  .capture_ns = INT64_C(987654321987),
			  .capture_us = 320,
			  .encode_us = 640,
			  .position = 77 + sequence },
		.key = true,
		.prediction = { .told = true, .sync = true, .layer = 1, .references = 2, .reference = { 3, 300 } },
		.data = data,
		.size = size
	};
}

static void a_picture_keeps_what_the_session_knows_of_it(void **state)
{
	(void)state;
	struct rtp_stream stream;
	struct rtp_out out;
	struct rtp_in in;
	struct unit_buffer unit;
	uint8_t data[5000];
	assert_true(rtp_stream_of(&vp8, &stream));
	assert_int_equal(rtp_out_open(&out, &stream, QV_RTP_PICTURE, NULL), 0);
	assert_int_equal(rtp_in_open(&in, &stream, false, NULL), 0);
	fill_picture(&unit, data, sizeof data, (UINT64_C(1) << 32) - 1);
	for (int i = 0; i < 3; i++, unit.unit.sequence++, unit.unit.position++) {
		assert_int_equal(pass(&out, &in, &unit, -1, i), 1);
		assert_int_equal(in.unit.size, sizeof data);
		assert_memory_equal(in.unit.data, data, sizeof data);
		assert_int_equal((uint32_t)in.unit.unit.sequence, (uint32_t)unit.unit.sequence);
		assert_int_equal((uint32_t)in.unit.unit.position, (uint32_t)unit.unit.position);
		assert_int_equal(in.unit.unit.capture_ns, unit.unit.capture_ns);
		assert_int_equal(in.unit.unit.capture_us, 320);
		assert_int_equal(in.unit.unit.encode_us, 640);
		assert_true(in.unit.key && in.unit.prediction.told && in.unit.prediction.sync);
		assert_int_equal(in.unit.prediction.references, 2);
		assert_int_equal(in.unit.prediction.reference[1], 300);
	}
	rtp_out_close(&out);
	rtp_in_close(&in);
}

static void a_picture_with_a_hole_is_never_handed_on(void **state)
{
	(void)state;
	struct rtp_stream stream;
	struct rtp_out out;
	struct rtp_in in;
	struct unit_buffer unit;
	uint8_t data[5000];
	assert_true(rtp_stream_of(&vp8, &stream));
	for (int drop = 0; drop < 5; drop++) {
		assert_int_equal(rtp_out_open(&out, &stream, QV_RTP_PICTURE, NULL), 0);
		assert_int_equal(rtp_in_open(&in, &stream, false, NULL), 0);
		fill_picture(&unit, data, sizeof data, 0);
		assert_int_equal(pass(&out, &in, &unit, -1, 0), 1);
		fill_picture(&unit, data, sizeof data, 1);
		assert_int_equal(pass(&out, &in, &unit, drop, MS), 0);
		fill_picture(&unit, data, sizeof data, 2);
		pass(&out, &in, &unit, -1, 2 * MS);
		rtp_in_next(&in, 10000 * MS);
		assert_int_not_equal(in.unit.unit.sequence, 1);
		rtp_out_close(&out);
		rtp_in_close(&in);
	}
}

static void one_of_two_copies_fills_a_hole(void **state)
{
	(void)state;
	struct qv_rtp_pacer *pacer = qv_rtp_pacer_new(1 << 20, 0, NULL);
	struct rtp_stream stream;
	struct rtp_out out;
	struct rtp_in in;
	struct unit_buffer unit;
	struct qv_rtp packet, original;
	enum qv_rtp_class class;
	uint8_t data[5000], bytes[QV_RTP_PACKET_MAX];
	size_t size;
	assert_true(rtp_stream_of(&vp8, &stream));
	assert_int_equal(rtp_out_open(&out, &stream, QV_RTP_PICTURE, NULL), 0);
	assert_int_equal(rtp_in_open(&in, &stream, false, NULL), 0);
	fill_picture(&unit, data, sizeof data, 1);
	uint16_t hole = (uint16_t)(out.sequence + 1);
	assert_int_equal(pass(&out, &in, &unit, 1, 1), 0);
	rtp_out_again(&out, &hole, 1, pacer, 2, 100, 2);
	rtp_out_again(&out, &hole, 1, pacer, 3, 100, 2); /* asked for twice, given once */
	for (uint16_t copy = 0; copy < 2; copy++) {
		assert_int_equal(qv_rtp_pacer_next(pacer, INT64_MAX / 2, bytes, &size, &class), 1);
		assert_int_equal(qv_rtp_read(&packet, bytes, size, &unit_extensions, NULL), 0);
		assert_int_equal(packet.sequence, (uint16_t)(out.again_sequence - 2 + copy));
	}
	assert_int_equal(qv_rtp_pacer_next(pacer, INT64_MAX / 2, bytes, &size, &class), 0);
	assert_int_equal(qv_rtp_original(&packet, &original, NULL), 0);
	original.ssrc = stream.ssrc;
	assert_int_equal(rtp_in_put(&in, &original, true, 4), 0);
	assert_int_equal(rtp_in_next(&in, 4), 1);
	assert_memory_equal(in.unit.data, data, sizeof data);
	rtp_out_close(&out);
	rtp_in_close(&in);
	qv_rtp_pacer_free(pacer);
}

/* What goes out for one unit, as it is read at the other end. */
struct wire {
	struct qv_rtp packet[64];
	uint8_t bytes[64][QV_RTP_PACKET_MAX];
	int count, repairs;
};

static void send_unit(struct rtp_out *out, const struct unit_buffer *unit, struct wire *wire)
{
	struct qv_rtp_pacer *pacer = qv_rtp_pacer_new(1 << 20, 0, NULL);
	enum qv_rtp_class class;
	size_t size;
	wire->count = wire->repairs = 0;
	qv_rtp_pacer_set_rate(pacer, INT64_C(1) << 40);
	assert_int_equal(rtp_out_unit(out, unit, pacer, 0, NULL), 0);
	while (qv_rtp_pacer_next(pacer, INT64_MAX / 2, wire->bytes[wire->count], &size, &class)) {
		struct qv_rtp *packet = &wire->packet[wire->count];
		assert_true(size + 20 <= RTP_DATAGRAM_MAX);
		assert_int_equal(qv_rtp_read(packet, wire->bytes[wire->count], size, &unit_extensions, NULL), 0);
		assert_true(packet->has_transport);
		wire->repairs += packet->type == RTP_TYPE_REPAIR;
		wire->count++;
	}
	qv_rtp_pacer_free(pacer);
}

static int take_unit(struct rtp_in *in, const struct wire *wire, int lost, int64_t now)
{
	int came = 0;
	for (int i = 0; i < wire->count; i++) {
		if (i == lost)
			continue;
		if (wire->packet[i].ssrc == in->stream.repair_ssrc)
			rtp_in_repair(in, &wire->packet[i], now);
		else
			came += rtp_in_put(in, &wire->packet[i], false, now);
		while (rtp_in_next(in, now))
			came++;
	}
	return came;
}

static void a_picture_with_a_hole_is_rebuilt_at_once(void **state)
{
	(void)state;
	struct wire *wire = malloc(sizeof *wire);
	struct rtp_stream stream;
	struct rtp_out out;
	struct rtp_in in;
	struct unit_buffer unit;
	uint8_t data[12000];
	uint16_t missing[QV_RTCP_NACKS_MAX];
	uint64_t number = 0;
	assert_true(rtp_stream_of(&vp8, &stream));
	assert_int_equal(rtp_out_open(&out, &stream, QV_RTP_PICTURE, NULL), 0);
	assert_int_equal(rtp_in_open(&in, &stream, false, NULL), 0);
	out.redundancy = (struct redundancy){ .loss = 0.01, .allowed = 1 };
	for (size_t size = 20; size < sizeof data; size += 700)
		for (int lost = 0; lost < 3; lost++, number++) {
			fill_picture(&unit, data, size, number);
			send_unit(&out, &unit, wire);
			assert_true(wire->repairs > 0);
			assert_int_equal(take_unit(&in, wire,
						   lost == 2 ? wire->count - 1
						   : number  ? lost
							     : -1,
						   (int64_t)number * MS),
					 1);
			assert_int_equal(in.unit.size, size);
			assert_memory_equal(in.unit.data, data, size);
			assert_int_equal((uint32_t)in.unit.unit.sequence, number);
			assert_int_equal(in.unit.unit.capture_ns, unit.unit.capture_ns);
		}
	assert_true(in.rebuilt > 10);
	assert_int_equal(in.resent, 0);
	assert_int_equal(qv_rtp_receiver_nacks(in.receiver, (int64_t)number * MS + MS, MS, missing), 0);
	rtp_out_close(&out);
	rtp_in_close(&in);
	free(wire);
}

/* More than can be rebuilt, at the end of a picture: it is asked for without waiting for the next one. */
static void the_end_of_a_picture_is_missed_by_its_repair_packets(void **state)
{
	(void)state;
	struct wire *wire = malloc(sizeof *wire);
	struct rtp_stream stream;
	struct rtp_out out;
	struct rtp_in in;
	struct unit_buffer unit;
	uint8_t data[5000];
	uint16_t missing[QV_RTCP_NACKS_MAX];
	assert_true(rtp_stream_of(&vp8, &stream));
	assert_int_equal(rtp_out_open(&out, &stream, QV_RTP_PICTURE, NULL), 0);
	assert_int_equal(rtp_in_open(&in, &stream, false, NULL), 0);
	out.redundancy = (struct redundancy){ .loss = 0.01, .allowed = 0.2 };
	for (uint64_t number = 0; number < 2; number++) {
		fill_picture(&unit, data, sizeof data, number);
		send_unit(&out, &unit, wire);
		assert_int_equal(wire->repairs, 1);
		if (number == 0)
			assert_int_equal(take_unit(&in, wire, -1, 0), 1);
	}
	struct wire *cut = malloc(sizeof *cut);
	*cut = *wire;
	for (int i = 0; i < 2; i++)
		cut->packet[wire->count - 3 + i] = cut->packet[wire->count - 1];
	assert_int_equal(take_unit(&in, cut, -1, MS), 0);
	assert_int_equal(qv_rtp_receiver_nacks(in.receiver, 12 * MS, MS, missing), 2);
	assert_int_equal(missing[1], (uint16_t)(out.sequence - 1));
	assert_int_equal(rtp_in_put(&in, &wire->packet[wire->count - 2], true, 60 * MS), 0);
	assert_int_equal(rtp_in_next(&in, 60 * MS), 1); /* one was asked for and came, the other is rebuilt by it */
	assert_int_equal(in.resent, 1);
	assert_int_equal(in.rebuilt, 1);
	assert_memory_equal(in.unit.data, data, sizeof data);
	rtp_out_close(&out);
	rtp_in_close(&in);
	free(cut);
	free(wire);
}

#define MOST_OCTETS 18750 /* in a tenth of a second at 1.5 Mbit/s */

static void redundancy_follows_loss_and_room(void **state)
{
	(void)state;
	struct redundancy r = { 0 };
	uint32_t octets = 0;
	for (int i = 0; i < 50; i++) {
		redundancy_group(&r, 6);
		redundancy_look(&r, 0, 0, octets += MOST_OCTETS);
		assert_int_equal(redundancy_share(&r, 3000000, 1500000, true), 1500000);
		assert_int_equal(redundancy_repairs(&r, 6), 0);
	}
	for (int i = 0; i < 30; i++)
		redundancy_look(&r, 0.01, 0, octets += MOST_OCTETS);
	assert_int_equal(redundancy_share(&r, 3000000, 1500000, true), 1500000);
	assert_int_equal(redundancy_repairs(&r, 6), 2);
	assert_int_equal(redundancy_repairs(&r, 1), 1);
	assert_true(redundancy_part(&r) > 0.3 && redundancy_part(&r) < 0.4);
	/* Without room, the encoder gives up what one of them costs, and nothing where that were too much. */
	int64_t rate = redundancy_share(&r, 1500000, 1500000, true);
	assert_int_equal(redundancy_repairs(&r, 6), 1);
	assert_int_equal(redundancy_repairs(&r, 2), 0);
	assert_in_range(rate, 1500000 * 6 / 7 - 2, 1500000 * 6 / 7 + 2);
	assert_int_equal(redundancy_share(&r, 1500000, 1500000, false), 1500000);
	assert_int_equal(redundancy_repairs(&r, 6), 0);
	redundancy_share(&r, 3000000, 1500000, false);
	assert_int_equal(redundancy_repairs(&r, 6), 2);
	/* What the encoder does not use is spare. */
	for (int i = 0; i < 50; i++)
		redundancy_look(&r, 0.01, 0, octets += MOST_OCTETS / 2);
	redundancy_share(&r, 1500000, 1500000, true);
	assert_int_equal(redundancy_repairs(&r, 6), 2);
	assert_int_equal(redundancy_repairs(&r, 2), 1);
	/* More loss, more of them, up to half of the packets. */
	for (int i = 0; i < 60; i++)
		redundancy_look(&r, 0.2, 0, octets += MOST_OCTETS);
	redundancy_share(&r, 3000000, 1500000, true);
	assert_int_equal(redundancy_repairs(&r, 6), 3);
	assert_int_equal(redundancy_repairs(&r, 16), QV_RTP_REPAIRS_MAX);
	/* Not into a queue; and no longer than loss is remembered. */
	redundancy_look(&r, 0.2, 100 * MS, octets += MOST_OCTETS);
	assert_int_equal(redundancy_repairs(&r, 6), 0);
	redundancy_look(&r, 0.2, 0, octets += MOST_OCTETS);
	assert_int_equal(redundancy_repairs(&r, 6), 3);
	int looks = 0;
	for (; redundancy_repairs(&r, 6) > 0; looks++)
		redundancy_look(&r, 0, 0, octets += MOST_OCTETS);
	assert_in_range(looks, 100, 1000);
}

static void samples_go_in_pieces(void **state)
{
	(void)state;
	struct qv_stream_offer offer = { .kind = QV_STREAM_AUDIO,
					 .stream = 2,
					 .codec = "pcm-s16le",
					 .audio = { .rate = 16000, .channels = 1 },
					 .block_frames = 1024 };
	struct rtp_stream stream;
	struct rtp_out out;
	struct rtp_in in;
	uint8_t data[2048];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 13);
	struct unit_buffer unit = { .unit = { .sequence = 4, .size = sizeof data, .position = 16000, .frames = 1024 },
				    .data = data,
				    .size = sizeof data };
	assert_true(rtp_stream_of(&offer, &stream));
	assert_int_equal(rtp_out_open(&out, &stream, QV_RTP_SOUND, NULL), 0);
	assert_int_equal(rtp_in_open(&in, &stream, true, NULL), 0);
	assert_int_equal(pass(&out, &in, &unit, -1, 0), 2);
	assert_int_equal(in.unit.unit.position, 16000 + 540);
	assert_int_equal(in.unit.unit.frames, 1024 - 540);
	assert_memory_equal(in.unit.data, data + 1080, sizeof data - 1080);
	rtp_out_close(&out);
	rtp_in_close(&in);
}

static void fates_are_told_once_and_in_order(void **state)
{
	(void)state;
	struct fates seen = { 0 };
	struct fates_told told = { 0 };
	struct fate fates[FATES_PICTURES];
	uint8_t bytes[FATES_SIZE];
	for (uint64_t i = 0; i < 10; i++)
		if (i != 4 && i != 7)
			fates_note(&seen, i, i != 5);
	fates_put(&seen, bytes);
	assert_int_equal(fates_take(&told, bytes, 12, fates), 10);
	for (uint64_t i = 0; i < 10; i++) {
		assert_int_equal(fates[i].sequence, i);
		assert_int_equal(fates[i].decoded, i != 4 && i != 5 && i != 7);
	}
	assert_int_equal(fates_take(&told, bytes, 12, fates), 0);
	fates_note(&seen, 1000, true);
	fates_put(&seen, bytes);
	assert_int_equal(fates_take(&told, bytes, 999, fates), 0); /* of one that was never sent */
	assert_int_equal(fates_take(&told, bytes, 1000, fates), FATES_PICTURES);
	assert_int_equal(fates[FATES_PICTURES - 1].sequence, 1000);
	assert_true(fates[FATES_PICTURES - 1].decoded);
	assert_false(fates[0].decoded);
}

/* A second of pictures, each of which waited so long, while so many bit/s went through. */
static int64_t second_of(struct stream_rate *stream, int64_t *now, uint64_t *bytes, int64_t waited, int64_t through)
{
	int64_t rate = 0;
	for (int i = 0; i < 25; i++) {
		*now += 40 * MS;
		*bytes += (uint64_t)through / 8 / 25;
		rate = stream_rate_note(stream, waited, *bytes, 2000000, *now);
	}
	return rate;
}

static void pictures_that_wait_in_the_session_lower_the_rate(void **state)
{
	(void)state;
	struct stream_rate stream = { 0 };
	int64_t now = MS;
	uint64_t bytes = 0;
	assert_int_equal(second_of(&stream, &now, &bytes, MS, 1500000), 0);
	int64_t low = second_of(&stream, &now, &bytes, 100 * MS, 500000);
	assert_in_range(low, 400000, 450000);
	int64_t higher = second_of(&stream, &now, &bytes, MS, 450000);
	assert_true(higher > low);
	for (int i = 0; i < 60; i++)
		higher = second_of(&stream, &now, &bytes, MS, 450000);
	assert_int_equal(higher, 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_up_with_the_first_answer),
		cmocka_unit_test(a_path_without_answers_is_told_once),
		cmocka_unit_test(a_path_that_failed_needs_several_answers),
		cmocka_unit_test(late_answers_keep_a_path_and_restore_none),
		cmocka_unit_test(answers_to_probes_that_never_were_do_nothing),
		cmocka_unit_test(sound_comes_first),
		cmocka_unit_test(few_bits_make_fewer_frames),
		cmocka_unit_test(times_go_through_ntp),
		cmocka_unit_test(a_picture_keeps_what_the_session_knows_of_it),
		cmocka_unit_test(a_picture_with_a_hole_is_never_handed_on),
		cmocka_unit_test(one_of_two_copies_fills_a_hole),
		cmocka_unit_test(a_picture_with_a_hole_is_rebuilt_at_once),
		cmocka_unit_test(the_end_of_a_picture_is_missed_by_its_repair_packets),
		cmocka_unit_test(redundancy_follows_loss_and_room),
		cmocka_unit_test(samples_go_in_pieces),
		cmocka_unit_test(pictures_that_wait_in_the_session_lower_the_rate),
		cmocka_unit_test(fates_are_told_once_and_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
