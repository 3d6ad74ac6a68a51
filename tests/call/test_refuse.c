/* SPDX-License-Identifier: Apache-2.0 */
/* An end that turns callers away, whatever these do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "parts.h"

static struct end refuser, caller;

static int setup(void **state)
{
	(void)state;
	int fds[2];
	parts_reset();
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	end_init(&refuser, fds[0]);
	end_init(&caller, fds[1]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_clear(&caller);
	end_clear(&refuser);
	return 0;
}

static int refuse(enum qv_refusal code, const char *text, struct qv_error *err)
{
	return qv_call_refuse(&refuser.link, code, text, &refuser.host, err);
}

static void a_caller_is_told_the_reason_and_the_words(void **state)
{
	static const struct {
		enum qv_refusal code;
		enum qv_code told;
	} rows[] = {
		{ QV_REFUSE_BUSY, QV_E_BUSY },
		{ QV_REFUSE_DENIED, QV_E_DENIED },
		{ QV_REFUSE_MEDIA, QV_E_UNSUPPORTED },
		{ QV_REFUSE_VERSION, QV_E_UNSUPPORTED },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		if (i > 0) {
			teardown(state);
			assert_int_equal(setup(state), 0);
		}
		end_start_sender(&caller);
		assert_int_equal(refuse(rows[i].code, "not on Sundays", &err), 0);
		end_join(&caller);
		assert_int_equal(caller.outcome, -1);
		assert_int_equal(caller.err.code, rows[i].told);
		assert_non_null(strstr(caller.err.message, "not on Sundays"));
		assert_false(caller.result.opened);
	}
}

static void only_a_busy_end_has_words_of_its_own(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	end_start_sender(&caller);
	assert_int_equal(refuse(QV_REFUSE_BUSY, NULL, &err), 0);
	end_join(&caller);
	assert_non_null(strstr(caller.err.message, "in a call with somebody else"));
}

/* Reads all that the refuser sent; the number of REFUSE records, and the last one's reason. */
static unsigned read_refusals(struct qv_reason *reason)
{
	static uint8_t bytes[65536];
	size_t used = 0;
	unsigned count = 0;
	struct qv_record record;
	for (ssize_t got; (got = recv(caller.link.fd, bytes + used, sizeof bytes - used, MSG_DONTWAIT)) > 0;)
		used += (size_t)got;
	for (size_t at = 0; at < used && qv_record_parse(bytes + at, used - at, &record, NULL) == 1;
	     at += QV_RECORD_HEADER + record.size) {
		if (record.type != QV_RECORD_REFUSE)
			continue;
		count++;
		assert_int_equal(qv_reason_decode(record.payload, record.size, reason, NULL), 0);
	}
	return count;
}

static void whatever_a_caller_opens_with_the_answer_is_one_refusal(void **state)
{
	(void)state;
	uint8_t record[QV_RECORD_HEADER + 4] = { 0 };
	struct qv_error err = QV_ERROR_INIT;
	struct qv_reason reason;
	/* Pictures before any greeting, then the regular end. */
	qv_record_put_header(record, QV_RECORD_VIDEO, QV_RECORD_KEY, 1, 4);
	for (int i = 0; i < 100; i++)
		assert_int_equal(send(caller.link.fd, record, sizeof record, 0), sizeof record);
	shutdown(caller.link.fd, SHUT_WR);
	assert_int_equal(refuse(QV_REFUSE_ERROR, NULL, &err), 0);
	assert_int_equal(read_refusals(&reason), 1);
	assert_int_equal(reason.code, QV_REFUSE_ERROR);
	assert_string_equal(reason.text, "");
}

static void a_caller_that_never_says_a_word_is_not_waited_for_for_ever(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_reason reason;
	refuse(QV_REFUSE_BUSY, "soon", &err);
	assert_int_equal(read_refusals(&reason), 1);
	assert_string_equal(reason.text, "soon");
}

static void a_caller_that_is_gone_does_no_harm(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	close(caller.link.fd);
	caller.link.fd = -1;
	if (refuse(QV_REFUSE_BUSY, NULL, &err) != 0)
		assert_int_not_equal(err.code, QV_OK);
}

static void garbage_is_answered_with_the_refusal_too(void **state)
{
	(void)state;
	uint8_t garbage[512];
	struct qv_error err = QV_ERROR_INIT;
	struct qv_reason reason;
	memset(garbage, 0xff, sizeof garbage);
	assert_int_equal(send(caller.link.fd, garbage, sizeof garbage, 0), sizeof garbage);
	shutdown(caller.link.fd, SHUT_WR);
	refuse(QV_REFUSE_DENIED, NULL, &err);
	assert_int_equal(read_refusals(&reason), 1);
	assert_int_equal(reason.code, QV_REFUSE_DENIED);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_caller_is_told_the_reason_and_the_words),
		CASE(only_a_busy_end_has_words_of_its_own),
		CASE(whatever_a_caller_opens_with_the_answer_is_one_refusal),
		CASE(a_caller_that_never_says_a_word_is_not_waited_for_for_ever),
		CASE(a_caller_that_is_gone_does_no_harm),
		CASE(garbage_is_answered_with_the_refusal_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
