/* SPDX-License-Identifier: Apache-2.0 */
/* TLS backend on OpenSSL: the context that all its sessions share. */
#include "backend.h"

#include <stdlib.h>

#include <openssl/err.h>

/* What a session starts with: under require the suites that nearly every key takes, to set them once and not each time. */
static const char *first_suites(const struct qv_tls *tls)
{
	const struct qv_tls_settings *settings = &tls->common.settings;
	return settings->policy == QV_TLS_QKD_REQUIRE ? tls_suites(settings->hash) : tls_suites_classic;
}

/* Sets what every session has in common: TLS 1.3, no resumption, no early data, no tickets, our groups. */
static bool setup_protocol(struct qv_tls *tls)
{
	SSL_CTX *context = tls->context;
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ALLOW_NO_DHE_KEX);
	if (tls->common.settings.kex == QV_TLS_PSK_KE)
		SSL_CTX_set_options(context, SSL_OP_ALLOW_NO_DHE_KEX);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(context, 1);
	/* The system's openssl.cnf may have set keylog or limits of its own; the versions are ours to decide. */
	return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1 &&
	       SSL_CTX_set_recv_max_early_data(context, 0) == 1 &&
	       SSL_CTX_set_ciphersuites(context, first_suites(tls)) == 1 &&
	       SSL_CTX_set1_groups_list(context, tls_groups) == 1;
}

static int setup(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err)
{
	ERR_clear_error();
	tls->context = SSL_CTX_new(TLS_method());
	tls->socket_method = tls_socket_method_new();
	if (!tls->context || !tls->socket_method || !setup_protocol(tls))
		return qv_fail(err, QV_E_INTERNAL, "%s: OpenSSL cannot be set up for TLS 1.3: %s", tls->common.where,
			       tls_library_error());
	tls_psk_setup(tls->context);
	return tls_certificate_setup(tls, options, err);
}

static void tls_close(struct qv_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->socket_method);
	qv_tls_common_close(&tls->common);
	free(tls);
}

static struct qv_tls *tls_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	struct qv_tls *tls = calloc(1, sizeof *tls);
	if (!tls) {
		qv_fail(err, QV_E_NOMEM, "no memory for TLS");
		return NULL;
	}
	unsigned hashes = QV_TLS_HASH_BIT(QV_TLS_SHA256) | QV_TLS_HASH_BIT(QV_TLS_SHA384);
	if (qv_tls_common_open(&tls->common, host, options, "OpenSSL", hashes, err) != 0) {
		free(tls);
		return NULL;
	}
	if (setup(tls, options, err) != 0) {
		tls_close(tls);
		return NULL;
	}
	return tls;
}

static void tls_facts(const struct qv_tls_session *session, struct qv_tls_facts *facts)
{
	*facts = session->facts;
}

static const struct qv_tls_class openssl_class = {
	.head = {
		.kind = "tls",
		.name = "openssl",
		.summary = "TLS 1.3 with QKD keys on OpenSSL 3",
		.abi_major = QV_TLS_ABI_MAJOR,
		.abi_minor = QV_TLS_ABI_MINOR,
		.size = sizeof(struct qv_tls_class),
		.option_size = sizeof(struct qv_option),
		.options = qv_tls_options,
	},
	.open = tls_open,
	.close = tls_close,
	.connect = tls_connect,
	.accept = tls_accept,
	.read = tls_read,
	.write = tls_write,
	.pending = tls_pending,
	.shutdown = tls_shutdown,
	.export_key = tls_export_key,
	.facts = tls_facts,
	.free = tls_free,
};

static const struct qv_class *const classes[] = { &openssl_class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
