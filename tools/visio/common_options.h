/* SPDX-License-Identifier: Apache-2.0 */
/* Options on the command line that all call tools take, and the roles that all their configurations have. */
#ifndef VISIO_COMMON_OPTIONS_H
#define VISIO_COMMON_OPTIONS_H

#include <stdbool.h>

#include <qvisio/config.h>
#include <qvisio/loader.h>
#include <qvisio/log.h>

enum stats_mode { STATS_LINE, STATS_JSON, STATS_OFF };

struct common_options {
	enum stats_mode stats;
	bool log_level_set;
	enum qv_log_level log_level;
	unsigned seconds; /* stop after so many; 0: never */
	bool check;       /* judge the configuration, and end */
};

/* For getopt_long; a tool's own options begin at OPTION_OWN. */
enum { OPTION_STATS = 256, OPTION_SECONDS, OPTION_LOG_LEVEL, OPTION_CHECK, OPTION_OWN };
#define COMMON_OPTIONS                                                                                                 \
	{ "stats", required_argument, NULL, OPTION_STATS }, { "seconds", required_argument, NULL, OPTION_SECONDS },    \
		{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },                                            \
	{                                                                                                              \
		"check", no_argument, NULL, OPTION_CHECK                                                               \
	}

/* 1: taken; 0: it is none of these; -1: `wrong` says what the option takes. */
int common_options_take(struct common_options *options, int option, const char *text, const char **wrong);

/* Of the groups `key_source` and `tls`. Without the former, `tls` must say that no QKD keys are used. */
int common_roles_load(const struct qv_config *config, const char *path, struct qv_loader *loader,
		      struct qv_role *key_source, struct qv_role *tls, struct qv_error *err);

#endif
