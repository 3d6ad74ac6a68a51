/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind tls, module "older": OpenSSL, for an end as it was before repair packets. Field 10 of what it says and hears in HELLO
 * and WELCOME becomes one that nobody knows, which is as if it were not there.
 */
#include <stdint.h>
#include <string.h>

#include <qvisio/session.h>
#include <qvisio/tls.h>

#define HELLO_HEAD    8 /* magic and versions, before the fields */
#define FIELD_HEAD    4
#define FIELD_REPAIRS 10
#define FIELD_UNKNOWN 0x4a4a

/* The module itself, compiled under this name. */
extern const struct qv_module aged;

static const struct qv_tls_class *real(void)
{
	return (const struct qv_tls_class *)(const void *)aged.classes[0];
}

static size_t number(const uint8_t *bytes, int count)
{
	size_t value = 0;
	while (count-- > 0)
		value = value << 8 | *bytes++;
	return value;
}

/* The bytes of a greeting that stands whole at the beginning; 0: none does. */
static size_t greeting(const uint8_t *bytes, size_t size)
{
	struct qv_record record;
	if (qv_record_parse(bytes, size, &record, NULL) != 1 || record.size < HELLO_HEAD ||
	    (record.type != QV_RECORD_HELLO && record.type != QV_RECORD_WELCOME))
		return 0;
	return QV_RECORD_HEADER + record.size;
}

static void age(uint8_t *bytes, size_t size)
{
	for (size_t at = QV_RECORD_HEADER + HELLO_HEAD; at + FIELD_HEAD <= size;
	     at += FIELD_HEAD + number(bytes + at + 2, 2))
		if (number(bytes + at, 2) == FIELD_REPAIRS) {
			bytes[at] = FIELD_UNKNOWN >> 8;
			bytes[at + 1] = FIELD_UNKNOWN & 0xff;
		}
}

static int older_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err)
{
	int status = real()->read(session, bytes, size, got, err);
	if (status == QV_TLS_IO_DONE)
		age(bytes, greeting(bytes, *got));
	return status;
}

static int older_write(struct qv_tls_session *session, const void *bytes, size_t size, size_t *put,
		       struct qv_error *err)
{
	uint8_t aged_bytes[QV_RECORD_SIZE_MAX];
	size_t whole = greeting(bytes, size);
	if (whole == 0)
		return real()->write(session, bytes, size, put, err);
	memcpy(aged_bytes, bytes, whole);
	age(aged_bytes, whole);
	return real()->write(session, aged_bytes, whole, put, err);
}

static struct qv_tls *older_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	return real()->open(host, options, err);
}

static void older_close(struct qv_tls *tls)
{
	real()->close(tls);
}

static struct qv_tls_session *older_connect(struct qv_tls *tls, int fd, const char *host, const struct qv_tls_psk *psk,
					    struct qv_error *err)
{
	return real()->connect(tls, fd, host, psk, err);
}

static struct qv_tls_session *older_accept(struct qv_tls *tls, int fd, const struct qv_tls_finder *finder,
					   struct qv_error *err)
{
	return real()->accept(tls, fd, finder, err);
}

static bool older_pending(const struct qv_tls_session *session)
{
	return real()->pending(session);
}

static int older_shutdown(struct qv_tls_session *session, struct qv_error *err)
{
	return real()->shutdown(session, err);
}

static int older_export_key(struct qv_tls_session *session, const char *label, struct qv_secret *out,
			    struct qv_error *err)
{
	return real()->export_key(session, label, out, err);
}

static void older_facts(const struct qv_tls_session *session, struct qv_tls_facts *facts)
{
	real()->facts(session, facts);
}

static void older_free(struct qv_tls_session *session)
{
	real()->free(session);
}

static const struct qv_tls_class older = {
	.head = { .kind = "tls",
		  .name = "older",
		  .summary = "OpenSSL, for an end that knows no repair packets",
		  .abi_major = QV_TLS_ABI_MAJOR,
		  .abi_minor = QV_TLS_ABI_MINOR,
		  .size = sizeof(struct qv_tls_class),
		  .option_size = sizeof(struct qv_option),
		  .options = qv_tls_options },
	.open = older_open,
	.close = older_close,
	.connect = older_connect,
	.accept = older_accept,
	.read = older_read,
	.write = older_write,
	.pending = older_pending,
	.shutdown = older_shutdown,
	.export_key = older_export_key,
	.facts = older_facts,
	.free = older_free,
};

static const struct qv_class *const classes[] = { &older.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
