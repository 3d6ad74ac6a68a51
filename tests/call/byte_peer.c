/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "byte_peer.h"

struct end tested;
int peer;

int peer_setup(void **state)
{
	(void)state;
	int fds[2], small = 8192;
	parts_reset();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	/* As TCP_NOTSENT_LOWAT does: the kernel holds little. */
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	end_init(&tested, fds[0]);
	peer = fds[1];
	tested.send.limits.bye_timeout_ms = tested.receive.limits.bye_timeout_ms = 300;
	return 0;
}

int peer_teardown(void **state)
{
	(void)state;
	end_clear(&tested);
	if (peer >= 0)
		close(peer);
	return 0;
}

void put(uint8_t type, uint8_t flags, uint16_t stream, const void *payload, size_t size)
{
	uint8_t bytes[QV_RECORD_SIZE_MAX];
	qv_record_put_header(bytes, type, flags, stream, size);
	if (size)
		memcpy(bytes + QV_RECORD_HEADER, payload, size);
	/* The end may have given up already, which the test then sees. */
	(void)!send(peer, bytes, QV_RECORD_HEADER + size, MSG_NOSIGNAL);
}

static bool read_whole(uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t got = recv(peer, bytes + at, size - at, 0);
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

bool get(struct qv_record *record)
{
	static uint8_t bytes[QV_RECORD_SIZE_MAX];
	if (!read_whole(bytes, QV_RECORD_HEADER))
		return false;
	size_t size = (size_t)bytes[4] << 24 | (size_t)bytes[5] << 16 | (size_t)bytes[6] << 8 | bytes[7];
	assert_in_range(size, 0, QV_RECORD_PAYLOAD_MAX);
	if (!read_whole(bytes + QV_RECORD_HEADER, size))
		return false;
	assert_int_equal(qv_record_parse(bytes, QV_RECORD_HEADER + size, record, NULL), 1);
	return true;
}

bool get_type(uint8_t type, struct qv_record *record)
{
	while (get(record))
		if (record->type == type)
			return true;
	return false;
}

struct qv_reason get_bye(void)
{
	struct qv_record record;
	struct qv_reason reason;
	assert_true(get_type(QV_RECORD_BYE, &record));
	assert_int_equal(qv_reason_decode(record.payload, record.size, &reason, NULL), 0);
	return reason;
}

void put_accept(size_t accepts, uint16_t first, uint16_t second)
{
	struct qv_hello welcome = { .major = 1, .minor = 0, .accepts = accepts, .accept = { first, second } };
	uint8_t bytes[256];
	int size = qv_hello_encode(&welcome, bytes, sizeof bytes, NULL);
	put(QV_RECORD_WELCOME, 0, 0, bytes, (size_t)size);
}

void put_welcome(size_t accepts)
{
	put_accept(accepts, 1, 2);
}

void put_hello(uint16_t major, const char *video_codec)
{
	struct qv_hello hello = { .major = major, .minor = 9, .program = "bytes", .offers = 2 };
	uint8_t bytes[256];
	hello.offer[0] = (struct qv_stream_offer){ .kind = QV_STREAM_VIDEO,
						   .stream = 7,
						   .video = { QV_PIXEL_I420, QV_RANGE_FULL, 16, 16, 30, 1 } };
	hello.offer[1] = (struct qv_stream_offer){ .kind = QV_STREAM_AUDIO,
						   .stream = 9,
						   .codec = "raw16",
						   .audio = { AUDIO_RATE, 1 },
						   .block_frames = AUDIO_BLOCK };
	snprintf(hello.offer[0].codec, sizeof hello.offer[0].codec, "%s", video_codec);
	int size = qv_hello_encode(&hello, bytes, sizeof bytes, NULL);
	put(QV_RECORD_HELLO, 0, 0, bytes, (size_t)size);
}

void put_bye(void)
{
	static const uint8_t reason[] = { 0, QV_BYE_ENDED };
	put(QV_RECORD_BYE, 0, 0, reason, sizeof reason);
}

void put_picture(uint64_t sequence)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 16] = { 0 };
	struct qv_unit unit = { .sequence = sequence, .size = 16, .position = sequence };
	size_t header = qv_fragment_put_header(bytes, &unit, 0);
	memcpy(bytes + header, &sequence, sizeof sequence);
	put(QV_RECORD_VIDEO, QV_RECORD_KEY, 7, bytes, sizeof bytes);
}

void begin_receiving(void)
{
	struct qv_record record;
	end_start_receiver(&tested);
	put_hello(1, "stamp");
	assert_true(get_type(QV_RECORD_WELCOME, &record));
}
