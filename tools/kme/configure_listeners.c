/* SPDX-License-Identifier: Apache-2.0 */
/* Groups sae_api and kme_api: where to listen, and with which certificates. */
#include "configure.h"

#define LISTENER_OPTIONS(who, count)                                                                                   \
	{ .name = "listen",                                                                                            \
	  .type = QV_OPTION_STRING,                                                                                    \
	  .required = true,                                                                                            \
	  .help = "Address and port for " who ", as host:port; port 0 takes a free one." },                            \
		{ .name = "certificate",                                                                               \
		  .type = QV_OPTION_PATH,                                                                              \
		  .required = true,                                                                                    \
		  .help = "PEM file: certificate of this KME, followed by intermediate ones." },                       \
		{ .name = "private_key",                                                                               \
		  .type = QV_OPTION_PATH,                                                                              \
		  .required = true,                                                                                    \
		  .help = "PEM file (mode 0600) with its key." },                                                      \
		{ .name = "ca",                                                                                        \
		  .type = QV_OPTION_PATH,                                                                              \
		  .required = true,                                                                                    \
		  .help = "PEM file: the CAs that certificates of " who " come from; no others are known." },          \
		{ .name = "crl",                                                                                       \
		  .type = QV_OPTION_PATH,                                                                              \
		  .help = "PEM file: a certificate revocation list of each of these CAs; default: none." },            \
		{ .name = "workers",                                                                                   \
		  .type = QV_OPTION_INT,                                                                               \
		  .fallback = count,                                                                                   \
		  .min = 1,                                                                                            \
		  .max = 256,                                                                                          \
		  .help = "Requests answered at the same time." },                                                     \
		{ .name = "connections",                                                                               \
		  .type = QV_OPTION_INT,                                                                               \
		  .fallback = "4096",                                                                                  \
		  .min = 1,                                                                                            \
		  .max = 65536,                                                                                        \
		  .help = "Connections open at the same time." },                                                      \
	{                                                                                                              \
		.name = "idle_timeout", .type = QV_OPTION_INT, .fallback = "60", .min = 1, .max = 86400, .unit = "s",  \
		.help = "A connection without traffic is closed after this time."                                      \
	}

static const struct qv_option sae_api_options[] = {
	LISTENER_OPTIONS("SAEs", "16"),
	{ .name = "max_body",
	  .type = QV_OPTION_INT,
	  .fallback = "65536",
	  .min = 1024,
	  .max = 1048576,
	  .unit = "bytes",
	  .help = "Largest request body." },
	{ .name = NULL },
};

static const struct qv_option kme_api_options[] = {
	LISTENER_OPTIONS("KMEs", "16"),
	{ .name = "timeout",
	  .type = QV_OPTION_INT,
	  .fallback = "5000",
	  .min = 100,
	  .max = 60000,
	  .unit = "ms",
	  .help = "How long a peer may take to answer." },
	{ .name = NULL },
};

/* An API's group; NULL in `*api` when it is absent and not needed. */
static int read_api(const struct qv_section *root, const char *name, const struct qv_option *table, bool needed,
		    struct qv_options **api, struct tls **tls, struct qv_error *err)
{
	const struct qv_section *section;
	if (qv_section_group(root, name, &section, err) != 0)
		return -1;
	if (!section && needed)
		return qv_fail(err, QV_E_CONFIG, "%s: %s: missing; it says where to listen and with which certificate",
			       qv_section_where(root), name);
	if (!section)
		return 0;
	*api = qv_options_check(section, table, OPTION_SIZE, NULL, err);
	if (!*api || configure_check_address(*api, "listen", err) != 0)
		return -1;
	*tls = tls_load(*api, err);
	return *tls ? 0 : -1;
}

int configure_sae_api(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	return read_api(root, "sae_api", sae_api_options, true, &kme->sae_api, &kme->sae_tls, err);
}

int configure_kme_api(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	size_t peers;
	if (qv_section_list(root, "peers", &peers, err) != 0)
		return -1;
	return read_api(root, "kme_api", kme_api_options, peers > 0, &kme->kme_api, &kme->kme_tls, err);
}
