/* SPDX-License-Identifier: Apache-2.0 */
/* TLS backend on GnuTLS: the context that all its sessions share. */
#include "backend.h"

#include <stdlib.h>

static void tls_close(struct qv_tls *tls)
{
	if (!tls)
		return;
	tls_priorities_free(tls);
	tls_psk_free(tls);
	if (tls->certificates)
		gnutls_certificate_free_credentials(tls->certificates);
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
	if (qv_tls_common_open(&tls->common, host, options, "GnuTLS", QV_TLS_HASH_BIT(QV_TLS_SHA256), err) != 0) {
		free(tls);
		return NULL;
	}
	if (tls_priorities_setup(tls, err) != 0 || tls_psk_setup(tls, err) != 0 ||
	    tls_certificate_setup(tls, options, err) != 0) {
		tls_close(tls);
		return NULL;
	}
	return tls;
}

static void tls_facts(const struct qv_tls_session *session, struct qv_tls_facts *facts)
{
	*facts = session->facts;
}

static const struct qv_tls_class gnutls_class = {
	.head = {
		.kind = "tls",
		.name = "gnutls",
		.summary = "TLS 1.3 with QKD keys on GnuTLS",
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

static const struct qv_class *const classes[] = { &gnutls_class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND LGPL-2.1-or-later",
	.classes = classes,
};
