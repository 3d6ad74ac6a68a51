/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "socket.h"
#include "workers.h"

#define EVENT_LOOPS        2
#define STOP_SECONDS       5
#define PRIORITIES         "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define REQUEST_PER_WORKER 64

struct server {
	struct MHD_Daemon *daemon;
	struct workers *workers;
	server_handler *handler;
	void *context;
	const struct qv_log *log;
	size_t body_max;
	char *certificate, *ca;
	struct qv_secret *private_key;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned calls; /* requests that are being read or answered */
};

/* One request on its way. */
struct call {
	struct job job; /* first */
	struct server *server;
	struct MHD_Connection *connection;
	char *target;
	char *method;
	char *body;
	size_t body_size, body_room;
	bool begun, too_large, submitted;
	gnutls_x509_crt_t certificate;
	struct reply reply;
};

static void *begin_call(void *context, const char *target, struct MHD_Connection *connection)
{
	struct server *server = context;
	struct call *call = calloc(1, sizeof *call);
	if (!call)
		return NULL;
	call->server = server;
	call->connection = connection;
	call->target = strdup(target);
	pthread_mutex_lock(&server->lock);
	server->calls++;
	pthread_mutex_unlock(&server->lock);
	return call;
}

static void end_call(void *context, struct MHD_Connection *connection, void **state,
		     enum MHD_RequestTerminationCode code)
{
	(void)connection;
	(void)code;
	struct server *server = context;
	struct call *call = *state;
	if (!call)
		return;
	*state = NULL;
	if (call->certificate)
		gnutls_x509_crt_deinit(call->certificate);
	reply_clear(&call->reply);
	free(call->target);
	free(call->method);
	free(call->body);
	free(call);
	pthread_mutex_lock(&server->lock);
	if (--server->calls == 0)
		pthread_cond_broadcast(&server->idle);
	pthread_mutex_unlock(&server->lock);
}

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info ? (gnutls_session_t)info->tls_session : NULL;
}

/* Before the handshake: without a certificate that verifies for TLS clients, there is no session. */
static void require_certificate(void *context, struct MHD_Connection *connection, void **state,
				enum MHD_ConnectionNotificationCode code)
{
	static gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
						 .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	(void)context;
	(void)state;
	gnutls_session_t session = session_of(connection);
	if (code != MHD_CONNECTION_NOTIFY_STARTED || !session)
		return;
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert2(session, &purpose, 1, 0);
}

static gnutls_x509_crt_t certificate_of(struct MHD_Connection *connection)
{
	gnutls_session_t session = session_of(connection);
	unsigned count = 0;
	const gnutls_datum_t *chain = session ? gnutls_certificate_get_peers(session, &count) : NULL;
	gnutls_x509_crt_t certificate;
	if (!chain || count == 0 || gnutls_x509_crt_init(&certificate) != 0)
		return NULL;
	if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0)
		return certificate;
	gnutls_x509_crt_deinit(certificate);
	return NULL;
}

static void free_secret(void *secret)
{
	qv_secret_free(secret);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct reply *reply)
{
	struct qv_secret *body = reply->body;
	reply->body = NULL;
	struct MHD_Response *response =
		body ? MHD_create_response_from_buffer_with_free_callback_cls(qv_secret_size(body),
									      qv_secret_edit(body), free_secret, body)
		     : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	if (!response) {
		qv_secret_free(body);
		return MHD_NO;
	}
	if (body)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (reply->allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
	enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static void run_call(struct job *job)
{
	struct call *call = (struct call *)job;
	struct request request = { .method = call->method,
				   .target = call->target,
				   .body = call->body_size ? call->body : NULL,
				   .body_size = call->body_size,
				   .certificate = call->certificate };
	call->server->handler(call->server->context, &request, &call->reply);
	if (call->body)
		qv_wipe(call->body, call->body_size);
	MHD_resume_connection(call->connection);
}

static bool has_long_body(struct MHD_Connection *connection, size_t max)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return length && strtoull(length, NULL, 10) > max;
}

static void refuse_body(struct call *call)
{
	char limit[32];
	snprintf(limit, sizeof limit, "%zu", call->server->body_max);
	reply_detail(&call->reply, 413, "the request body is too large", "max_bytes", limit);
}

static enum MHD_Result head_arrived(struct call *call, const char *method)
{
	call->begun = true;
	call->method = strdup(method);
	call->certificate = certificate_of(call->connection);
	if (!call->method || !call->target)
		return MHD_NO;
	if (!call->certificate) {
		reply_empty(&call->reply, 401);
		return send_reply(call->connection, &call->reply);
	}
	if (has_long_body(call->connection, call->server->body_max)) {
		refuse_body(call);
		return send_reply(call->connection, &call->reply);
	}
	return MHD_YES;
}

/* One byte more than the body is kept, for an ending zero. */
static enum MHD_Result body_arrived(struct call *call, const char *data, size_t size)
{
	if (call->too_large || size > call->server->body_max - call->body_size) {
		call->too_large = true;
		return MHD_YES;
	}
	if (call->body_size + size + 1 > call->body_room) {
		size_t room = (call->body_size + size + 1) * 2;
		char *grown = realloc(call->body, room);
		if (!grown)
			return MHD_NO;
		call->body = grown;
		call->body_room = room;
	}
	memcpy(call->body + call->body_size, data, size);
	call->body_size += size;
	call->body[call->body_size] = '\0';
	return MHD_YES;
}

static enum MHD_Result all_arrived(struct call *call)
{
	if (call->submitted)
		return send_reply(call->connection, &call->reply);
	if (call->too_large) {
		refuse_body(call);
		return send_reply(call->connection, &call->reply);
	}
	call->submitted = true;
	call->job.run = run_call;
	MHD_suspend_connection(call->connection);
	if (!workers_submit(call->server->workers, &call->job)) {
		reply_error(&call->reply, 503, "too many requests are waiting; try again", NULL);
		MHD_resume_connection(call->connection);
	}
	return MHD_YES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **state)
{
	(void)context;
	(void)connection;
	(void)url;
	(void)version;
	struct call *call = *state;
	if (!call)
		return MHD_NO;
	if (!call->begun)
		return head_arrived(call, method);
	if (*size == 0)
		return all_arrived(call);
	enum MHD_Result result = body_arrived(call, data, *size);
	*size = 0;
	return result;
}

__attribute__((format(printf, 2, 0))) static void log_library(void *context, const char *format, va_list args)
{
	const struct server *server = context;
	char line[512];
	vsnprintf(line, sizeof line, format, args);
	line[strcspn(line, "\r\n")] = '\0';
	qv_log_debug(server->log, "libmicrohttpd: %s", line);
}

static int read_files(struct server *server, const struct listener *listener, struct qv_error *err)
{
	server->certificate = file_text(listener->certificate, err);
	server->ca = server->certificate ? file_text(listener->ca, err) : NULL;
	server->private_key = server->ca ? qv_secret_from_file(listener->private_key, FILE_TEXT_MAX, err) : NULL;
	return server->private_key ? 0 : -1;
}

int server_check_file(const char *path, bool secret, struct qv_error *err)
{
	char *text = secret ? NULL : file_text(path, err);
	struct qv_secret *key = secret ? qv_secret_from_file(path, FILE_TEXT_MAX, err) : NULL;
	int result = text || key ? 0 : -1;
	free(text);
	qv_secret_free(key);
	return result;
}

static int start_daemon(struct server *server, const struct listener *listener, int fd, struct qv_error *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER, log_library, server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT, server->certificate, MHD_OPTION_HTTPS_MEM_KEY,
		(const char *)qv_secret_bytes(server->private_key), MHD_OPTION_HTTPS_MEM_TRUST, server->ca,
		MHD_OPTION_HTTPS_PRIORITIES, PRIORITIES, MHD_OPTION_CONNECTION_TIMEOUT, listener->idle_seconds,
		MHD_OPTION_CONNECTION_LIMIT, listener->connections, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)EVENT_LOOPS,
		MHD_OPTION_URI_LOG_CALLBACK, begin_call, server, MHD_OPTION_NOTIFY_COMPLETED, end_call, server,
		MHD_OPTION_NOTIFY_CONNECTION, require_certificate, server, MHD_OPTION_END);
	if (!server->daemon)
		return qv_fail(
			err, QV_E_IO,
			"the listener for %s cannot start: check that %s is the key of %s (PEM) and that %s holds "
			"CA certificates",
			listener->name, listener->private_key, listener->certificate, listener->ca);
	return 0;
}

static void server_free(struct server *server)
{
	workers_free(server->workers);
	free(server->certificate);
	free(server->ca);
	qv_secret_free(server->private_key);
	pthread_cond_destroy(&server->idle);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

struct server *server_start(const struct listener *listener, server_handler *handler, void *context,
			    const struct qv_log *log, struct qv_error *err)
{
	char bound[SOCKET_NAME_MAX];
	struct server *server = calloc(1, sizeof *server);
	if (!server) {
		qv_fail(err, QV_E_NOMEM, "no memory for the listener for %s", listener->name);
		return NULL;
	}
	server->handler = handler;
	server->context = context;
	server->log = log;
	server->body_max = listener->body_max;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->idle, NULL);
	int fd = -1;
	if (read_files(server, listener, err) == 0)
		server->workers = workers_new(listener->workers, listener->workers * REQUEST_PER_WORKER, err);
	if (server->workers)
		fd = socket_listen(listener->listen, bound, err);
	if (fd < 0 || start_daemon(server, listener, fd, err) != 0) {
		if (fd >= 0)
			close(fd);
		server_free(server);
		return NULL;
	}
	qv_log_info(log, "listening for %s on %s", listener->name, bound);
	return server;
}

/* Answers that are written already still have to leave; clients that do not read them are not waited for. */
static void await_idle(struct server *server)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_SECONDS;
	pthread_mutex_lock(&server->lock);
	while (server->calls > 0)
		if (pthread_cond_clockwait(&server->idle, &server->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&server->lock);
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	MHD_socket fd = MHD_quiesce_daemon(server->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
	await_idle(server);
	workers_drain(server->workers);
	MHD_stop_daemon(server->daemon);
	server_free(server);
}
