/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON configuration of the original Rust tools, translated into ours. Every key of it is honoured, with the
 * defaults that its document gives; the table is in visio_client(1) and visio_server(1).
 */
#ifndef VISIO_LEGACY_CONFIG_H
#define VISIO_LEGACY_CONFIG_H

#include <stdbool.h>

#include <qvisio/config.h>

enum visio_role { VISIO_CLIENT, VISIO_SERVER };

/* Whether the text is JSON rather than libconfig: its first character other than white space is a brace. */
bool legacy_config_is_json(const char *text);

/* Messages name `path` and the line of the JSON text. Relative paths are the working folder's, as in the original. */
struct qv_config *legacy_config_parse(const char *text, const char *path, enum visio_role role, struct qv_error *err);

#endif
