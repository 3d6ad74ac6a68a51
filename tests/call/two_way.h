/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of a two-way call in one process, joined by sockets; the caller makes new sessions as a program would. */
#ifndef TESTS_CALL_TWO_WAY_H
#define TESTS_CALL_TWO_WAY_H

#include <stdatomic.h>
#include <stdbool.h>

#include <qvisio/call_control.h>

#include "parts.h"

/* One end, with all that may steer it. */
struct two_way {
	struct qv_call_observer observer;
	struct qv_call_renewal renewal;
	struct end end;
	enum qv_call_role role;
	struct qv_call_plan plan;
	struct two_way *other;
	struct qv_roster roster; /* of the last such event */
	atomic_int happened[QV_CALL_HAPPENINGS];
	struct qv_call_event last[QV_CALL_HAPPENINGS];
	atomic_int made, released, fails, waits;
	char lost_text[QV_ERROR_MESSAGE_MAX]; /* of the last QV_CALL_LINK_LOST */
	struct qv_tls_session *newest;        /* that it uses, or will; under parts_lock */
	bool answers, takes;                  /* when it rings */
};

/* In `fails`: what is begun fails when it is cancelled, and what comes after that succeeds. 1: all fails at once. */
#define FAILS_UNTIL_CANCELLED 2
#define FAILS_UNHEARD         3 /* nobody listens there */

extern struct two_way caller, answerer;

int setup(void **state);
int teardown(void **state);
#define TWO_WAY(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* The caller attaches a fresh session each `interval_ms`; with 0 only when it is asked, or has to. */
void with_renewal(int interval_ms);

void start(struct two_way *way);
void join_both(void);

/* Until it has that value, or for half a minute. */
bool await(atomic_int *counter, int value);

void assert_regular(const struct two_way *way);
void assert_all_arrived(const struct two_way *from, const struct two_way *to);

#endif
