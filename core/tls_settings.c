/* SPDX-License-Identifier: Apache-2.0 */
/* The options that all TLS backends share, and what they mean together. */
#include <qvisio/tls.h>

#include <string.h>

static const char *const policies[] = { "require", "prefer", "off", NULL };
static const char *const kexes[] = { "psk_dhe_ke", "psk_ke", NULL };
static const char *const hashes[] = { "sha256", "sha384", NULL };

const struct qv_option qv_tls_options[] = {
	{ .name = "qkd",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "require",
	  .choices = policies,
	  .help = "Whether a QKD key must key the session, is used when the peer can, or is not used." },
	{ .name = "kex",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "psk_dhe_ke",
	  .choices = kexes,
	  .help = "Whether a Diffie-Hellman exchange is mixed with the QKD key, or the key stands alone." },
	{ .name = "hash",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "sha256",
	  .choices = hashes,
	  .help = "Hash of the key schedule that a client names for its keys; GnuTLS peers take sha256 only." },
	{ .name = "certificate",
	  .type = QV_OPTION_PATH,
	  .help = "PEM file with this side's certificate and its chain, for peers without QKD." },
	{ .name = "private_key", .type = QV_OPTION_PATH, .help = "PEM file with the key of that certificate." },
	{ .name = "ca",
	  .type = QV_OPTION_PATH,
	  .help = "PEM file with the authorities to trust instead of the system's." },
	{ .name = "verify_client",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Whether a server refuses clients without QKD that show no valid certificate." },
	{ .name = "server_name",
	  .type = QV_OPTION_STRING,
	  .help = "Name that the server's certificate must have, if it is not the host called." },
	{ .name = "handshake_timeout",
	  .type = QV_OPTION_INT,
	  .fallback = "10000",
	  .min = 100,
	  .max = 600000,
	  .unit = "ms",
	  .help = "How long a handshake may take." },
	{ .name = NULL },
};

static int index_of(const char *const *choices, const char *choice)
{
	int index = 0;
	while (choices[index] && strcmp(choices[index], choice) != 0)
		index++;
	return index;
}

int qv_tls_settings_read(const struct qv_options *options, struct qv_tls_settings *settings, struct qv_error *err)
{
	*settings = (struct qv_tls_settings){
		.policy = (enum qv_tls_policy)index_of(policies, qv_options_string(options, "qkd")),
		.kex = (enum qv_tls_kex)index_of(kexes, qv_options_string(options, "kex")),
		.hash = (enum qv_tls_hash)index_of(hashes, qv_options_string(options, "hash")),
		.certificate = qv_options_string(options, "certificate"),
		.private_key = qv_options_string(options, "private_key"),
		.ca = qv_options_string(options, "ca"),
		.verify_client = qv_options_bool(options, "verify_client"),
		.server_name = qv_options_string(options, "server_name"),
		.handshake_timeout_ms = (int)qv_options_int(options, "handshake_timeout"),
	};
	if (settings->certificate && !settings->private_key)
		return qv_options_fail(options, "certificate", err, "private_key is missing beside it");
	if (settings->private_key && !settings->certificate)
		return qv_options_fail(options, "private_key", err, "certificate is missing beside it");
	return 0;
}

void qv_tls_psk_clear(struct qv_tls_psk *psk)
{
	qv_secret_free(psk->key);
	*psk = (struct qv_tls_psk){ .key = NULL };
}
