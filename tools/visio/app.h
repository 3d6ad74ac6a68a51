/* SPDX-License-Identifier: Apache-2.0 */
/* What visio_client and visio_server share: command line, configuration, log, stopping, and the opened modules. */
#ifndef VISIO_APP_H
#define VISIO_APP_H

#include <stdbool.h>

#include <qvisio/call.h>
#include <qvisio/config.h>
#include <qvisio/loader.h>
#include <qvisio/secure.h>

#include "common_options.h"
#include "legacy_config.h"

/* Exit statuses, documented in the man pages. */
enum { EXIT_CALL_FAILED = 1, EXIT_USAGE = 2, EXIT_PEER_BUSY = 3 };

struct command_line {
	const char *config_path;
	struct common_options common;
};

/* Returns -1 to go on, or the status to exit with (--help, --version, wrong usage). */
int command_line_parse(int argc, char **argv, enum visio_role role, struct command_line *line);

/* One direction of media: a source, or sinks, and the codec. No device: this medium is not wanted. */
#define DEVICES_MAX 8
struct medium {
	struct qv_role devices[DEVICES_MAX];
	size_t device_count;
	struct qv_role codec;
};

struct app {
	struct command_line line;
	struct qv_log *log;
	struct qv_config *config;
	struct qv_options *top;  /* checked top settings */
	struct qv_options *peer; /* checked group `peer` or `listen` */
	struct qv_loader *loader;
	struct qv_host host;
	struct qv_role key_source, tls;
	struct medium video, audio;
	struct qv_secure *secure;
};

/* Reads the configuration, loads the modules of every role and opens the key source and TLS. */
int app_open(struct app *app, enum visio_role role, struct qv_error *err);

/* The first part of app_open alone, for --check: nothing but modules is opened. */
int app_configure(struct app *app, enum visio_role role, struct qv_error *err);
void app_close(struct app *app);

/* "visio_client 0.1.0", for the peer. */
const char *app_program(enum visio_role role);

#endif
