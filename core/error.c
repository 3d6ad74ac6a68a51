/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/error.h>

#include <stdio.h>
#include <string.h>

/* Keeps a message to one line: a file name or a peer's text may hold anything. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

int qv_fail(struct qv_error *err, enum qv_code code, const char *format, ...)
{
	if (!err)
		return -1;
	char message[QV_ERROR_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	flatten(message);
	err->code = code;
	memcpy(err->message, message, sizeof message);
	return -1;
}

int qv_fail_errno(struct qv_error *err, enum qv_code code, int errnum, const char *format, ...)
{
	char message[QV_ERROR_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	char text[128];
	return qv_fail(err, code, "%s: %s", message, strerror_r(errnum, text, sizeof text));
}

int qv_error_prefix(struct qv_error *err, const char *format, ...)
{
	if (!err)
		return -1;
	char context[QV_ERROR_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(context, sizeof context, format, args);
	va_end(args);
	char message[QV_ERROR_MESSAGE_MAX];
	memcpy(message, err->message, sizeof message);
	return qv_fail(err, err->code, "%s: %s", context, message);
}

const char *qv_code_name(enum qv_code code)
{
	static const char *const names[] = {
		[QV_OK] = "ok",
		[QV_E_INVALID] = "invalid",
		[QV_E_CONFIG] = "config",
		[QV_E_MODULE] = "module",
		[QV_E_NOMEM] = "no-memory",
		[QV_E_IO] = "io",
		[QV_E_NOT_FOUND] = "not-found",
		[QV_E_DENIED] = "denied",
		[QV_E_TIMEOUT] = "timeout",
		[QV_E_CANCELLED] = "cancelled",
		[QV_E_END] = "end",
		[QV_E_TRUNCATED] = "truncated",
		[QV_E_PROTOCOL] = "protocol",
		[QV_E_NO_KEY] = "no-key",
		[QV_E_BUSY] = "busy",
		[QV_E_GONE] = "gone",
		[QV_E_UNSUPPORTED] = "unsupported",
		[QV_E_INTERNAL] = "internal",
	};
	unsigned index = (unsigned)code;
	return index < sizeof names / sizeof names[0] ? names[index] : "unknown";
}
