/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions through a TLS module, as a program of ours makes them. */
#include "tls.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/loader.h>
#include <qvisio/tls.h>

struct bench_tls_context {
	struct qv_loader *loader;
	const struct qv_tls_class *class;
	struct qv_tls *tls;
	struct qv_tls_psk psk;
};

struct bench_tls_end {
	const struct qv_tls_class *class;
	struct qv_tls_session *session;
	int fd;
};

static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

static bool complain(const struct qv_error *err)
{
	fprintf(stderr, "bench: %s\n", err->message);
	return false;
}

static void close_context(struct bench_tls_context *context)
{
	if (context->tls)
		context->class->close(context->tls);
	qv_tls_psk_clear(&context->psk);
	qv_loader_free(context->loader);
	free(context);
}

static struct bench_tls_context *open_context(const char *name, bool psk_ke)
{
	struct bench_tls_context *context = calloc(1, sizeof *context);
	struct qv_error err = QV_ERROR_INIT;
	const char *assignments[] = { psk_ke ? "kex=psk_ke" : "kex=psk_dhe_ke", NULL };
	context->loader = qv_loader_new(NULL, NULL, &err);
	const struct qv_class *class = context->loader ? qv_loader_get(context->loader, "tls", name, &err) : NULL;
	struct qv_options *options =
		class ? qv_options_from_strings(assignments, class->options, class->option_size, "bench", &err) : NULL;
	if (options) {
		context->class = qv_tls_class(class);
		context->tls = context->class->open(&host, options, &err);
		context->psk.identity_size = strlen(BENCH_TLS_IDENTITY);
		memcpy(context->psk.identity, BENCH_TLS_IDENTITY, context->psk.identity_size);
		context->psk.key = qv_secret_copy(bench_tls_key, sizeof bench_tls_key, &err);
	}
	qv_options_free(options);
	if (context->tls && context->psk.key)
		return context;
	complain(&err);
	close_context(context);
	return NULL;
}

static struct bench_tls_context *open_openssl(bool psk_ke)
{
	return open_context("openssl", psk_ke);
}

static struct bench_tls_context *open_gnutls(bool psk_ke)
{
	return open_context("gnutls", psk_ke);
}

static int find(struct qv_tls_lookup *lookup, const uint8_t *identity, size_t size, struct qv_tls_psk *psk,
		struct qv_error *why)
{
	(void)lookup;
	if (size != strlen(BENCH_TLS_IDENTITY) || memcmp(identity, BENCH_TLS_IDENTITY, size) != 0)
		return 0;
	psk->hash = QV_TLS_SHA256;
	psk->key = qv_secret_copy(bench_tls_key, sizeof bench_tls_key, why);
	return psk->key ? 1 : -1;
}

static struct bench_tls_end *shake(struct bench_tls_context *context, int fd, bool server)
{
	static const struct qv_tls_finder finder = { .find = find };
	struct qv_error err = QV_ERROR_INIT;
	struct bench_tls_end *end = malloc(sizeof *end);
	*end = (struct bench_tls_end){ .class = context->class, .fd = fd };
	end->session = server ? context->class->accept(context->tls, fd, &finder, &err)
			      : context->class->connect(context->tls, fd, "localhost", &context->psk, &err);
	if (end->session)
		return end;
	complain(&err);
	free(end);
	return NULL;
}

static bool wait_for(int fd, int want)
{
	struct pollfd one = { .fd = fd, .events = want == QV_TLS_IO_WANT_WRITE ? POLLOUT : POLLIN };
	return poll(&one, 1, -1) == 1;
}

static bool send_all(struct bench_tls_end *end, const void *bytes, size_t size)
{
	struct qv_error err = QV_ERROR_INIT;
	const char *from = bytes;
	while (size > 0) {
		size_t put = 0;
		int result = end->class->write(end->session, from, size, &put, &err);
		if (result < 0 || (result > 0 && !wait_for(end->fd, result)))
			return complain(&err);
		if (result == 0) {
			from += put;
			size -= put;
		}
	}
	return true;
}

static bool receive_all(struct bench_tls_end *end, void *bytes, size_t size)
{
	struct qv_error err = QV_ERROR_INIT;
	char *to = bytes;
	while (size > 0) {
		size_t got = 0;
		int result = end->class->read(end->session, to, size, &got, &err);
		if (result < 0 || (result > 0 && !wait_for(end->fd, result)))
			return complain(&err);
		if (result == 0) {
			to += got;
			size -= got;
		}
	}
	return true;
}

static void end_session(struct bench_tls_end *end)
{
	end->class->free(end->session);
	free(end);
}

const struct bench_tls bench_tls_module_openssl = {
	.name = "openssl",
	.open = open_openssl,
	.close = close_context,
	.shake = shake,
	.send = send_all,
	.receive = receive_all,
	.end = end_session,
};

const struct bench_tls bench_tls_module_gnutls = {
	.name = "gnutls",
	.open = open_gnutls,
	.close = close_context,
	.shake = shake,
	.send = send_all,
	.receive = receive_all,
	.end = end_session,
};
