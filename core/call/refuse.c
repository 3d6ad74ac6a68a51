/* SPDX-License-Identifier: Apache-2.0 */
/* Turning a caller away. */
#include "connection.h"

/* Whatever the caller opens with, the answer is the same. */
static int take_record(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	(void)side;
	(void)record;
	(void)err;
	return 0;
}

static int woken(struct side *side, struct qv_error *err)
{
	(void)side;
	(void)err;
	return 0;
}

static void second(struct side *side, bool last)
{
	(void)side;
	(void)last;
}

static const struct side_class refuser_class = { .record = take_record, .woken = woken, .second = second };

static const char *usual_text(enum qv_refusal code)
{
	return code == QV_REFUSE_BUSY ? "in a call with somebody else, try again later" : NULL;
}

int qv_call_refuse(const struct qv_link *link, enum qv_refusal code, const char *text, const struct qv_host *host,
		   struct qv_error *err)
{
	static const struct qv_call_limits limits = { .bye_timeout_ms = 1000 };
	static const struct qv_error none = QV_ERROR_INIT;
	struct connection *connection = connection_new(link, host, &limits, err);
	if (!connection)
		return -1;
	connection_refuse(connection, code, text ? text : usual_text(code), &none);
	int outcome = connection_run(connection, &refuser_class, NULL, err);
	connection_free(connection);
	return outcome;
}
