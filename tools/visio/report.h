/* SPDX-License-Identifier: Apache-2.0 */
/* What a call tool prints on standard output: events, one line of statistics a second, and a summary at the end. */
#ifndef VISIO_REPORT_H
#define VISIO_REPORT_H

#include <jansson.h>

#include <qvisio/call.h>
#include <qvisio/secure.h>

#include "app.h"

/* Where a call's reports go; also the observer of the call. One per call. */
struct report {
	struct qv_call_observer observer; /* first: the call hands this back */
	enum stats_mode mode;
	enum visio_role role;
	const struct qv_secure_session *secure;
	const char *peer; /* address of the other end */
	bool line_open;   /* a line of statistics stands on the terminal */
};

void report_init(struct report *report, enum stats_mode mode, enum visio_role role,
		 const struct qv_secure_session *secure, const char *peer);

/* What a line of statistics says, as a new reference. */
json_t *report_stats_json(const struct report *report, const struct qv_call_stats *stats);

/* Before any call: where the server listens. */
void report_listening(enum stats_mode mode, const char *address);

/* The session is up: how it is secured. */
void report_secured(struct report *report);

/* A caller was told that this end is busy. */
void report_refused(enum stats_mode mode, const char *peer);

/* One-time pads of sound: an object, or null where they are off. */
/* {"width", "height"} of the pictures that are sent; null: none yet. */
json_t *report_size_json(const struct qv_call_stats *stats);

json_t *report_otp_json(const struct qv_call_otp_state *state);

/* The call is over, regularly (`err` NULL) or not. */
void report_summary(struct report *report, const struct qv_call_result *result, const struct qv_error *err);

#endif
