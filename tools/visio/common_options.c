/* SPDX-License-Identifier: Apache-2.0 */
#include "common_options.h"

#include <string.h>

#include <qvisio/tls.h>

#include "../number.h"

#define SECONDS_MAX 1000000

static bool parse_stats(const char *text, enum stats_mode *mode)
{
	static const char *const words[] = { "line", "json", "off" };
	for (int i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0) {
			*mode = (enum stats_mode)i;
			return true;
		}
	return false;
}

int common_options_take(struct common_options *options, int option, const char *text, const char **wrong)
{
	uint64_t seconds;
	switch (option) {
	case OPTION_STATS:
		*wrong = "--stats takes line, json or off";
		return parse_stats(text, &options->stats) ? 1 : -1;
	case OPTION_SECONDS:
		*wrong = "--seconds takes a whole number up to 1000000";
		if (!number_parse(text, 0, SECONDS_MAX, &seconds))
			return -1;
		options->seconds = (unsigned)seconds;
		return 1;
	case OPTION_LOG_LEVEL:
		*wrong = "--log-level takes error, warning, info or debug";
		options->log_level_set = true;
		return qv_log_level_parse(text, &options->log_level, NULL) == 0 ? 1 : -1;
	case OPTION_CHECK:
		options->check = true;
		return 1;
	default:
		return 0;
	}
}

int common_roles_load(const struct qv_config *config, const char *path, struct qv_loader *loader,
		      struct qv_role *key_source, struct qv_role *tls, struct qv_error *err)
{
	const struct qv_section *root = qv_config_root(config), *keys, *security;
	struct qv_tls_settings checked;
	if (qv_section_group(root, "key_source", &keys, err) != 0 ||
	    qv_section_group(root, "tls", &security, err) != 0 ||
	    qv_role_load(loader, security, "tls", "openssl", tls, err) != 0 ||
	    qv_tls_settings_read(tls->options, &checked, err) != 0)
		return -1;
	if (!keys && checked.policy == QV_TLS_QKD_OFF)
		return 0;
	if (!keys)
		return qv_fail(err, QV_E_CONFIG,
			       "%s: key_source: missing; it says where QKD keys come from: { module = …; }", path);
	return qv_role_load(loader, keys, "keysource", NULL, key_source, err);
}
