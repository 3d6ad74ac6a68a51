/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of `visio`: what of it a call needs, opened. */
#ifndef VISIO_SETTINGS_H
#define VISIO_SETTINGS_H

#include "app.h"
#include "named_roles.h"

#define CONTACTS_MAX 256

/* Both directions of a medium. */
struct devices {
	struct qv_role source;      /* class NULL: nothing is sent */
	struct named_roles sources; /* that may take its place */
	struct qv_role sinks[DEVICES_MAX];
	size_t sink_count;                         /* 0: nothing is received */
	struct named_roles others;                 /* that may take the place of the only sink */
	struct qv_role codecs[QV_CALL_CODECS_MAX]; /* in the order of preference */
	size_t codec_count;
	struct qv_role filter; /* of captured sound; class NULL: none */
	bool adapt_size;       /* of pictures */
};

struct settings {
	const char *path;
	struct qv_log *log;
	struct qv_host host;
	struct qv_config *config;
	struct qv_options *top, *listen, *rekey, *conference, *transport, *otp;
	struct qv_options *contacts[CONTACTS_MAX];
	size_t contact_count;
	struct qv_loader *loader;
	struct qv_role key_source, tls;
	struct qv_role srtp; /* class NULL: media go in the session */
	struct devices video, audio;
	struct qv_secure *secure;
};

/* Reads the file and loads the modules; `log_level` NULL: what the file says. */
int settings_load(struct settings *settings, const char *path, const enum qv_log_level *log_level,
		  struct qv_error *err);
/* Opens the key source and TLS, with the host's cancel descriptor set. */
int settings_open(struct settings *settings, struct qv_error *err);
void settings_close(struct settings *settings);

/* The contact of that name; NULL with err, which names those that there are. */
const struct qv_options *settings_contact(const struct settings *settings, const char *name, struct qv_error *err);

#endif
