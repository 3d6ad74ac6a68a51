/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_kme_load HOW CLIENTS SECONDS FOLDER SERVER PORT PATH [PORT2 PATH2]: a load of HTTPS clients with certificates,
 * on one thread.
 *
 *   get PATH      each client sends GET PATH again and again on its connection
 *   keys PATH     each client takes a key with GET PATH from PORT and claims it from PORT2 with GET PATH2?key_ID=…
 *   batch PATH    the same with 128 keys, claimed by POST
 *   connect PATH  each client connects, sends GET PATH, and connects anew
 *
 * FOLDER holds ca.pem, sae-11.pem and .key, and for claims sae-12.pem and .key. SERVER is the server's process. Counting
 * starts when every connection is there and warm. Prints: requests, seconds, the quantiles 0.5 and 0.99 of a request's
 * time in us (of a connection with its request for connect), and seconds that the server computed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"

#define ROOM         (256 * 1024)
#define TIMES_MAX    4000000
#define BATCH        128
#define UUID         36
#define WARM_ANSWERS 4 /* of each client: both its connections were used then */
#define WARM_SECONDS 60

enum how { GET, KEYS, BATCHES, CONNECT };

struct client;

/* One end of a client: its connection with one of the servers. */
struct link {
	struct client *client;
	SSL_CTX *context;
	int port;
	SSL *ssl;
	int fd;
};

struct client {
	struct link ends[2];
	unsigned turn; /* end that is being used */
	char *out, *in;
	size_t out_size, out_done, in_size;
	double since;
	unsigned answers;
};

static enum how how;
static const char *paths[2];
static int poller;
static double *times;
static size_t time_count;
static bool counting;
static size_t requests;
static size_t cold; /* clients that are not warm */

static void die(const char *what)
{
	fprintf(stderr, "bench_kme_load: %s\n", what);
	exit(1);
}

static SSL_CTX *context_for(const char *folder, const char *name)
{
	char path[3][4096];
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	snprintf(path[0], sizeof path[0], "%s/ca.pem", folder);
	snprintf(path[1], sizeof path[1], "%s/%s.pem", folder, name);
	snprintf(path[2], sizeof path[2], "%s/%s.key", folder, name);
	if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
	    SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
	    SSL_CTX_load_verify_locations(context, path[0], NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(context, path[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, path[2], SSL_FILETYPE_PEM) != 1)
		die("the certificates cannot be used");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return context;
}

static void watch(struct link *link, bool write)
{
	struct epoll_event event = { .events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = link };
	epoll_ctl(poller, EPOLL_CTL_MOD, link->fd, &event);
}

static void connect_end(struct link *link)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)link->port) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = link };
	int on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(link->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
		die("no connection");
	link->ssl = SSL_new(link->context);
	SSL_set_fd(link->ssl, link->fd);
	SSL_set1_host(link->ssl, "localhost");
	SSL_set_connect_state(link->ssl);
	epoll_ctl(poller, EPOLL_CTL_ADD, link->fd, &event);
}

static void close_end(struct link *link)
{
	SSL_shutdown(link->ssl);
	SSL_free(link->ssl);
	close(link->fd);
	link->ssl = NULL;
}

static void put_get(struct client *client, const char *path, const char *key_id)
{
	client->out_size = (size_t)snprintf(client->out, ROOM, "GET %s%s%.36s HTTP/1.1\r\nHost: localhost\r\n\r\n",
					    path, key_id ? "?key_ID=" : "", key_id ? key_id : "");
}

static const char *next_id(const char *text)
{
	const char *at = strstr(text, "\"key_ID\":\"");
	return at ? at + strlen("\"key_ID\":\"") : NULL;
}

/* Claims all keys of the answer in `in`. */
static void put_claims(struct client *client)
{
	static char body[BATCH * 64];
	size_t used = (size_t)snprintf(body, sizeof body, "{\"key_IDs\":["), count = 0;
	for (const char *id = next_id(client->in); id && count < BATCH; id = next_id(id), count++)
		used += (size_t)snprintf(body + used, sizeof body - used, "%s{\"key_ID\":\"%.36s\"}", count ? "," : "",
					 id);
	used += (size_t)snprintf(body + used, sizeof body - used, "]}");
	if (count != BATCH)
		die("a batch of another size");
	client->out_size = (size_t)snprintf(client->out, ROOM,
					    "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
					    "Content-Length: %zu\r\n\r\n%s",
					    paths[1], used, body);
}

static void put_request(struct client *client)
{
	if (client->turn == 0)
		put_get(client, paths[0], NULL);
	else if (how == BATCHES)
		put_claims(client);
	else {
		const char *id = next_id(client->in);
		if (!id)
			die("an answer without a key");
		put_get(client, paths[1], id);
	}
	client->out_done = client->in_size = 0;
	client->since = how == CONNECT ? client->since : bench_wall();
}

static void begin(struct client *client)
{
	struct link *link = &client->ends[client->turn];
	if (how == CONNECT && !link->ssl)
		client->since = bench_wall();
	if (!link->ssl)
		connect_end(link);
	put_request(client);
	watch(link, true);
}

/* The length of the whole answer; 0: its head is not there yet. */
static size_t answer_size(const struct client *client)
{
	const char *end = strstr(client->in, "\r\n\r\n");
	if (!end)
		return 0;
	if (strncmp(client->in, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "%.400s\n", client->in);
		die("an answer that is not 200");
	}
	const char *length = strcasestr(client->in, "content-length: ");
	if (!length || length > end)
		die("an answer without length");
	return (size_t)(end + 4 - client->in) + strtoul(length + 16, NULL, 10);
}

static void answered(struct client *client)
{
	if (counting) {
		requests++;
		if (time_count < TIMES_MAX)
			times[time_count++] = (bench_wall() - client->since) * 1e6;
	}
	if (++client->answers == WARM_ANSWERS)
		cold--;
	if (how == CONNECT)
		close_end(&client->ends[0]);
	else if (how != GET)
		client->turn = 1 - client->turn;
	begin(client);
}

static bool would_block(struct link *link, int result)
{
	int error = SSL_get_error(link->ssl, result);
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		die("a connection was lost");
	watch(link, error == SSL_ERROR_WANT_WRITE);
	return true;
}

static void progress(struct link *link)
{
	struct client *client = link->client;
	if (&client->ends[client->turn] != link)
		return;
	while (client->out_done < client->out_size) {
		int sent = SSL_write(link->ssl, client->out + client->out_done,
				     (int)(client->out_size - client->out_done));
		if (sent <= 0) {
			would_block(link, sent);
			return;
		}
		client->out_done += (size_t)sent;
	}
	for (;;) {
		int got = SSL_read(link->ssl, client->in + client->in_size, (int)(ROOM - 1 - client->in_size));
		if (got <= 0) {
			would_block(link, got);
			return;
		}
		client->in_size += (size_t)got;
		client->in[client->in_size] = '\0';
		size_t size = answer_size(client);
		if (size && client->in_size >= size) {
			answered(client);
			return;
		}
	}
}

static void turn_for(double seconds)
{
	struct epoll_event events[64];
	double until = bench_wall() + seconds;
	while (bench_wall() < until) {
		int count = epoll_wait(poller, events, 64, 100);
		for (int i = 0; i < count; i++)
			progress(events[i].data.ptr);
	}
}

static void warm_up(double seconds)
{
	double until = bench_wall() + WARM_SECONDS;
	while (cold > 0 && bench_wall() < until)
		turn_for(0.01);
	if (cold > 0)
		die("not every client got its answers");
	turn_for(seconds);
}

/* Seconds that a process has computed. */
static double computed(pid_t process)
{
	clockid_t clock;
	struct timespec time;
	if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0)
		die("the server is not there");
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static enum how how_of(const char *name)
{
	static const char *const names[] = { "get", "keys", "batch", "connect" };
	for (unsigned i = 0; i < 4; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	die("the first argument is none of get, keys, batch, connect");
	return GET;
}

int main(int argc, char **argv)
{
	if (argc < 8)
		die("arguments: HOW CLIENTS SECONDS FOLDER SERVER PORT PATH [PORT2 PATH2]");
	size_t count = strtoul(argv[2], NULL, 10);
	double seconds = strtod(argv[3], NULL);
	if (count == 0)
		die("no clients");
	pid_t server = (pid_t)strtol(argv[5], NULL, 10);
	how = how_of(argv[1]);
	paths[0] = argv[7];
	paths[1] = argc > 9 ? argv[9] : NULL;
	SSL_CTX *master = context_for(argv[4], "sae-11");
	SSL_CTX *slave = argc > 9 ? context_for(argv[4], "sae-12") : NULL;
	struct client *clients = calloc(count, sizeof *clients);
	times = malloc(TIMES_MAX * sizeof *times);
	poller = epoll_create1(EPOLL_CLOEXEC);
	cold = count;
	if (!clients || !times || poller < 0)
		die("no memory");
	for (size_t i = 0; i < count; i++) {
		struct client *client = &clients[i];
		client->ends[0] = (struct link){ client, master, (int)strtol(argv[6], NULL, 10), NULL, -1 };
		client->ends[1] =
			(struct link){ client, slave, argc > 8 ? (int)strtol(argv[8], NULL, 10) : 0, NULL, -1 };
		client->out = malloc(ROOM);
		client->in = malloc(ROOM);
		if (!client->out || !client->in)
			die("no memory");
		begin(client);
	}
	warm_up(seconds / 5);
	counting = true;
	double start = bench_wall(), before = computed(server);
	turn_for(seconds);
	double took = bench_wall() - start, spent = computed(server) - before;
	printf("%zu %.6f %.1f %.1f %.6f\n", requests, took, bench_quantile(times, time_count, 0.5),
	       bench_quantile(times, time_count, 0.99), spent);
	return requests ? 0 : 1;
}
