/* SPDX-License-Identifier: Apache-2.0 */
/* An answerer that can resume its call, over TCP and UDP, and a caller made of bytes: old, or counting as it likes. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <qvisio/call_control.h>
#include <qvisio/loader.h>

#include "parts.h"

static struct end end;
static struct qv_call_control *control;
static atomic_int happened[QV_CALL_HAPPENINGS];
static int peer; /* the caller's end of the session in use, blocking */
static int udp;  /* where the caller takes datagrams */
static int log_fds[2];
static struct qv_log *answerer_log;

static void on_event(struct qv_call_observer *observer, const struct qv_call_event *event)
{
	(void)observer;
	atomic_fetch_add(&happened[event->happening], 1);
}

static struct qv_call_observer watcher = { .event = on_event };

static void release(struct qv_call_renewal *renewal, struct qv_link *link)
{
	(void)renewal;
	if (link->session == end.link.session)
		end.link = (struct qv_link){ .fd = -1 };
	free(link->session);
	close(link->fd);
}

static struct qv_call_renewal renewal = { .release = release, .reconnect_ms = 60000 };

/* `fds[0]` is the answerer's. Reads at the caller's end fail rather than wait for ever. */
static void join_by_tcp(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof address;
	struct timeval limit = { .tv_sec = 30 };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&address, size), 0);
	fds[0] = accept(listener, NULL, NULL);
	assert_true(fds[0] >= 0);
	setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	close(listener);
}

static uint16_t open_udp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof address;
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(udp, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(udp, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static int setup(void **state)
{
	(void)state;
	int fds[2];
	parts_reset();
	memset(happened, 0, sizeof happened);
	join_by_tcp(fds);
	peer = fds[1];
	end_init(&end, fds[0]);
	control = qv_call_control_new(NULL);
	if (pipe(log_fds) != 0)
		return -1;
	end.host.log = answerer_log = qv_log_new("answerer", QV_LOG_INFO, QV_LOG_TEXT, log_fds[1]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_clear(&end);
	qv_call_control_free(control);
	qv_log_free(answerer_log);
	close(log_fds[0]);
	close(log_fds[1]);
	close(peer);
	return 0;
}

static void put(int fd, uint8_t type, uint8_t flags, const void *payload, size_t size)
{
	uint8_t bytes[QV_RECORD_SIZE_MAX];
	qv_record_put_header(bytes, type, flags, 0, size);
	memcpy(bytes + QV_RECORD_HEADER, payload, size);
	assert_int_equal(send(fd, bytes, QV_RECORD_HEADER + size, MSG_NOSIGNAL), QV_RECORD_HEADER + size);
}

static void read_whole(int fd, uint8_t *bytes, size_t size)
{
	assert_int_equal(recv(fd, bytes, size, MSG_WAITALL), size);
}

/* Reads on to the next record of a type. */
static struct qv_record get(int fd, uint8_t type)
{
	static uint8_t bytes[QV_RECORD_SIZE_MAX];
	struct qv_record record;
	do {
		read_whole(fd, bytes, QV_RECORD_HEADER);
		size_t size = (size_t)bytes[4] << 24 | (size_t)bytes[5] << 16 | (size_t)bytes[6] << 8 | bytes[7];
		assert_in_range(size, 0, QV_RECORD_PAYLOAD_MAX);
		if (size)
			read_whole(fd, bytes + QV_RECORD_HEADER, size);
		assert_int_equal(qv_record_parse(bytes, QV_RECORD_HEADER + size, &record, NULL), 1);
	} while (record.type != type);
	return record;
}

static void *run(void *argument)
{
	const struct qv_call_plan *plan = argument;
	struct qv_link link = end.link;
	end.outcome = qv_call_run(&link, QV_CALL_ANSWERER, plan, &end.host, &watcher, &end.result, &end.err);
	return NULL;
}

/* The call opens; what the answerer has said. */
static struct qv_hello open_call(struct qv_call_plan *plan, uint16_t minor, uint16_t port)
{
	struct qv_hello hello = { .major = 1, .minor = minor, .offers = 1, .srtp_port = port, .resume_ms = 60000 };
	struct qv_hello welcome;
	uint8_t bytes[256];
	hello.offer[0] = (struct qv_stream_offer){ .kind = QV_STREAM_VIDEO, .stream = 1, .codec = "stamp" };
	hello.offer[0].video = parts_video_format;
	*plan = (struct qv_call_plan){
		.receive = &end.receive, .control = control, .renewal = &renewal, .srtp = plan->srtp
	};
	int size = qv_hello_encode(&hello, bytes, sizeof bytes, NULL);
	assert_true(size > 0);
	pthread_create(&end.thread, NULL, run, plan);
	put(peer, QV_RECORD_HELLO, 0, bytes, (size_t)size);
	struct qv_record record = get(peer, QV_RECORD_WELCOME);
	assert_int_equal(qv_hello_decode(record.payload, record.size, &welcome, NULL), 0);
	return welcome;
}

/* Whatever a caller of 1.1 says in a field that it cannot know, it does not come back. */
static void for_a_caller_of_1_1_nobody_waits(void **state)
{
	(void)state;
	struct qv_call_plan plan = { 0 };
	struct qv_hello welcome = open_call(&plan, 1, 0);
	assert_int_equal(welcome.resume_ms, 0);
	plain_cut(end.link.session);
	shutdown(peer, SHUT_RDWR);
	end_join(&end);
	assert_int_equal(end.outcome, -1);
	assert_int_equal(happened[QV_CALL_LINK_LOST], 0);
}

/* Waits for something to read, and lets the answerer hear from its caller meanwhile. */
static void await_readable(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	for (uint32_t tries = 0; tries < 100 && poll(&readable, 1, 300) == 0; tries++) {
		uint8_t bytes[QV_PING_SIZE];
		struct qv_ping ping = { tries, 1 };
		qv_ping_encode(&ping, bytes);
		put(peer, QV_RECORD_PING, 0, bytes, sizeof bytes);
	}
	assert_int_equal(poll(&readable, 1, 0), 1);
}

static void await_datagram(void)
{
	uint8_t byte;
	while (recv(udp, &byte, 1, MSG_DONTWAIT) >= 0)
		continue;
	await_readable(udp);
}

static void await_log(const char *text)
{
	char line[2048];
	size_t used = 0;
	for (;;) {
		assert_true(used + 1 < sizeof line);
		await_readable(log_fds[0]);
		assert_int_equal(read(log_fds[0], line + used, 1), 1);
		if (line[used++] != '\n')
			continue;
		line[used] = '\0';
		if (strstr(line, text))
			return;
		used = 0;
	}
}

/* In a session that begins now; the one in use has the number before. Returns when the answerer has logged that. */
static void resume(uint32_t generation, int number, const char *logged)
{
	int fds[2];
	uint8_t bytes[QV_ATTACH_RESUME_SIZE];
	struct qv_error err = QV_ERROR_INIT;
	struct qv_call_security security = { .secured = QV_SECURED_QKD, .text = "a new key" };
	join_by_tcp(fds);
	struct qv_link link = { &plain_tls, plain_session(fds[0]), fds[0] };
	struct qv_tls_session *last = plain_session(-1);
	struct qv_secret *token = qv_secret_new(QV_ATTACH_TOKEN, NULL);
	plain_number(link.session, number);
	plain_number(last, number - 1);
	assert_int_equal(plain_tls.export_key(last, QV_ATTACH_LABEL, token, NULL), 0);
	qv_attach_encode_resume(qv_secret_bytes(token), generation, bytes);
	put(fds[1], QV_RECORD_ATTACH, QV_RECORD_GIVES_UP, bytes, sizeof bytes);
	struct qv_greeting *greeting = qv_greeting_read(&link, &end.host, 30000, &err);
	assert_non_null(greeting);
	assert_int_equal(qv_call_control_attach(control, greeting, &link, &security, &err), 0);
	get(fds[1], QV_RECORD_ATTACHED);
	qv_greeting_free(greeting);
	qv_secret_free(token);
	free(last);
	await_log(logged);
	close(peer); /* not before: an end without TLS's word for it is taken for one with it */
	peer = fds[1];
}

static struct qv_loader *loader;
static struct qv_config *config;
static struct qv_role srtp;

static bool load_srtp(void)
{
	struct qv_error err = QV_ERROR_INIT;
	const struct qv_section *group;
	loader = qv_loader_new(NULL, NULL, &err);
	config = qv_config_parse("srtp: { module = \"libsrtp2\"; };", "test", "/", &err);
	assert_non_null(config);
	qv_section_group(qv_config_root(config), "srtp", &group, &err);
	int status = qv_role_load(loader, group, "srtp", NULL, &srtp, &err);
	if (status != 0)
		print_message("# %s\n", err.message);
	return status == 0;
}

static void unload_srtp(void)
{
	qv_role_free(&srtp);
	qv_config_free(config);
	qv_loader_free(loader);
}

/* The first resumption counts well, the second one like that: the call goes on, with or without UDP. */
static void resume_counting(uint32_t generation, bool good)
{
	if (!load_srtp()) {
		unload_srtp();
		skip();
	}
	struct qv_call_plan plan = { .srtp = &srtp };
	struct qv_hello welcome = open_call(&plan, 2, open_udp());
	assert_int_equal(welcome.resume_ms, renewal.reconnect_ms);
	assert_int_not_equal(welcome.srtp_port, 0);
	await_datagram();
	resume(5, 1, "the connection is back");
	await_datagram();
	resume(generation, 2, good ? "the connection is back" : "the peer counts its keys for SRTP otherwise");
	if (good)
		await_datagram();
	get(peer, QV_RECORD_PING);
	qv_call_control_hang_up(control);
	get(peer, QV_RECORD_BYE);
	shutdown(peer, SHUT_WR);
	end_join(&end);
	assert_int_equal(end.outcome, 0);
	assert_int_equal(end.result.resumed, 2);
	close(udp);
	unload_srtp();
}

static void a_generation_may_be_somewhat_ahead(void **state)
{
	(void)state;
	resume_counting(1005, true);
}

static void a_generation_far_ahead_ends_the_use_of_udp(void **state)
{
	(void)state;
	resume_counting(1006, false);
}

static void the_last_of_all_generations_ends_the_use_of_udp(void **state)
{
	(void)state;
	resume_counting(UINT32_MAX, false);
}

static void a_generation_that_was_ends_the_use_of_udp(void **state)
{
	(void)state;
	resume_counting(5, false);
}

static void no_generation_ends_the_use_of_udp(void **state)
{
	(void)state;
	resume_counting(0, false);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(for_a_caller_of_1_1_nobody_waits),           CASE(a_generation_may_be_somewhat_ahead),
		CASE(a_generation_far_ahead_ends_the_use_of_udp), CASE(the_last_of_all_generations_ends_the_use_of_udp),
		CASE(a_generation_that_was_ends_the_use_of_udp),  CASE(no_generation_ends_the_use_of_udp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
