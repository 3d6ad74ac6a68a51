/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "input.h"
#include "server.h"

#define CHAIN_MAX 8

/* How far a handshake has come. */
enum stage { STAGE_SILENT, STAGE_HELLO, STAGE_ANSWERED, STAGE_CERTIFICATE, STAGE_ESTABLISHED };

/* libmicrohttpd corks the socket once and then believes that it is corked. Another version may do it for each answer. */
enum cork { CORK_UNKNOWN, CORK_TAKEN_OFF, CORK_NEVER_AGAIN, CORK_EVERY_TIME };

struct connection {
	struct connection *before, *after; /* in the list of its kind, longest idle first */
	struct connections *connections;
	struct tls *tls; /* of the handshake */
	struct MHD_Connection *http;
	int fd;
	bool listed, heard, ended;
	enum stage stage;
	uint64_t checked; /* generation of credentials that its certificate was checked with */
	bool admitted;
	time_t until; /* its certificate or the CRL expires; 0: never */
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned chain_count;
	struct known_caller known;
	enum cork cork;
	struct input input;
};

struct queue {
	struct connection *first, *last;
};

struct connections {
	pthread_mutex_t lock;
	struct tls *tls;
	atomic_uint_fast64_t generation;
	unsigned max, count;
	bool shedding;
	struct queue strangers; /* without any request so far */
	struct queue idle;
	struct metrics *metrics;
	const struct qv_log *log;
};

struct connections *connections_new(unsigned max, struct tls *tls, struct metrics *metrics, const struct qv_log *log,
				    struct qv_error *err)
{
	struct connections *connections = calloc(1, sizeof *connections);
	if (!connections) {
		qv_fail(err, QV_E_NOMEM, "no memory for connections");
		return NULL;
	}
	pthread_mutex_init(&connections->lock, NULL);
	connections->max = max;
	connections->tls = tls_hold(tls);
	connections->metrics = metrics;
	connections->log = log;
	atomic_init(&connections->generation, 1);
	return connections;
}

void connections_free(struct connections *connections)
{
	if (!connections)
		return;
	tls_release(connections->tls);
	pthread_mutex_destroy(&connections->lock);
	free(connections);
}

void connections_use(struct connections *connections, struct tls *tls)
{
	struct tls *next = tls_hold(tls);
	pthread_mutex_lock(&connections->lock);
	struct tls *before = connections->tls;
	connections->tls = next;
	atomic_fetch_add(&connections->generation, 1);
	pthread_mutex_unlock(&connections->lock);
	tls_release(before);
}

static struct tls *current_tls(struct connections *connections, uint64_t *generation)
{
	pthread_mutex_lock(&connections->lock);
	struct tls *tls = tls_hold(connections->tls);
	*generation = atomic_load(&connections->generation);
	pthread_mutex_unlock(&connections->lock);
	return tls;
}

static void append(struct queue *queue, struct connection *connection)
{
	connection->after = NULL;
	connection->before = queue->last;
	*(queue->last ? &queue->last->after : &queue->first) = connection;
	queue->last = connection;
	connection->listed = true;
}

static void take_out(struct connection *connection)
{
	struct connections *connections = connection->connections;
	struct queue *queue = connection->heard ? &connections->idle : &connections->strangers;
	if (!connection->listed)
		return;
	*(connection->before ? &connection->before->after : &queue->first) = connection->after;
	*(connection->after ? &connection->after->before : &queue->last) = connection->before;
	connection->listed = false;
}

/* Its event loop sees the end of the stream and cleans up. Called with the lock. */
static void end_connection(struct connection *connection)
{
	take_out(connection);
	connection->ended = true;
	shutdown(connection->fd, SHUT_RDWR);
	connection->connections->count--;
}

/* Room for one more. Called with the lock; true when there was none left, for the first time in a while. */
static bool shed(struct connections *connections)
{
	bool first = false;
	if (connections->count < connections->max - connections->max / 8)
		connections->shedding = false;
	while (connections->count > connections->max) {
		struct connection *victim =
			connections->strangers.first ? connections->strangers.first : connections->idle.first;
		if (!victim)
			break;
		end_connection(victim);
		first = !connections->shedding;
		connections->shedding = true;
	}
	return first;
}

static void start(struct connections *connections, struct connection *connection)
{
	pthread_mutex_lock(&connections->lock);
	connection->connections = connections;
	connection->checked = atomic_load(&connections->generation);
	connection->tls = tls_hold(connections->tls);
	connections->count++;
	bool full = shed(connections);
	append(&connections->strangers, connection);
	if (connections->count > connections->max)
		end_connection(connection);
	pthread_mutex_unlock(&connections->lock);
	if (full)
		qv_log_warning(connections->log, "all %u connections are open: idle ones are closed for new ones",
			       connections->max);
}

static void count_failure(const struct connection *connection)
{
	static const enum metric_tls causes[] = { [STAGE_SILENT] = TLS_SILENT,
						  [STAGE_HELLO] = TLS_NO_AGREEMENT,
						  [STAGE_ANSWERED] = TLS_REFUSED_US,
						  [STAGE_CERTIFICATE] = TLS_CERTIFICATE };
	if (connection->stage != STAGE_ESTABLISHED)
		metrics_tls_failed(connection->connections->metrics, causes[connection->stage]);
}

static void finish(struct connection *connection)
{
	struct connections *connections = connection->connections;
	pthread_mutex_lock(&connections->lock);
	take_out(connection);
	if (!connection->ended)
		connections->count--;
	pthread_mutex_unlock(&connections->lock);
	count_failure(connection);
	for (unsigned i = 0; i < connection->chain_count; i++)
		gnutls_x509_crt_deinit(connection->chain[i]);
	tls_release(connection->tls);
	free(connection);
}

static enum stage stage_of(unsigned message, bool after, bool incoming)
{
	switch (message) {
	case GNUTLS_HANDSHAKE_CLIENT_HELLO:
		return STAGE_HELLO;
	case GNUTLS_HANDSHAKE_SERVER_HELLO:
		return STAGE_ANSWERED;
	case GNUTLS_HANDSHAKE_CERTIFICATE_PKT:
		return incoming ? STAGE_CERTIFICATE : STAGE_ANSWERED;
	case GNUTLS_HANDSHAKE_FINISHED:
		return incoming && after ? STAGE_ESTABLISHED : STAGE_SILENT;
	default:
		return STAGE_SILENT;
	}
}

static int follow_handshake(gnutls_session_t session, unsigned message, unsigned after, unsigned incoming,
			    const gnutls_datum_t *bytes)
{
	struct connection *connection = gnutls_db_get_ptr(session);
	enum stage stage = stage_of(message, after, incoming);
	(void)bytes;
	if (stage <= connection->stage)
		return 0;
	connection->stage = stage;
	if (stage == STAGE_ESTABLISHED)
		metrics_tls_established(connection->connections->metrics);
	return 0;
}

/* Without a certificate that verifies for TLS clients, there is no session. */
static void set_up_tls(struct connection *connection, gnutls_session_t session)
{
	static gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
						 .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	input_attach(&connection->input, session, connection->fd);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls_credentials(connection->tls));
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert2(session, &purpose, 1, 0);
	/* The session's general pointer is MHD's; no session database is in use, so that its pointer is free. */
	gnutls_db_set_ptr(session, connection);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_BOTH, follow_handshake);
}

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info ? (gnutls_session_t)info->tls_session : NULL;
}

static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info ? info->connect_fd : -1;
}

void connection_notify(void *context, struct MHD_Connection *http, void **state,
		       enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*state)
			finish(*state);
		*state = NULL;
		return;
	}
	gnutls_session_t session = session_of(http);
	struct connection *connection = session ? calloc(1, sizeof *connection) : NULL;
	int fd = socket_of(http);
	*state = connection;
	if (!connection) {
		shutdown(fd, SHUT_RDWR);
		return;
	}
	connection->fd = fd;
	connection->http = http;
	start(context, connection);
	set_up_tls(connection, session);
}

struct connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void earlier(time_t *until, time_t other)
{
	if (other > 0 && (*until == 0 || other < *until))
		*until = other;
}

static void set_until(struct connection *connection, const struct tls *tls)
{
	connection->until = tls_crl_until(tls);
	for (unsigned i = 0; i < connection->chain_count; i++)
		earlier(&connection->until, gnutls_x509_crt_get_expiration_time(connection->chain[i]));
}

/* After the handshake, which has verified it. */
static void read_chain(struct connection *connection)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session_of(connection->http), &count);
	if (!chain || count > CHAIN_MAX)
		return;
	for (unsigned i = 0; i < count; i++) {
		gnutls_x509_crt_t *certificate = &connection->chain[i];
		if (gnutls_x509_crt_init(certificate) != 0)
			return;
		connection->chain_count++;
		if (gnutls_x509_crt_import(*certificate, &chain[i], GNUTLS_X509_FMT_DER) != 0)
			return;
	}
	if (count == 0)
		return;
	connection->admitted = true;
	set_until(connection, connection->tls);
}

/* New credentials are there: would this client still be admitted? */
static void check_again(struct connection *connection)
{
	struct tls *tls = current_tls(connection->connections, &connection->checked);
	connection->admitted = tls_admits(tls, connection->chain, connection->chain_count);
	set_until(connection, tls);
	tls_release(tls);
}

gnutls_x509_crt_t connection_certificate(struct connection *connection)
{
	if (connection->chain_count == 0)
		read_chain(connection);
	if (connection->chain_count > 0 && connection->checked != atomic_load(&connection->connections->generation))
		check_again(connection);
	bool expired = connection->until > 0 && connection->until < time(NULL);
	return connection->admitted && !expired ? connection->chain[0] : NULL;
}

struct known_caller *connection_known(struct connection *connection)
{
	return &connection->known;
}

void connection_gather(struct connection *connection)
{
	gnutls_record_cork(session_of(connection->http));
}

static bool is_corked(const struct connection *connection)
{
	int corked = 1;
	socklen_t size = sizeof corked;
	return getsockopt(connection->fd, IPPROTO_TCP, TCP_CORK, &corked, &size) != 0 || corked;
}

/* What was written is to leave now, although libmicrohttpd has corked the socket for a head without its body. */
static void take_cork_off(struct connection *connection)
{
	int off = 0;
	if (connection->cork == CORK_NEVER_AGAIN)
		return;
	if (connection->cork == CORK_TAKEN_OFF && !is_corked(connection)) {
		connection->cork = CORK_NEVER_AGAIN;
		return;
	}
	connection->cork = connection->cork == CORK_UNKNOWN ? CORK_TAKEN_OFF : CORK_EVERY_TIME;
	setsockopt(connection->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
}

void connection_flush(struct connection *connection)
{
	if (gnutls_record_uncork(session_of(connection->http), 0) < 0)
		shutdown(connection->fd, SHUT_RDWR);
	take_cork_off(connection);
}

bool connection_begin(struct connection *connection)
{
	struct connections *connections = connection->connections;
	pthread_mutex_lock(&connections->lock);
	take_out(connection);
	connection->heard = true;
	bool ended = connection->ended;
	pthread_mutex_unlock(&connections->lock);
	return !ended;
}

void connection_end(struct connection *connection)
{
	struct connections *connections = connection->connections;
	pthread_mutex_lock(&connections->lock);
	if (!connection->ended && !connection->listed)
		append(&connections->idle, connection);
	pthread_mutex_unlock(&connections->lock);
}
