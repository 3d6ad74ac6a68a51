/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "socket.h"
#include "workers.h"

#define EVENT_LOOPS_MAX    4
#define CLOSING            256   /* connections that were ended and are not gone yet */
#define GATHERED_MAX       15000 /* bytes of a body that with its head fit into one TLS record */
#define CONNECTION_MEMORY  8192  /* bytes that a request's head may have; cleared before each request */
#define STOP_SECONDS       5
#define PRIORITIES         "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define REQUEST_PER_WORKER 64

struct server {
	struct MHD_Daemon *daemon;
	struct workers *workers;
	server_handler *handler;
	server_quick_handler *quick;
	void *context;
	const struct qv_log *log;
	size_t body_max;
	struct connections *connections;
	struct sockaddr_storage address;
	socklen_t address_size;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	atomic_uint calls; /* requests that are being read or answered */
	atomic_bool stopping;
};

/* One request on its way. */
struct call {
	struct job job; /* first */
	struct server *server;
	struct MHD_Connection *connection;
	char *target, *method;
	char short_target[128], short_method[8]; /* what mostly fits */
	char *body;
	size_t body_size, body_room;
	bool begun, too_large, submitted, gathered;
	struct connection *from;
	gnutls_x509_crt_t certificate;
	struct reply reply;
};

/* A copy of `text` in `room` if it fits, else in memory to be freed by free_text; NULL: none is left. */
static char *copy_text(const char *text, char *room, size_t size)
{
	size_t length = strlen(text) + 1;
	char *copy = length <= size ? room : malloc(length);
	if (copy)
		memcpy(copy, text, length);
	return copy;
}

static void free_text(char *text, const char *room)
{
	if (text != room)
		free(text);
}

static void *begin_call(void *context, const char *target, struct MHD_Connection *connection)
{
	struct server *server = context;
	struct call *call = calloc(1, sizeof *call);
	if (!call)
		return NULL;
	call->server = server;
	call->connection = connection;
	call->from = connection_of(connection);
	call->target = copy_text(target, call->short_target, sizeof call->short_target);
	atomic_fetch_add(&server->calls, 1);
	return call;
}

static void end_call(void *context, struct MHD_Connection *connection, void **state,
		     enum MHD_RequestTerminationCode code)
{
	(void)connection;
	struct server *server = context;
	struct call *call = *state;
	if (!call)
		return;
	*state = NULL;
	if (call->gathered && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		connection_flush(call->from);
	if (call->submitted && call->from)
		connection_end(call->from);
	reply_clear(&call->reply);
	free_text(call->target, call->short_target);
	free_text(call->method, call->short_method);
	free(call->body);
	free(call);
	if (atomic_fetch_sub(&server->calls, 1) == 1 && atomic_load(&server->stopping)) {
		pthread_mutex_lock(&server->lock);
		pthread_cond_broadcast(&server->idle);
		pthread_mutex_unlock(&server->lock);
	}
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
	if (reply->retry_after) {
		char seconds[16];
		snprintf(seconds, sizeof seconds, "%u", reply->retry_after);
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
	if (reply->allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
	enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_answer(struct call *call)
{
	size_t size = call->reply.body ? qv_secret_size(call->reply.body) : 0;
	call->gathered = call->from && size <= GATHERED_MAX;
	if (call->gathered)
		connection_gather(call->from);
	return send_reply(call->connection, &call->reply);
}

static void wipe_body(struct call *call)
{
	if (call->body)
		qv_wipe(call->body, call->body_size);
}

static struct request request_of(const struct call *call)
{
	return (struct request){ .method = call->method,
				 .target = call->target,
				 .body = call->body_size ? call->body : NULL,
				 .body_size = call->body_size,
				 .certificate = call->certificate,
				 .known = connection_known(call->from) };
}

static bool answer_quickly(struct call *call)
{
	struct server *server = call->server;
	struct request request = request_of(call);
	if (!server->quick || !server->quick(server->context, &request, &call->reply))
		return false;
	wipe_body(call);
	return true;
}

static void run_call(struct job *job)
{
	struct call *call = (struct call *)job;
	struct request request = request_of(call);
	call->server->handler(call->server->context, &request, &call->reply);
	wipe_body(call);
	MHD_resume_connection(call->connection);
}

static bool has_long_body(struct MHD_Connection *connection, size_t max)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return length && strtoull(length, NULL, 10) > max;
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return (length && strcmp(length, "0") != 0) ||
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
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
	call->method = copy_text(method, call->short_method, sizeof call->short_method);
	call->certificate = call->from ? connection_certificate(call->from) : NULL;
	if (!call->method || !call->target)
		return MHD_NO;
	/* An answer before the body would end the connection: right only when there is one. */
	if (!call->certificate) {
		reply_empty(&call->reply, 401);
		return has_body(call->connection) ? send_reply(call->connection, &call->reply) : MHD_YES;
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
	if (call->submitted || !call->certificate)
		return send_answer(call);
	if (call->too_large) {
		refuse_body(call);
		return send_answer(call);
	}
	if (!connection_begin(call->from))
		return MHD_NO;
	call->submitted = true;
	if (answer_quickly(call))
		return send_answer(call);
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

/* MHD wants a source of certificates; sessions get theirs from connection_notify. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
			  const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **certificates,
			  unsigned *count, gnutls_privkey_t *key)
{
	(void)session, (void)names, (void)name_count, (void)algorithms, (void)algorithm_count;
	(void)certificates, (void)count, (void)key;
	return -1;
}

/* One for each processor that this process may use: more would only take turns. */
static unsigned event_loops(void)
{
	cpu_set_t allowed;
	int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : EVENT_LOOPS_MAX;
	return count < 1 ? 1 : count > EVENT_LOOPS_MAX ? EVENT_LOOPS_MAX : (unsigned)count;
}

static int start_daemon(struct server *server, const struct listener *listener, int fd, struct qv_error *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	unsigned loops = event_loops();
	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER, log_library, server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_CERT_CALLBACK, no_certificate,
		MHD_OPTION_HTTPS_PRIORITIES, PRIORITIES, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, listener->idle_seconds, MHD_OPTION_CONNECTION_LIMIT,
		(listener->connections + CLOSING) * loops, MHD_OPTION_THREAD_POOL_SIZE, loops > 1 ? loops : 0,
		MHD_OPTION_URI_LOG_CALLBACK, begin_call, server, MHD_OPTION_NOTIFY_COMPLETED, end_call, server,
		MHD_OPTION_NOTIFY_CONNECTION, connection_notify, server->connections, MHD_OPTION_END);
	if (!server->daemon)
		return qv_fail(err, QV_E_IO, "the listener for %s cannot start", listener->name);
	return 0;
}

static void server_free(struct server *server)
{
	workers_free(server->workers);
	connections_free(server->connections);
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
	server->quick = listener->quick;
	server->context = context;
	server->log = log;
	server->body_max = listener->body_max;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->idle, NULL);
	int fd = -1;
	server->connections = connections_new(listener->connections, listener->tls, listener->metrics, log, err);
	if (server->connections)
		server->workers = workers_new(listener->workers, listener->workers * REQUEST_PER_WORKER, err);
	if (server->workers)
		fd = socket_listen(listener->listen, bound, err);
	server->address_size = sizeof server->address;
	if (fd >= 0)
		getsockname(fd, (struct sockaddr *)&server->address, &server->address_size);
	if (fd < 0 || start_daemon(server, listener, fd, err) != 0) {
		if (fd >= 0)
			close(fd);
		server_free(server);
		return NULL;
	}
	qv_log_info(log, "listening for %s on %s", listener->name, bound);
	return server;
}

socklen_t server_address(const struct server *server, struct sockaddr_storage *address)
{
	*address = server->address;
	return server->address_size;
}

void server_use(struct server *server, struct tls *tls)
{
	connections_use(server->connections, tls);
}

/* Answers that are written already still have to leave; clients that do not read them are not waited for. */
static void await_idle(struct server *server)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_SECONDS;
	atomic_store(&server->stopping, true);
	pthread_mutex_lock(&server->lock);
	while (atomic_load(&server->calls) > 0)
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
