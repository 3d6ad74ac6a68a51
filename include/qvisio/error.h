/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: every fallible function returns 0 or -1 (or a count, or a pointer and NULL) and fills a
 * struct qv_error that its caller owns. Safe on any thread; one struct belongs to one thread at a time.
 */
#ifndef QVISIO_ERROR_H
#define QVISIO_ERROR_H

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_ERROR_MESSAGE_MAX 768

enum qv_code {
	QV_OK = 0,
	QV_E_INVALID,     /* an argument or input that can never be accepted */
	QV_E_CONFIG,      /* the configuration is wrong; the message starts with file:line */
	QV_E_MODULE,      /* a module is absent, unloadable or of another ABI */
	QV_E_NOMEM,       /* out of (locked) memory */
	QV_E_IO,          /* a file, socket or device failed */
	QV_E_NOT_FOUND,   /* what was named does not exist */
	QV_E_DENIED,      /* authentication or authorisation failed */
	QV_E_TIMEOUT,     /* the time allowed ran out */
	QV_E_CANCELLED,   /* the host's cancel descriptor asked to stop */
	QV_E_END,         /* regular end: of a file, of a stream closed with close_notify, of a window */
	QV_E_TRUNCATED,   /* a stream stopped before its regular end */
	QV_E_PROTOCOL,    /* the peer sent what its protocol does not allow */
	QV_E_NO_KEY,      /* no key is available now; later may do */
	QV_E_BUSY,        /* in use by another */
	QV_E_GONE,        /* a device was unplugged */
	QV_E_UNSUPPORTED, /* this backend or build cannot do it */
	QV_E_INTERNAL     /* a defect: please report it */
};

struct qv_error {
	enum qv_code code;
	char message[QV_ERROR_MESSAGE_MAX]; /* UTF-8, one line, never holds a secret */
};

/* Starts an error value: code QV_OK and an empty message. */
#define QV_ERROR_INIT                                                                                                  \
	{                                                                                                              \
		QV_OK, ""                                                                                              \
	}

/*
 * Records code and message and returns -1, so that a function can end with `return qv_fail(…)`.
 * The message says what failed, on what, why, and what a person can do. `err` may be NULL.
 */
int qv_fail(struct qv_error *err, enum qv_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As qv_fail, and appends ": " and the text of the errno value `errnum`. */
int qv_fail_errno(struct qv_error *err, enum qv_code code, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts context in front of a recorded message ("context: message") on its way up. Returns -1. */
int qv_error_prefix(struct qv_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A stable lower-case word for a code ("no-key"), for logs and JSON. Never NULL. */
const char *qv_code_name(enum qv_code code);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
