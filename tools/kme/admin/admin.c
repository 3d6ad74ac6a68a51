/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../file.h"
#include "../socket.h"
#include "../watch.h"
#include "access.h"
#include "answers.h"
#include "www.h"

#define CONNECTIONS  128
#define IDLE_SECONDS 60

struct admin {
	struct site *site;
	struct MHD_Daemon *daemon;
	struct live *live;
	struct sampler *sampler;
	struct access access;
	char **names;
	bool tls;
	char *certificate;
	struct qv_secret *private_key, *token;
};

/* One request; all run on the daemon's one thread, and none of them blocks. */
struct visit {
	struct admin *admin;
	struct kme *kme;
	struct MHD_Connection *connection;
	const char *url, *method;
};

static const char *header(const struct visit *visit, const char *name)
{
	return MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND, name);
}

static const char *session_of(const struct visit *visit)
{
	return MHD_lookup_connection_value(visit->connection, MHD_COOKIE_KIND, ACCESS_COOKIE);
}

static void add_security(struct MHD_Response *response)
{
	static const char *const headers[][2] = {
		{ "Content-Security-Policy",
		  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
		  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Permissions-Policy", "camera=(), microphone=(), geolocation=(), usb=(), payment=()" },
		{ "Cache-Control", "no-store" },
	};
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
}

/* Takes the response; NULL: no memory for it. */
static enum MHD_Result send_response(const struct visit *visit, unsigned status, const char *type,
				     struct MHD_Response *response)
{
	if (!response)
		return MHD_NO;
	add_security(response);
	if (type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	enum MHD_Result result = MHD_queue_response(visit->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_static(const struct visit *visit, unsigned status, const char *type, const void *bytes,
				   size_t size)
{
	return send_response(visit, status, type,
			     MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result send_error(const struct visit *visit, unsigned status, const char *json)
{
	return send_static(visit, status, "application/json", json, strlen(json));
}

/* Takes the text. */
static enum MHD_Result send_text(const struct visit *visit, unsigned status, const char *type, char *text)
{
	struct MHD_Response *response =
		text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE) : NULL;
	if (!response)
		free(text);
	return send_response(visit, status, type, response);
}

static enum MHD_Result visit_metrics(const struct visit *visit)
{
	struct admin *admin = visit->admin;
	return send_text(visit, 200, "text/plain; version=0.0.4; charset=utf-8",
			 answer_metrics(visit->kme, admin->sampler, admin->live));
}

static enum MHD_Result visit_health(const struct visit *visit)
{
	bool well;
	char *text = sampler_health(visit->admin->sampler, visit->kme, &well);
	return send_text(visit, well ? 200 : 503, "application/json", text);
}

static enum MHD_Result visit_kme(const struct visit *visit)
{
	return send_text(visit, 200, "application/json", answer_kme(visit->kme, visit->admin->token != NULL));
}

static enum MHD_Result visit_state(const struct visit *visit)
{
	return send_text(visit, 200, "application/json", sampler_state(visit->admin->sampler, visit->kme));
}

static enum MHD_Result visit_history(const struct visit *visit)
{
	const char *range = MHD_lookup_connection_value(visit->connection, MHD_GET_ARGUMENT_KIND, "range");
	bool day = range && strcmp(range, "day") == 0;
	if (range && !day && strcmp(range, "recent") != 0)
		return send_error(visit, 400, "{\"message\":\"range is recent or day\"}");
	return send_text(visit, 200, "application/json", answer_history(visit->admin->sampler, day));
}

static enum MHD_Result visit_relay(const struct visit *visit)
{
	if (!visit->kme->network || !visit->kme->relay)
		return send_error(visit, 404, "{\"message\":\"this KME relays no keys\"}");
	return send_text(visit, 200, "application/json", answer_relay(visit->kme));
}

static enum MHD_Result visit_events(const struct visit *visit)
{
	const char *last = header(visit, "Last-Event-ID");
	struct MHD_Response *response =
		live_stream(visit->admin->live, visit->connection, last ? strtoull(last, NULL, 10) : 0);
	if (!response)
		return send_error(visit, 503, "{\"message\":\"too many pages take live events\"}");
	return send_response(visit, 200, "text/event-stream", response);
}

static enum MHD_Result send_session(const struct visit *visit, const char *session, int seconds)
{
	char cookie[256];
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	snprintf(cookie, sizeof cookie, "%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s", ACCESS_COOKIE,
		 session, seconds, visit->admin->tls ? "; Secure" : "");
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
	return send_response(visit, 204, NULL, response);
}

static enum MHD_Result send_unauthorized(const struct visit *visit)
{
	static const char text[] = "{\"message\":\"the token is missing or wrong\"}";
	struct MHD_Response *response =
		MHD_create_response_from_buffer(sizeof text - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	return send_response(visit, 401, "application/json", response);
}

static enum MHD_Result open_session(const struct visit *visit)
{
	char session[ACCESS_SESSION_TEXT];
	if (!access_token(&visit->admin->access, header(visit, MHD_HTTP_HEADER_AUTHORIZATION)))
		return send_unauthorized(visit);
	access_open(&visit->admin->access, session);
	return send_session(visit, session, 12 * 3600);
}

static enum MHD_Result end_session(const struct visit *visit)
{
	access_end(&visit->admin->access, session_of(visit));
	return send_session(visit, "", 0);
}

static enum MHD_Result send_file(const struct visit *visit, const struct www_file *file)
{
	return send_static(visit, 200, file->type, file->bytes, file->size);
}

static enum MHD_Result redirect(const struct visit *visit, const char *where)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, where);
	return send_response(visit, 303, NULL, response);
}

/* What a person must see to log in is no secret; everything else is. */
static bool is_open(const char *url)
{
	size_t length = strlen(url);
	return strcmp(url, "/login") == 0 || (length > 4 && strcmp(url + length - 4, ".css") == 0) ||
	       (length > 3 && strcmp(url + length - 3, ".js") == 0) ||
	       (length > 4 && strcmp(url + length - 4, ".svg") == 0);
}

static enum MHD_Result get(const struct visit *visit)
{
	static const struct {
		const char *url;
		enum MHD_Result (*answer)(const struct visit *visit);
	} answers[] = {
		{ "/metrics", visit_metrics }, { "/health", visit_health },       { "/api/kme", visit_kme },
		{ "/api/state", visit_state }, { "/api/history", visit_history }, { "/api/events", visit_events },
		{ "/api/relay", visit_relay },
	};
	if (!is_open(visit->url) &&
	    !access_allowed(&visit->admin->access, header(visit, MHD_HTTP_HEADER_AUTHORIZATION), session_of(visit)))
		return strcmp(visit->url, "/") == 0 ? redirect(visit, "/login") : send_unauthorized(visit);
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		if (strcmp(visit->url, answers[i].url) == 0)
			return answers[i].answer(visit);
	for (const struct www_file *file = www_files; file->path; file++)
		if (strcmp(visit->url, file->path) == 0)
			return send_file(visit, file);
	return send_error(visit, 404, "{\"message\":\"there is no such page\"}");
}

static enum MHD_Result answer(const struct visit *visit)
{
	if (!access_host(&visit->admin->access, header(visit, MHD_HTTP_HEADER_HOST)))
		return send_error(visit, 421,
				  "{\"message\":\"the Host header names another host; see admin.host_names\"}");
	if (strcmp(visit->method, "GET") == 0 || strcmp(visit->method, "HEAD") == 0)
		return get(visit);
	if (strcmp(visit->method, "POST") == 0 && strcmp(visit->url, "/api/login") == 0)
		return open_session(visit);
	if (strcmp(visit->method, "POST") == 0 && strcmp(visit->url, "/api/logout") == 0)
		return end_session(visit);
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return send_response(visit, 405, NULL, response);
}

/* Bodies mean nothing here and are dropped. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **state)
{
	static char begun;
	(void)version;
	(void)data;
	if (!*state) {
		*state = &begun;
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	struct admin *admin = context;
	struct visit visit = {
		.admin = admin, .kme = kme_hold(admin->site), .connection = connection, .url = url, .method = method
	};
	enum MHD_Result result = answer(&visit);
	kme_release(visit.kme);
	return result;
}

static int read_options(struct admin *admin, const struct qv_options *options, struct qv_error *err)
{
	const char *token = qv_options_string(options, "token_file");
	const char *certificate = qv_options_string(options, "certificate");
	size_t names = qv_options_count(options, "host_names");
	admin->names = calloc(names + 1, sizeof *admin->names);
	if (!admin->names)
		return qv_fail(err, QV_E_NOMEM, "no memory for the admin interface");
	for (size_t i = 0; i < names; i++)
		if (!(admin->names[i] = strdup(qv_options_item(options, "host_names", i))))
			return qv_fail(err, QV_E_NOMEM, "no memory for the admin interface");
	admin->access.names = (const char *const *)admin->names;
	admin->access.name_count = names;
	if (token && !(admin->token = admin_token(token, err)))
		return -1;
	admin->access.token = admin->token;
	admin->tls = certificate;
	if (!certificate)
		return 0;
	admin->certificate = file_text(certificate, err);
	admin->private_key =
		admin->certificate ? qv_secret_from_file(qv_options_string(options, "private_key"), FILE_TEXT_MAX, err)
				   : NULL;
	return admin->private_key ? 0 : -1;
}

static int listen_on(struct admin *admin, const struct qv_options *options, char bound[SOCKET_NAME_MAX],
		     struct qv_error *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (admin->tls ? MHD_USE_TLS : 0);
	int fd = socket_listen(qv_options_string(options, "listen"), bound, err);
	if (fd < 0)
		return -1;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, admin->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, admin->tls ? qv_secret_edit(admin->private_key) : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	admin->daemon =
		MHD_start_daemon(flags, 0, NULL, NULL, handle, admin, MHD_OPTION_LISTEN_SOCKET, fd,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
				 (unsigned)CONNECTIONS, MHD_OPTION_ARRAY, admin->tls ? tls : none, MHD_OPTION_END);
	if (admin->daemon)
		return 0;
	close(fd);
	return qv_fail(err, QV_E_IO,
		       "%s: the admin interface cannot start: check that private_key is that of certificate",
		       qv_options_where(options, "listen"));
}

struct admin *admin_start(struct kme *kme, struct qv_error *err)
{
	const struct qv_options *options = kme->admin_options;
	char bound[SOCKET_NAME_MAX];
	struct admin *admin = calloc(1, sizeof *admin);
	if (!admin) {
		qv_fail(err, QV_E_NOMEM, "no memory for the admin interface");
		return NULL;
	}
	admin->site = kme->site;
	if (read_options(admin, options, err) == 0)
		admin->live = live_new((unsigned)qv_options_int(options, "event_clients"), err);
	if (admin->live)
		admin->sampler = sampler_start(kme, admin->live, err);
	if (!admin->sampler || listen_on(admin, options, bound, err) != 0) {
		admin_stop(admin);
		return NULL;
	}
	qv_log_info(kme->log, "admin interface on %s://%s/", admin->tls ? "https" : "http", bound);
	return admin;
}

void admin_event(struct admin *admin, const struct event *event)
{
	live_event(admin->live, event_json(event));
}

void admin_stop(struct admin *admin)
{
	if (!admin)
		return;
	sampler_stop(admin->sampler);
	if (admin->live)
		live_stop(admin->live);
	if (admin->daemon)
		MHD_stop_daemon(admin->daemon);
	live_free(admin->live);
	qv_secret_free(admin->token);
	qv_secret_free(admin->private_key);
	free(admin->certificate);
	for (size_t i = 0; admin->names && admin->names[i]; i++)
		free(admin->names[i]);
	free(admin->names);
	free(admin);
}
