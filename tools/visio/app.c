/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stop.h"

#define CONFIG_SIZE_MAX ((off_t)1024 * 1024)

static const char *const levels[] = { "error", "warning", "info", "debug", NULL };

static const struct qv_option top_options[] = {
	{ .name = "module_path",
	  .type = QV_OPTION_STRINGS,
	  .help = "Folders to look for modules in, before the built-in one." },
	{ .name = "log_level",
	  .type = QV_OPTION_CHOICE,
	  .choices = levels,
	  .fallback = "info",
	  .help = "What is logged to standard error." },
	{ .name = NULL },
};

static const struct qv_option peer_options[] = {
	{ .name = "host", .type = QV_OPTION_STRING, .required = true, .help = "Name or address of the visio_server." },
	{ .name = "port", .type = QV_OPTION_INT, .fallback = "14443", .min = 1, .max = 65535, .help = "Its TCP port." },
	{ .name = "sae_id", .type = QV_OPTION_STRING, .help = "Its SAE ID, for which QKD keys are taken." },
	{ .name = "connect_timeout",
	  .type = QV_OPTION_INT,
	  .fallback = "10000",
	  .min = 100,
	  .max = 600000,
	  .unit = "ms",
	  .help = "How long the connection may take." },
	{ .name = "congestion_control",
	  .type = QV_OPTION_STRING,
	  .help = "TCP congestion control of this connection; by default the system's." },
	{ .name = NULL },
};

static const struct qv_option listen_options[] = {
	{ .name = "address",
	  .type = QV_OPTION_STRING,
	  .fallback = "0.0.0.0:14443",
	  .help = "Where callers connect to: host:port; port 0 takes a free one." },
	{ .name = "max_handshakes",
	  .type = QV_OPTION_INT,
	  .fallback = "64",
	  .min = 1,
	  .max = 1024,
	  .help = "Callers that may be in their handshake at once; more wait in the queue." },
	{ .name = NULL },
};

/* The whole file as text, so that its first character tells JSON from libconfig. */
static char *read_text(const char *path, struct qv_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;
	if (fd < 0 || fstat(fd, &st) != 0) {
		qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
	} else if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_SIZE_MAX) {
		qv_fail(err, QV_E_CONFIG, "%s: not a file of at most 1 MiB", path);
	} else if (!(text = calloc(1, (size_t)st.st_size + 1))) {
		qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
	} else if (read(fd, text, (size_t)st.st_size) != st.st_size) {
		qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static struct qv_config *load_config(const char *path, enum visio_role role, struct qv_error *err)
{
	char *text = read_text(path, err);
	if (!text)
		return NULL;
	struct qv_config *config;
	if (legacy_config_is_json(text))
		config = legacy_config_parse(text, path, role, err);
	else
		config = qv_config_load(path, err);
	qv_wipe(text, strlen(text));
	free(text);
	return config;
}

static int check_top(struct app *app, enum visio_role role, struct qv_error *err)
{
	static const char *const client_groups[] = { "key_source", "tls", "peer", "video", "audio", NULL };
	static const char *const server_groups[] = { "key_source", "tls", "listen", "video", "audio", NULL };
	const struct qv_section *root = qv_config_root(app->config), *group;
	bool client = role == VISIO_CLIENT;
	app->top =
		qv_options_check(root, top_options, sizeof top_options[0], client ? client_groups : server_groups, err);
	if (!app->top || qv_section_group(root, client ? "peer" : "listen", &group, err) != 0)
		return -1;
	if (client && !group)
		return qv_fail(err, QV_E_CONFIG, "%s: peer: missing; it says whom to call: { host = …; sae_id = …; }",
			       app->line.config_path);
	app->peer =
		qv_options_check(group, client ? peer_options : listen_options, sizeof(struct qv_option), NULL, err);
	enum qv_log_level level = app->line.common.log_level;
	if (app->peer && !app->line.common.log_level_set &&
	    qv_log_level_parse(qv_options_string(app->top, "log_level"), &level, err) != 0)
		return -1;
	qv_log_set_level(app->log, level);
	return app->peer ? 0 : -1;
}

/* `sink: {…}` or `sinks: ( {…}, {…} )`; a client has one `source`. */
static int load_devices(struct app *app, const struct qv_section *outer, const char *device, const char *kind,
			struct medium *medium, struct qv_error *err)
{
	char list[16];
	const struct qv_section *one;
	size_t count;
	snprintf(list, sizeof list, "%ss", device);
	if (qv_section_group(outer, device, &one, err) != 0 || qv_section_list(outer, list, &count, err) != 0)
		return -1;
	if (!one == (count == 0))
		return qv_fail(
			err, QV_E_CONFIG, "%s: %s.%s: %s", qv_section_where(outer), qv_section_name(outer), device,
			one ? "given as a list too; use one of both" : "missing; it names the module: { module = …; }");
	if (count > DEVICES_MAX)
		return qv_fail(err, QV_E_CONFIG, "%s: %s.%s: more than %d", qv_section_where(outer),
			       qv_section_name(outer), list, DEVICES_MAX);
	for (size_t i = 0; i < (one ? 1 : count); i++) {
		const struct qv_section *section = one ? one : qv_section_list_item(outer, list, i);
		if (qv_role_load(app->loader, section, kind, NULL, &medium->devices[medium->device_count++], err) != 0)
			return -1;
	}
	return 0;
}

static int load_medium(struct app *app, enum visio_role role, const char *name, const char *codec,
		       struct medium *medium, struct qv_error *err)
{
	static const struct qv_option none[] = { { .name = NULL } };
	static const char *const client_groups[] = { "source", "codec", NULL };
	static const char *const server_groups[] = { "sink", "sinks", "codec", NULL };
	const char *device = role == VISIO_CLIENT ? "source" : "sink";
	const struct qv_section *outer, *codec_section;
	char kind[32];
	if (qv_section_group(qv_config_root(app->config), name, &outer, err) != 0)
		return -1;
	if (!outer)
		return 0;
	struct qv_options *options = qv_options_check(outer, none, sizeof none[0],
						      role == VISIO_CLIENT ? client_groups : server_groups, err);
	qv_options_free(options);
	snprintf(kind, sizeof kind, "%s%s", name, device);
	if (!options || load_devices(app, outer, device, kind, medium, err) != 0 ||
	    qv_section_group(outer, "codec", &codec_section, err) != 0)
		return -1;
	snprintf(kind, sizeof kind, "%scodec", name);
	return qv_role_load(app->loader, codec_section, kind, codec, &medium->codec, err);
}

static int check_whole(struct app *app, enum visio_role role, struct qv_error *err)
{
	if (!app->video.device_count && !app->audio.device_count)
		return qv_fail(err, QV_E_CONFIG, "%s: neither video nor audio is configured; a call needs one of them",
			       app->line.config_path);
	if (role == VISIO_CLIENT && app->key_source.class && !qv_options_has(app->peer, "sae_id"))
		return qv_options_fail(app->peer, "sae_id", err,
				       "missing; QKD keys are taken for the SAE ID of the peer");
	return 0;
}

int app_configure(struct app *app, enum visio_role role, struct qv_error *err)
{
	app->log = qv_log_new(role == VISIO_CLIENT ? "visio_client" : "visio_server", QV_LOG_INFO,
			      qv_log_format_for(STDERR_FILENO), STDERR_FILENO);
	if (!app->log)
		return qv_fail(err, QV_E_NOMEM, "no memory for the log");
	app->host = (struct qv_host){ .size = sizeof app->host, .log = app->log, .clock = &qv_clock_monotonic };
	app->host.cancel_fd = -1;
	if (qv_secret_harden_process(err) != 0)
		return -1;
	app->config = load_config(app->line.config_path, role, err);
	if (!app->config || check_top(app, role, err) != 0)
		return -1;
	app->loader = qv_loader_new(app->top, app->log, err);
	if (!app->loader ||
	    common_roles_load(app->config, app->line.config_path, app->loader, &app->key_source, &app->tls, err) != 0 ||
	    load_medium(app, role, "video", "mjpeg", &app->video, err) != 0 ||
	    load_medium(app, role, "audio", "pcm", &app->audio, err) != 0)
		return -1;
	return check_whole(app, role, err);
}

int app_open(struct app *app, enum visio_role role, struct qv_error *err)
{
	if (app_configure(app, role, err) != 0)
		return -1;
	app->host.cancel_fd = stop_descriptor(app->line.common.seconds, err);
	if (app->host.cancel_fd < 0)
		return -1;
	app->secure = qv_secure_open(&app->host, &app->key_source, &app->tls, err);
	return app->secure ? 0 : -1;
}

void app_close(struct app *app)
{
	struct qv_role *const roles[] = { &app->key_source, &app->tls, &app->video.codec, &app->audio.codec };
	qv_secure_close(app->secure);
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		qv_role_free(roles[i]);
	for (size_t i = 0; i < DEVICES_MAX; i++) {
		qv_role_free(&app->video.devices[i]);
		qv_role_free(&app->audio.devices[i]);
	}
	qv_loader_free(app->loader);
	qv_options_free(app->peer);
	qv_options_free(app->top);
	qv_config_free(app->config);
	if (app->host.cancel_fd >= 0)
		close(app->host.cancel_fd);
	qv_log_free(app->log);
}
