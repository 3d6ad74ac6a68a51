/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common_options.h"
#include "otp_settings.h"

static const char *const levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const without_words[] = { "continue", "end", NULL };

static const struct qv_option top_options[] = {
	{ .name = "module_path", .type = QV_OPTION_STRINGS, .help = "Folders to look for modules in." },
	{ .name = "log_level",
	  .type = QV_OPTION_CHOICE,
	  .choices = levels,
	  .fallback = "info",
	  .help = "What is logged to standard error." },
	{ .name = "control",
	  .type = QV_OPTION_PATH,
	  .help = "Unix socket that visio ctl talks to; unset: visio.sock in $XDG_RUNTIME_DIR." },
	{ .name = "recordings",
	  .type = QV_OPTION_PATH,
	  .fallback = ".",
	  .help = "Folder for recordings and snapshots that are given no name." },
	{ .name = "reconnect",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "30",
	  .min = 0,
	  .max = 3600,
	  .unit = "s",
	  .help = "For so long a call that lost its connection looks for its peer; 0: it ends at once." },
	{ .name = NULL },
};

static const struct qv_option listen_options[] = {
	{ .name = "address",
	  .type = QV_OPTION_STRING,
	  .fallback = "0.0.0.0:14443",
	  .help = "Where callers connect to." },
	{ .name = "auto_answer",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Take every call at once, without asking anybody." },
	{ .name = NULL },
};

static const struct qv_option contact_options[] = {
	{ .name = "name", .type = QV_OPTION_STRING, .required = true, .help = "As in visio call NAME." },
	{ .name = "host", .type = QV_OPTION_STRING, .required = true, .help = "Name or address." },
	{ .name = "port", .type = QV_OPTION_INT, .fallback = "14443", .min = 1, .max = 65535, .help = "TCP port." },
	{ .name = "sae_id", .type = QV_OPTION_STRING, .help = "SAE ID, for which QKD keys are taken." },
	{ .name = NULL },
};

static const struct qv_option rekey_options[] = {
	{ .name = "interval",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "60",
	  .min = 0,
	  .max = 1000000,
	  .unit = "s",
	  .help = "Age at which the key of a call is replaced; 0: never for its age." },
	{ .name = "bytes",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 9e15,
	  .unit = "bytes",
	  .help = "That one key may protect; 0: any number." },
	{ .name = "without_key",
	  .type = QV_OPTION_CHOICE,
	  .choices = without_words,
	  .fallback = "continue",
	  .help = "When no new key is to be had: continue with the old one and a warning, or end the call." },
	{ .name = NULL },
};

static const char *const transports[] = { "srtp", "stream", NULL };

static const struct qv_option transport_options[] = {
	{ .name = "prefer",
	  .type = QV_OPTION_CHOICE,
	  .choices = transports,
	  .fallback = "srtp",
	  .help = "How media go: over UDP (SRTP) where that passes, or in the TLS session." },
	{ .name = "port",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 65535,
	  .help = "First UDP port that may be used; 0: any." },
	{ .name = "ports",
	  .type = QV_OPTION_INT,
	  .fallback = "1",
	  .min = 1,
	  .max = 1000,
	  .help = "How many from there on; each call takes one." },
	{ .name = NULL },
};

static const struct qv_option conference_options[] = {
	{ .name = "width",
	  .type = QV_OPTION_INT,
	  .fallback = "1280",
	  .min = 160,
	  .max = 8192,
	  .unit = "px",
	  .help = "Of the tiles together." },
	{ .name = "height",
	  .type = QV_OPTION_INT,
	  .fallback = "720",
	  .min = 120,
	  .max = 8192,
	  .unit = "px",
	  .help = "Of the tiles together." },
	{ .name = "fps",
	  .type = QV_OPTION_INT,
	  .fallback = "30",
	  .min = 1,
	  .max = 120,
	  .help = "Pictures a second, at most, that are made of the tiles." },
	{ .name = NULL },
};

static int check_group(const struct settings *settings, const char *name, const struct qv_option *table,
		       struct qv_options **options, struct qv_error *err)
{
	const struct qv_section *group;
	if (qv_section_group(qv_config_root(settings->config), name, &group, err) != 0)
		return -1;
	*options = qv_options_check(group, table, sizeof *table, NULL, err);
	return *options ? 0 : -1;
}

static int check_contacts(struct settings *settings, struct qv_error *err)
{
	const struct qv_section *root = qv_config_root(settings->config);
	size_t count;
	if (qv_section_list(root, "contacts", &count, err) != 0)
		return -1;
	if (count > CONTACTS_MAX)
		return qv_fail(err, QV_E_CONFIG, "%s: contacts: more than %d", qv_section_where(root), CONTACTS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct qv_options *contact = qv_options_check(qv_section_list_item(root, "contacts", i),
							      contact_options, sizeof contact_options[0], NULL, err);
		if (!contact)
			return -1;
		settings->contacts[settings->contact_count++] = contact;
	}
	return 0;
}

/* A kind of module of which the configuration names one (`sink`) or a list (`sinks`). */
struct role_list {
	const char *one, *many, *kind;
	const char *fallback; /* module of `one` where it names none; NULL: then there is nothing */
	struct qv_role *roles;
	size_t max, *count;
	struct named_roles *others; /* what `many` is beside `one`; NULL: it must not be */
};

static int load_list(struct settings *settings, const struct qv_section *outer, const struct role_list *list,
		     struct qv_error *err)
{
	const struct qv_section *one;
	size_t count;
	if (qv_section_group(outer, list->one, &one, err) != 0 || qv_section_list(outer, list->many, &count, err) != 0)
		return -1;
	if (!list->others && ((one && count > 0) || count > list->max))
		return qv_fail(err, QV_E_CONFIG, "%s: %s: give one %s, or a list of at most %zu %s",
			       qv_section_where(outer), qv_section_name(outer), list->one, list->max, list->many);
	bool single = one || (list->fallback && count == 0);
	for (size_t i = 0; i < (single ? 1 : count); i++) {
		const struct qv_section *section = single ? one : qv_section_list_item(outer, list->many, i);
		if (qv_role_load(settings->loader, section, list->kind, single ? list->fallback : NULL,
				 &list->roles[(*list->count)++], err) != 0)
			return -1;
	}
	if (!list->others)
		return 0;
	list->others->usual = &list->roles[0];
	return named_roles_load(settings->loader, outer, list->one, list->kind, list->others, err);
}

static int load_devices(struct settings *settings, const char *name, const char *codec, struct devices *devices,
			struct qv_error *err)
{
	static const struct qv_option none[] = { { .name = NULL } };
	static const struct qv_option picture_options[] = {
		{ .name = "adapt_size",
		  .type = QV_OPTION_BOOL,
		  .fallback = "true",
		  .help = "Send smaller pictures where the network carries too little for those of the source." },
		{ .name = NULL },
	};
	static const char *const groups[] = { "source", "sources", "sink", "sinks", "codec", "codecs", NULL };
	static const char *const sound_groups[] = { "source", "sources", "sink", "sinks", "codec",
						    "codecs", "filter",  "otp",  NULL };
	const struct qv_section *outer, *source, *sink, *filter;
	char kind[32];
	if (qv_section_group(qv_config_root(settings->config), name, &outer, err) != 0)
		return -1;
	if (!outer)
		return 0;
	bool sound = strcmp(name, "audio") == 0;
	struct qv_options *options = qv_options_check(outer, sound ? none : picture_options, sizeof none[0],
						      sound ? sound_groups : groups, err);
	devices->adapt_size = options && !sound && qv_options_bool(options, "adapt_size");
	qv_options_free(options);
	if (!options || qv_section_group(outer, "source", &source, err) != 0 ||
	    qv_section_group(outer, "filter", &filter, err) != 0)
		return -1;
	snprintf(kind, sizeof kind, "%ssource", name);
	if (source && qv_role_load(settings->loader, source, kind, NULL, &devices->source, err) != 0)
		return -1;
	devices->sources.usual = &devices->source;
	if (named_roles_load(settings->loader, outer, "source", kind, &devices->sources, err) != 0)
		return -1;
	snprintf(kind, sizeof kind, "%sfilter", name);
	if (filter && qv_role_load(settings->loader, filter, kind, NULL, &devices->filter, err) != 0)
		return -1;
	snprintf(kind, sizeof kind, "%ssink", name);
	struct role_list sinks = {
		"sink", "sinks", kind, NULL, devices->sinks, DEVICES_MAX, &devices->sink_count, NULL
	};
	if (qv_section_group(outer, "sink", &sink, err) != 0)
		return -1;
	/* Beside the one sink of sound, the list is of those that can take its place. */
	sinks.others = sink && sound ? &devices->others : NULL;
	if (load_list(settings, outer, &sinks, err) != 0)
		return -1;
	snprintf(kind, sizeof kind, "%scodec", name);
	struct role_list codecs = {
		"codec", "codecs", kind, codec, devices->codecs, QV_CALL_CODECS_MAX, &devices->codec_count, NULL
	};
	return load_list(settings, outer, &codecs, err);
}

/* SRTP is used where it is to be had, and is an error only where it was asked for and is not. */
static int load_transport(struct settings *settings, struct qv_error *err)
{
	static const char *const groups[] = { "srtp", NULL };
	const struct qv_section *outer, *srtp = NULL;
	struct qv_error why = QV_ERROR_INIT;
	if (qv_section_group(qv_config_root(settings->config), "transport", &outer, err) != 0)
		return -1;
	settings->transport = qv_options_check(outer, transport_options, sizeof transport_options[0], groups, err);
	if (!settings->transport || (outer && qv_section_group(outer, "srtp", &srtp, err) != 0))
		return -1;
	if (strcmp(qv_options_string(settings->transport, "prefer"), "stream") == 0)
		return 0;
	if (qv_role_load(settings->loader, srtp, "srtp", "libsrtp2", &settings->srtp, srtp ? err : &why) == 0)
		return 0;
	if (srtp)
		return -1;
	qv_log_warning(settings->log, "media go in the TLS session, not over UDP: %s", why.message);
	return 0;
}

static int check_whole(const struct settings *settings, struct qv_error *err)
{
	const struct devices *video = &settings->video, *audio = &settings->audio;
	if (!video->source.class && !audio->source.class && !video->sink_count && !audio->sink_count)
		return qv_fail(err, QV_E_CONFIG, "%s: video, audio: neither a source nor a sink is configured",
			       settings->path);
	for (size_t i = 0; i < settings->contact_count; i++)
		if (settings->key_source.class && !qv_options_has(settings->contacts[i], "sae_id"))
			return qv_options_fail(settings->contacts[i], "sae_id", err,
					       "missing; QKD keys are taken for the SAE ID of the peer");
	return 0;
}

static int set_level(struct settings *settings, const enum qv_log_level *log_level, struct qv_error *err)
{
	enum qv_log_level level = log_level ? *log_level : QV_LOG_INFO;
	if (!log_level && qv_log_level_parse(qv_options_string(settings->top, "log_level"), &level, err) != 0)
		return -1;
	qv_log_set_level(settings->log, level);
	return 0;
}

int settings_load(struct settings *settings, const char *path, const enum qv_log_level *log_level, struct qv_error *err)
{
	static const char *const groups[] = { "key_source", "tls",   "listen",     "contacts",  "video",
					      "audio",      "rekey", "conference", "transport", NULL };
	*settings = (struct settings){ .path = path };
	settings->log = qv_log_new("visio", QV_LOG_INFO, qv_log_format_for(STDERR_FILENO), STDERR_FILENO);
	if (!settings->log)
		return qv_fail(err, QV_E_NOMEM, "no memory for the log");
	settings->host = (struct qv_host){
		.size = sizeof settings->host, .log = settings->log, .clock = &qv_clock_monotonic, .cancel_fd = -1
	};
	settings->config = qv_config_load(path, err);
	if (!settings->config)
		return -1;
	settings->top =
		qv_options_check(qv_config_root(settings->config), top_options, sizeof top_options[0], groups, err);
	if (!settings->top || set_level(settings, log_level, err) != 0 ||
	    check_group(settings, "listen", listen_options, &settings->listen, err) != 0 ||
	    check_group(settings, "rekey", rekey_options, &settings->rekey, err) != 0 ||
	    check_group(settings, "conference", conference_options, &settings->conference, err) != 0 ||
	    check_contacts(settings, err) != 0)
		return -1;
	settings->loader = qv_loader_new(settings->top, settings->log, err);
	if (!settings->loader ||
	    common_roles_load(settings->config, path, settings->loader, &settings->key_source, &settings->tls, err) !=
		    0 ||
	    load_devices(settings, "video", "mjpeg", &settings->video, err) != 0 ||
	    load_devices(settings, "audio", "pcm", &settings->audio, err) != 0 || load_transport(settings, err) != 0)
		return -1;
	return otp_settings_read(settings, err) == 0 ? check_whole(settings, err) : -1;
}

int settings_open(struct settings *settings, struct qv_error *err)
{
	settings->secure = qv_secure_open(&settings->host, &settings->key_source, &settings->tls, err);
	return settings->secure ? 0 : -1;
}

static void free_devices(struct devices *devices)
{
	qv_role_free(&devices->source);
	named_roles_free(&devices->sources);
	named_roles_free(&devices->others);
	for (size_t i = 0; i < QV_CALL_CODECS_MAX; i++)
		qv_role_free(&devices->codecs[i]);
	qv_role_free(&devices->filter);
	for (size_t i = 0; i < DEVICES_MAX; i++)
		qv_role_free(&devices->sinks[i]);
}

void settings_close(struct settings *settings)
{
	qv_secure_close(settings->secure);
	qv_role_free(&settings->key_source);
	qv_role_free(&settings->tls);
	qv_role_free(&settings->srtp);
	free_devices(&settings->video);
	free_devices(&settings->audio);
	qv_loader_free(settings->loader);
	for (size_t i = 0; i < settings->contact_count; i++)
		qv_options_free(settings->contacts[i]);
	qv_options_free(settings->listen);
	qv_options_free(settings->rekey);
	qv_options_free(settings->conference);
	qv_options_free(settings->transport);
	qv_options_free(settings->otp);
	qv_options_free(settings->top);
	qv_config_free(settings->config);
	qv_log_free(settings->log);
}

const struct qv_options *settings_contact(const struct settings *settings, const char *name, struct qv_error *err)
{
	char known[300] = "";
	size_t used = 0;
	for (size_t i = 0; i < settings->contact_count; i++) {
		const char *has = qv_options_string(settings->contacts[i], "name");
		if (strcmp(has, name) == 0)
			return settings->contacts[i];
		if (used < sizeof known)
			used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", has);
	}
	qv_fail(err, QV_E_NOT_FOUND, "%s: contacts: nobody is called \"%s\" (known: %s)", settings->path, name,
		known[0] ? known : "none");
	return NULL;
}
