/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes and records of each TLS module against a bare program on the same library: both ends of a socket pair in
 * one process, on two threads. What is compared is the processor time of the two ends together: unlike the time on the
 * wall it does not depend on what else the machine does.
 */
#include "tls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../bench.h"

#define HANDSHAKES   100
#define RECORD_BYTES ((size_t)24 << 20)

const uint8_t bench_tls_key[BENCH_TLS_KEY_SIZE] = "a key of the bench, no secret...";

enum task { SHAKE, RECORDS };

struct bench_data {
	const struct bench_tls *way[2]; /* ours, theirs */
	struct bench_tls_context *context[2];
	enum task task;
	size_t piece; /* bytes of one write */
};

struct far_end {
	const struct bench_tls *way;
	struct bench_tls_context *context;
	const struct bench_data *data;
	int *fds; /* the server's ends, one per handshake */
	bool ok;
};

static double processor_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *serve(void *argument)
{
	struct far_end *far = argument;
	static uint8_t bytes[1 << 16];
	int count = far->data->task == SHAKE ? HANDSHAKES : 1;
	far->ok = true;
	for (int i = 0; i < count && far->ok; i++) {
		struct bench_tls_end *end = far->way->shake(far->context, far->fds[i], true);
		far->ok = end != NULL;
		size_t piece = far->data->piece;
		for (size_t got = 0; far->ok && far->data->task == RECORDS && got < RECORD_BYTES; got += piece)
			far->ok = far->way->receive(end, bytes, piece);
		if (far->ok)
			far->ok = far->way->send(end, "x", 1);
		if (end)
			far->way->end(end);
	}
	return NULL;
}

/* The client's side of one task; returns the seconds it took, or -1. */
static double call(const struct bench_tls *way, struct bench_tls_context *context, const struct bench_data *data,
		   const int *fds)
{
	static uint8_t bytes[1 << 16];
	int count = data->task == SHAKE ? HANDSHAKES : 1;
	double start = processor_seconds();
	for (int i = 0; i < count; i++) {
		struct bench_tls_end *end = way->shake(context, fds[i], false);
		if (!end)
			return -1;
		if (data->task == RECORDS)
			start = processor_seconds();
		bool ok = true;
		for (size_t sent = 0; data->task == RECORDS && ok && sent < RECORD_BYTES; sent += data->piece)
			ok = way->send(end, bytes, data->piece);
		/* One byte back, so that the server has finished too. */
		ok = ok && way->receive(end, bytes, 1);
		way->end(end);
		if (!ok)
			return -1;
	}
	return processor_seconds() - start;
}

static double run(struct bench_data *data, int which)
{
	int near[HANDSHAKES] = { 0 }, far_fds[HANDSHAKES];
	int count = data->task == SHAKE ? HANDSHAKES : 1;
	for (int i = 0; i < count; i++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
			return -1;
		near[i] = pair[0];
		far_fds[i] = pair[1];
	}
	struct far_end far = { data->way[which], data->context[which], data, far_fds, false };
	pthread_t thread;
	if (pthread_create(&thread, NULL, serve, &far) != 0)
		return -1;
	double taken = call(data->way[which], data->context[which], data, near);
	for (int i = 0; i < count; i++)
		shutdown(near[i], SHUT_RDWR);
	pthread_join(thread, NULL);
	for (int i = 0; i < count; i++) {
		close(near[i]);
		close(far_fds[i]);
	}
	if (taken < 0 || !far.ok)
		return -1;
	return data->task == SHAKE ? taken / HANDSHAKES * 1e6 : taken * 1e3 / ((double)RECORD_BYTES / 1e6);
}

static double ours(struct bench_data *data)
{
	return run(data, 0);
}

static double theirs(struct bench_data *data)
{
	return run(data, 1);
}

static bool compare(const struct bench_tls *module, const struct bench_tls *bare, bool psk_ke)
{
	struct bench_data data = { .way = { module, bare } };
	for (int i = 0; i < 2; i++)
		if (!(data.context[i] = data.way[i]->open(psk_ke)))
			return false;
	char what[64];
	struct bench_pair pair = { .what = what,
				   .peer = bare->name,
				   .ours = ours,
				   .theirs = theirs,
				   .data = &data,
				   .rounds = 21,
				   .goal = 1.05 };
	snprintf(what, sizeof what, "TLS %s handshake, %s", module->name, psk_ke ? "psk_ke" : "psk_dhe_ke");
	pair.unit = "us";
	data.task = SHAKE;
	bool ok = bench_run(&pair);
	static const size_t pieces[] = { 1024, 16384 };
	for (size_t i = 0; i < 2 && !psk_ke; i++) {
		data.piece = pieces[i];
		data.task = RECORDS;
		snprintf(what, sizeof what, "TLS %s records of %zu", module->name, pieces[i]);
		pair.unit = "ms/MB";
		ok = bench_run(&pair) && ok;
	}
	for (int i = 0; i < 2; i++)
		data.way[i]->close(data.context[i]);
	return ok;
}

int main(void)
{
	bool ok = true;
	bench_header();
#ifdef BENCH_TLS_OPENSSL
	ok = compare(&bench_tls_module_openssl, &bench_tls_bare_openssl, false) && ok;
#endif
#ifdef BENCH_TLS_GNUTLS
	ok = compare(&bench_tls_module_gnutls, &bench_tls_bare_gnutls, false) && ok;
	ok = compare(&bench_tls_module_gnutls, &bench_tls_bare_gnutls, true) && ok;
#endif
	return ok ? 0 : 1;
}
