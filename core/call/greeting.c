/* SPDX-License-Identifier: Apache-2.0 */
/* The first records of a session, read and written while nobody runs a call over it. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"

static bool has_record(const struct qv_greeting *greeting, struct qv_record *record)
{
	/* What is no record at all is also for the call to judge. */
	return qv_record_parse(greeting->bytes, greeting->size, record, NULL) != 0;
}

static int wait_for(const struct qv_link *link, int io, int64_t deadline, const struct qv_host *host,
		    struct qv_error *err)
{
	int64_t left = (deadline - qv_clock_now(&qv_clock_monotonic)) / QV_NS_PER_MS;
	short events = io == QV_TLS_IO_WANT_WRITE ? POLLOUT : POLLIN;
	int ready = left > 0 ? qv_wait_fd(link->fd, events, (int)left, host->cancel_fd, err) : 0;
	if (ready == 0)
		return qv_fail(err, QV_E_TIMEOUT, "the peer said nothing in its new session in time");
	return ready < 0 ? -1 : 0;
}

/* Reads until there is a record, at most `step` bytes at a time. */
static int read_record(const struct qv_link *link, struct qv_greeting *greeting, size_t step,
		       const struct qv_host *host, int timeout_ms, struct qv_error *err)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	struct qv_record record;
	while (!has_record(greeting, &record)) {
		size_t got = 0, room = sizeof greeting->bytes - greeting->size;
		int io = link->tls->read(link->session, greeting->bytes + greeting->size, room < step ? room : step,
					 &got, err);
		if (io < 0)
			return -1;
		if (io == QV_TLS_IO_DONE)
			greeting->size += got;
		else if (wait_for(link, io, deadline, host, err) != 0)
			return -1;
	}
	return 0;
}

struct qv_greeting *qv_greeting_read(const struct qv_link *link, const struct qv_host *host, int timeout_ms,
				     struct qv_error *err)
{
	struct qv_greeting *greeting = calloc(1, sizeof *greeting);
	if (!greeting) {
		qv_fail(err, QV_E_NOMEM, "no memory for a greeting");
		return NULL;
	}
	if (read_record(link, greeting, sizeof greeting->bytes, host, timeout_ms, err) == 0)
		return greeting;
	qv_greeting_free(greeting);
	return NULL;
}

void qv_greeting_free(struct qv_greeting *greeting)
{
	if (greeting)
		qv_wipe(greeting->bytes, greeting->size);
	free(greeting);
}

bool qv_greeting_attaches(const struct qv_greeting *greeting)
{
	struct qv_record record;
	return qv_record_parse(greeting->bytes, greeting->size, &record, NULL) == 1 && record.type == QV_RECORD_ATTACH;
}

bool qv_greeting_conference(const struct qv_greeting *greeting, uint8_t id[QV_CONFERENCE_ID])
{
	struct qv_record record;
	struct qv_hello hello;
	if (qv_record_parse(greeting->bytes, greeting->size, &record, NULL) != 1 || record.type != QV_RECORD_HELLO ||
	    qv_hello_decode(record.payload, record.size, &hello, NULL) != 0 || !hello.in_conference)
		return false;
	memcpy(id, hello.conference, QV_CONFERENCE_ID);
	return true;
}

struct qv_secret *attach_token(const struct qv_link *link)
{
	struct qv_secret *token = link->tls->export_key ? qv_secret_new(QV_ATTACH_TOKEN, NULL) : NULL;
	if (!token || link->tls->export_key(link->session, QV_ATTACH_LABEL, token, NULL) == 0)
		return token;
	qv_secret_free(token);
	return NULL;
}

static int write_all(const struct qv_link *link, const uint8_t *bytes, size_t size, const struct qv_host *host,
		     int64_t deadline, struct qv_error *err)
{
	while (size > 0) {
		size_t put = 0;
		int io = link->tls->write(link->session, bytes, size, &put, err);
		if (io < 0 || (io != QV_TLS_IO_DONE && wait_for(link, io, deadline, host, err) != 0))
			return -1;
		bytes += put;
		size -= put;
	}
	return 0;
}

/* An ATTACHED, or the REFUSE of a peer that wants nothing of it. */
static int judge_answer(const struct qv_greeting *answer, bool resumes, struct qv_error *err)
{
	struct qv_record record;
	struct qv_reason reason;
	if (qv_record_parse(answer->bytes, answer->size, &record, err) < 0)
		return -1;
	bool refused =
		record.type == QV_RECORD_REFUSE && qv_reason_decode(record.payload, record.size, &reason, NULL) == 0;
	if (refused && resumes && reason.code == QV_REFUSE_DENIED)
		return qv_fail(err, QV_E_GONE, "the peer does not have the call any more");
	if (refused)
		return qv_fail(err, QV_E_DENIED, "the peer did not take the new session: %s", reason.text);
	if (record.type != QV_RECORD_ATTACHED || answer->size != QV_RECORD_HEADER + record.size)
		return qv_fail(err, QV_E_PROTOCOL, "the peer did not answer the request to continue the call");
	return 0;
}

int attach_ask(const struct qv_link *link, const struct attach_request *request, const struct qv_host *host,
	       int timeout_ms, struct qv_error *err)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	uint8_t bytes[QV_RECORD_HEADER + QV_ATTACH_RESUME_SIZE];
	size_t size = request->resumes ? QV_ATTACH_RESUME_SIZE : QV_ATTACH_SIZE;
	struct qv_greeting *answer = calloc(1, sizeof *answer);
	if (!answer)
		return qv_fail(err, QV_E_NOMEM, "no memory for a greeting");
	qv_record_put_header(bytes, QV_RECORD_ATTACH, request->resumes ? QV_RECORD_GIVES_UP : 0, 0, size);
	if (request->resumes)
		qv_attach_encode_resume(qv_secret_bytes(request->token), request->generation, bytes + QV_RECORD_HEADER);
	else
		qv_attach_encode(qv_secret_bytes(request->token), bytes + QV_RECORD_HEADER);
	int status = write_all(link, bytes, QV_RECORD_HEADER + size, host, deadline, err);
	if (status == 0)
		status = read_record(link, answer, 1, host, timeout_ms, err); /* what follows is for the call */
	if (status == 0)
		status = judge_answer(answer, request->resumes, err);
	qv_wipe(bytes, sizeof bytes);
	qv_greeting_free(answer);
	return status;
}

int attach_leave(const struct qv_link *link, const struct qv_host *host, int timeout_ms, struct qv_error *err)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	struct qv_reason reason = { .code = QV_BYE_STOPPED };
	uint8_t bytes[QV_RECORD_HEADER + 2 + QV_REASON_TEXT_MAX], rest[512];
	int size = qv_reason_encode(&reason, bytes + QV_RECORD_HEADER, sizeof bytes - QV_RECORD_HEADER, err);
	if (size < 0)
		return -1;
	qv_record_put_header(bytes, QV_RECORD_BYE, 0, 0, (size_t)size);
	if (write_all(link, bytes, QV_RECORD_HEADER + (size_t)size, host, deadline, err) != 0)
		return -1;
	for (int io; (io = link->tls->shutdown(link->session, err)) != QV_TLS_IO_DONE;)
		if (io < 0 || wait_for(link, io, deadline, host, err) != 0)
			return -1;
	/* A socket closed with bytes unread takes back what was sent. */
	for (int io;;) {
		size_t got = 0;
		struct qv_error why = QV_ERROR_INIT;
		io = link->tls->read(link->session, rest, sizeof rest, &got, &why);
		if (io < 0)
			return 0;
		if (qv_clock_now(&qv_clock_monotonic) >= deadline)
			return qv_fail(err, QV_E_TIMEOUT, "the peer did not end its session in time");
		if (io != QV_TLS_IO_DONE && wait_for(link, io, deadline, host, err) != 0)
			return -1;
	}
}

int attach_confirm(const struct qv_link *link, struct qv_error *err)
{
	uint8_t bytes[QV_RECORD_HEADER];
	size_t put = 0;
	qv_record_put_header(bytes, QV_RECORD_ATTACHED, 0, 0, 0);
	int io = link->tls->write(link->session, bytes, sizeof bytes, &put, err);
	if (io < 0)
		return -1;
	/* A new session has room for eight bytes. */
	return io == QV_TLS_IO_DONE && put == sizeof bytes ? 0
							   : qv_fail(err, QV_E_IO, "the new session takes no answer");
}
