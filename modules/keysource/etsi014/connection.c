/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tls.h"

#define ANSWER_START ((size_t)4096)
#define WAIT_STEP    1000 /* ms; the transfer's own timeouts end the wait earlier */

struct etsi014_connection {
	const struct etsi014_settings *settings;
	CURLM *multi; /* has the kept connections */
	CURL *easy;
	struct curl_slist *headers;
	char why[CURL_ERROR_SIZE];
	curl_socket_t socket; /* of the last transfer, or CURL_SOCKET_BAD */

	/* Of the transfer that runs. */
	const char *body;
	size_t body_given;
	bool body_refused;
	struct etsi014_answer *answer;
	size_t header_size;
	bool too_large, no_memory, wrong_certificate;
};

/* Keeps one attempt's body from being sent by another: libcurl would repeat a request on a connection that died. */
static size_t give_body(char *buffer, size_t size, size_t count, void *user)
{
	struct etsi014_connection *connection = user;
	if (connection->body_refused)
		return CURL_READFUNC_ABORT;
	size_t left = strlen(connection->body) - connection->body_given, room = size * count;
	if (left > room)
		left = room;
	memcpy(buffer, connection->body + connection->body_given, left);
	connection->body_given += left;
	return left;
}

static int seek_body(void *user, curl_off_t offset, int origin)
{
	struct etsi014_connection *connection = user;
	if (connection->body_given == 0 && offset == 0 && origin == SEEK_SET)
		return CURL_SEEKFUNC_OK;
	connection->body_refused = true;
	return CURL_SEEKFUNC_FAIL;
}

static bool make_room(struct etsi014_answer *answer, size_t size)
{
	size_t room = qv_secret_size(answer->text), needed = answer->length + size;
	if (needed <= room)
		return true;
	room = room ? room : ANSWER_START;
	while (room < needed)
		room *= 2;
	struct qv_secret *text = qv_secret_new(room < ETSI014_ANSWER_MAX ? room : ETSI014_ANSWER_MAX, NULL);
	if (!text)
		return false;
	if (answer->length)
		memcpy(qv_secret_edit(text), qv_secret_bytes(answer->text), answer->length);
	qv_secret_free(answer->text);
	answer->text = text;
	return true;
}

/* Moves the bytes out of libcurl's buffer, which libcurl does not wipe. */
static size_t receive(char *bytes, size_t size, size_t count, void *user)
{
	struct etsi014_connection *connection = user;
	struct etsi014_answer *answer = connection->answer;
	size *= count;
	if (size > ETSI014_ANSWER_MAX - answer->length)
		connection->too_large = true;
	else if (!make_room(answer, size))
		connection->no_memory = true;
	else if (size) {
		memcpy(qv_secret_edit(answer->text) + answer->length, bytes, size);
		answer->length += size;
	}
	qv_wipe(bytes, size);
	return connection->too_large || connection->no_memory ? 0 : size;
}

static size_t count_header(char *bytes, size_t size, size_t count, void *user)
{
	struct etsi014_connection *connection = user;
	(void)bytes;
	connection->header_size += size * count;
	connection->too_large |= connection->header_size > ETSI014_HEADER_MAX;
	return connection->too_large ? 0 : size * count;
}

/* Runs when a connection is ready and nothing of the request is sent. */
static int before_request(void *user, char *remote, char *local, int remote_port, int local_port)
{
	struct etsi014_connection *connection = user;
	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	connection->wrong_certificate = !etsi014_tls_pinned(connection->easy, &connection->settings->pin);
	return connection->wrong_certificate ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static bool set_up(struct etsi014_connection *connection)
{
	CURL *easy = connection->easy;
	connection->headers = curl_slist_append(NULL, "Content-Type: application/json");
	struct curl_slist *more = curl_slist_append(connection->headers, "Accept: application/json");
	struct curl_slist *all = more ? curl_slist_append(more, "Expect:") : NULL;
	if (!connection->headers || !all)
		return false;
	return curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, connection->why) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, connection->headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_READDATA, connection) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SEEKDATA, connection) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, connection) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, connection) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PREREQDATA, connection) == CURLE_OK &&
	       etsi014_tls_set_up(easy, connection->settings);
}

struct etsi014_connection *etsi014_connection_new(const struct etsi014_settings *settings, struct qv_error *err)
{
	struct etsi014_connection *connection = calloc(1, sizeof *connection);
	if (connection) {
		connection->settings = settings;
		connection->socket = CURL_SOCKET_BAD;
		connection->multi = curl_multi_init();
		connection->easy = curl_easy_init();
	}
	if (connection && connection->multi && connection->easy && set_up(connection))
		return connection;
	etsi014_connection_free(connection);
	qv_fail(err, QV_E_UNSUPPORTED, "libcurl (%s) could not be set up for HTTPS with a client certificate",
		curl_version());
	return NULL;
}

void etsi014_connection_free(struct etsi014_connection *connection)
{
	if (!connection)
		return;
	curl_easy_cleanup(connection->easy);
	curl_multi_cleanup(connection->multi);
	curl_slist_free_all(connection->headers);
	free(connection);
}

void etsi014_answer_clear(struct etsi014_answer *answer)
{
	qv_secret_free(answer->text);
	*answer = (struct etsi014_answer){ .status = 0 };
}

static bool is_readable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	return fd >= 0 && poll(&wait, 1, 0) > 0;
}

/* A kept connection on which something came while it was idle was closed by the KME, or is about to be. */
static bool is_stale(struct etsi014_connection *connection)
{
	return connection->socket != CURL_SOCKET_BAD && is_readable(connection->socket);
}

static bool prepare(struct etsi014_connection *connection, const char *url, const struct etsi014_request *request,
		    long remaining)
{
	CURL *easy = connection->easy;
	const struct etsi014_settings *settings = connection->settings;
	long connect = remaining < settings->connect_timeout ? remaining : settings->connect_timeout;
	if (request->body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request->body));
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, remaining) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_stale(connection) ? 1L : 0L) == CURLE_OK;
}

/* Runs the transfer to its end. 0 with *code, or -1 with QV_E_CANCELLED or QV_E_IO. */
static int run(struct etsi014_connection *connection, int cancel_fd, CURLcode *code, struct qv_error *err)
{
	const int asked[] = { cancel_fd, qv_cancel_here() };
	int running = 1, left;
	while (running) {
		struct curl_waitfd cancel[2];
		unsigned count = 0;
		for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
			if (asked[i] >= 0)
				cancel[count++] = (struct curl_waitfd){ .fd = asked[i], .events = CURL_WAIT_POLLIN };
		CURLMcode wrong = curl_multi_perform(connection->multi, &running);
		if (wrong == CURLM_OK && running)
			wrong = curl_multi_poll(connection->multi, cancel, count, WAIT_STEP, NULL);
		if (wrong != CURLM_OK)
			return qv_fail(err, QV_E_IO, "waiting for the KME: %s", curl_multi_strerror(wrong));
		if (running && ((count > 0 && cancel[0].revents) || (count > 1 && cancel[1].revents)))
			return qv_fail(err, QV_E_CANCELLED, "cancelled");
	}
	CURLMsg *message = curl_multi_info_read(connection->multi, &left);
	*code = message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_RECV_ERROR;
	return 0;
}

static int explain(struct etsi014_connection *connection, CURLcode code, struct qv_error *err)
{
	if (connection->wrong_certificate)
		return qv_fail(
			err, QV_E_DENIED,
			"its certificate is not the pinned one (kme_certificate, kme_pin): someone else answers, "
			"or the KME has a new certificate");
	if (connection->too_large)
		return qv_fail(err, QV_E_PROTOCOL, "its answer is larger than %zu KiB", ETSI014_ANSWER_MAX / 1024);
	if (connection->no_memory)
		return qv_fail(err, QV_E_NOMEM, "no locked memory for its answer; raise the limit (ulimit -l)");
	if (connection->body_refused)
		return qv_fail(err, QV_E_IO, "it closed the connection without an answer");
	long os_error = 0;
	if (code == CURLE_COULDNT_CONNECT &&
	    curl_easy_getinfo(connection->easy, CURLINFO_OS_ERRNO, &os_error) == CURLE_OK && os_error)
		return qv_fail_errno(err, QV_E_IO, (int)os_error, "it cannot be reached; is it running there?");
	return etsi014_tls_explain(code, connection->why, connection->settings, err);
}

int etsi014_connection_exchange(struct etsi014_connection *connection, size_t base,
				const struct etsi014_request *request, struct etsi014_answer *answer, bool *unsent,
				struct qv_error *err)
{
	char url[4096];
	CURLcode code = CURLE_OK;
	int64_t remaining = (request->deadline - qv_clock_now(&qv_clock_monotonic)) / QV_NS_PER_MS;
	*unsent = true;
	*answer = (struct etsi014_answer){ .status = 0 };
	connection->body = request->body;
	connection->body_given = 0;
	connection->body_refused = connection->too_large = connection->no_memory = false;
	connection->wrong_certificate = false;
	connection->header_size = 0;
	connection->answer = answer;
	connection->why[0] = '\0';
	if (is_readable(request->cancel_fd) || is_readable(qv_cancel_here()))
		return qv_fail(err, QV_E_CANCELLED, "cancelled");
	if (remaining <= 0)
		return qv_fail(err, QV_E_TIMEOUT, "no time left");
	int length = snprintf(url, sizeof url, "%s%s", connection->settings->bases[base], request->path);
	if (length < 0 || (size_t)length >= sizeof url || !prepare(connection, url, request, (long)remaining))
		return qv_fail(err, QV_E_INVALID, "the request's URL is too long, or no memory");
	if (curl_multi_add_handle(connection->multi, connection->easy) != CURLM_OK)
		return qv_fail(err, QV_E_INTERNAL, "libcurl does not accept the request");
	int result = run(connection, request->cancel_fd, &code, err);
	curl_easy_getinfo(connection->easy, CURLINFO_RESPONSE_CODE, &answer->status);
	if (curl_easy_getinfo(connection->easy, CURLINFO_ACTIVESOCKET, &connection->socket) != CURLE_OK)
		connection->socket = CURL_SOCKET_BAD;
	curl_multi_remove_handle(connection->multi, connection->easy);
	/* An HTTP server cannot act on a request whose announced body it did not get. */
	*unsent = request->body && connection->body_given == 0;
	if (result == 0 && code == CURLE_OK)
		return 0;
	if (result == 0)
		explain(connection, code, err);
	etsi014_answer_clear(answer);
	return -1;
}
