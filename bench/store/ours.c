/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PER_REQUEST 100
#define NOW         INT64_C(1000000)
#define LINK        "bench"

static const uint8_t sealed[SEALED_BYTES] = { 1 };

static int see_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	(void)visit, (void)key, (void)err;
	return 0;
}

static int see_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	(void)visit, (void)promise, (void)err;
	return 0;
}

static struct qv_keystore_visit visitor = { .pool_key = see_key, .promise = see_promise };

static void name(char *id, unsigned family, uint64_t number)
{
	snprintf(id, QV_UUID_LENGTH + 1, "%08x-%04x-4000-8000-%012llx", (unsigned)(number * 2654435761u), family,
		 (unsigned long long)number);
}

/* Promises of the next `count` keys. */
static void promise_all(struct bench_data *data, uint64_t first, unsigned count)
{
	for (unsigned done = 0; done < count; done += PER_REQUEST) {
		struct qv_error err = QV_ERROR_INIT;
		char request[QV_UUID_LENGTH + 1], ids[PER_REQUEST][QV_UUID_LENGTH + 1];
		struct qv_promise promises[PER_REQUEST];
		unsigned now = count - done < PER_REQUEST ? count - done : PER_REQUEST;
		name(request, 1, first + done);
		for (unsigned i = 0; i < now; i++) {
			name(ids[i], 2, first + done + i);
			promises[i] = (struct qv_promise){ .key_id = ids[i],
							   .slave = "slave",
							   .master = "master",
							   .labels = "",
							   .key_bytes = 32,
							   .sealed = { sealed, sizeof sealed },
							   .expires = INT64_MAX };
		}
		const struct qv_settlement settlement = {
			.request = request, .link = LINK, .promises = promises, .promise_count = now
		};
		if (data->class->settle(data->store, &settlement, &err) != 0)
			bench_fail("settle", err.message);
	}
}

static void import_all(struct bench_data *data, uint64_t first, unsigned count)
{
	char from[QV_QKDLINK_CURSOR_MAX + 1], cursor[32];
	struct qv_error err = QV_ERROR_INIT;
	for (unsigned done = 0; done < count; done += PER_REQUEST) {
		char labels[PER_REQUEST][24];
		struct qv_pool_key keys[PER_REQUEST];
		for (unsigned i = 0; i < PER_REQUEST; i++) {
			snprintf(labels[i], sizeof labels[i], "%d:%llu", (int)getpid(),
				 (unsigned long long)first + done + i);
			keys[i] = (struct qv_pool_key){ labels[i], { sealed, sizeof sealed } };
		}
		snprintf(cursor, sizeof cursor, "%llu", (unsigned long long)first + done);
		if (data->class->cursor(data->store, LINK, 0, from, &err) != 0 ||
		    data->class->import(data->store, LINK, 0, keys, PER_REQUEST, from, cursor, &err) < 0)
			bench_fail("import", err.message);
	}
}

struct client {
	struct bench_data *data;
	uint64_t first;
	unsigned count;
	pthread_t thread;
};

static void deliver(struct bench_data *data, uint64_t number)
{
	struct qv_error err = QV_ERROR_INIT;
	char id[QV_UUID_LENGTH + 1];
	const char *const ids[] = { id };
	name(id, 2, number);
	if (data->class->deliver(data->store, "slave", "master", ids, 1, NOW, &visitor, &err) != 0)
		bench_fail("deliver", err.message);
}

static void *deliver_some(void *argument)
{
	struct client *client = argument;
	for (unsigned i = 0; i < client->count; i++)
		deliver(client->data, client->first + i);
	return NULL;
}

static void pick(struct bench_data *data, uint64_t number)
{
	struct qv_error err = QV_ERROR_INIT;
	char request[QV_UUID_LENGTH + 1];
	const struct qv_settlement finish = { .request = request, .link = LINK, .finish = true };
	name(request, 3, number);
	if (data->class->reserve(data->store, request, LINK, 0, 1, NOW, &visitor, &err) != 0 ||
	    data->class->settle(data->store, &finish, &err) != 0)
		bench_fail("reserve and finish", err.message);
}

static void *pick_some(void *argument)
{
	struct client *client = argument;
	for (unsigned i = 0; i < client->count; i++)
		pick(client->data, client->first + i);
	return NULL;
}

static double run_clients(struct bench_data *data, void *(*run)(void *argument))
{
	struct client clients[64];
	unsigned each = data->count / data->threads;
	double start = bench_wall();
	for (unsigned i = 0; i < data->threads; i++) {
		clients[i] = (struct client){ .data = data, .first = data->made + i * each, .count = each };
		if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0)
			bench_fail("thread", NULL);
	}
	for (unsigned i = 0; i < data->threads; i++)
		pthread_join(clients[i].thread, NULL);
	double taken = bench_wall() - start;
	data->made += data->count;
	return taken * 1e6 / (each * data->threads);
}

double deliver_all(struct bench_data *data)
{
	promise_all(data, data->made, data->count);
	return run_clients(data, deliver_some);
}

double pick_all(struct bench_data *data)
{
	import_all(data, data->made, (data->count + PER_REQUEST - 1) / PER_REQUEST * PER_REQUEST);
	return run_clients(data, pick_some);
}

static double resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%*s %ld", &pages) != 1)
		bench_fail("/proc/self/statm", NULL);
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

#define SAMPLES 2000

enum { CALL_RESERVE, CALL_FINISH, CALL_DELIVER, CALL_STOCK, CALLS };

static void sample(struct bench_data *data, unsigned i, uint64_t promised, double (*times)[SAMPLES])
{
	struct qv_error err = QV_ERROR_INIT;
	char request[QV_UUID_LENGTH + 1];
	const struct qv_settlement finish = { .request = request, .link = LINK, .finish = true };
	name(request, 4, data->made * SAMPLES + i);
	double start = bench_wall();
	int result = data->class->reserve(data->store, request, LINK, 0, 1, NOW, &visitor, &err);
	double reserved = bench_wall();
	result |= data->class->settle(data->store, &finish, &err);
	double finished = bench_wall();
	deliver(data, promised);
	double delivered = bench_wall();
	result |= data->class->stock(data->store, LINK, 0, &err) < 0;
	double counted = bench_wall();
	if (result != 0)
		bench_fail("sample", err.message);
	times[CALL_RESERVE][i] = (reserved - start) * 1e6;
	times[CALL_FINISH][i] = (finished - reserved) * 1e6;
	times[CALL_DELIVER][i] = (delivered - finished) * 1e6;
	times[CALL_STOCK][i] = (counted - delivered) * 1e6;
}

void measure_growth(struct bench_data *data, unsigned long most)
{
	static double times[CALLS][SAMPLES];
	double before = resident();
	data->made = 0;
	printf("\nmemory with half of N keys in a pool, half promised; us, p50/p99\n%10s %14s %14s %14s %14s %10s\n",
	       "N", "reserve", "finish", "deliver", "stock", "bytes/key");
	for (unsigned long size = 10000; size <= most; size *= 10) {
		unsigned more = (unsigned)(size / 2 - data->made);
		import_all(data, data->made, more);
		promise_all(data, data->made, more);
		data->made += more;
		double each = (resident() - before) / (double)size;
		for (unsigned i = 0; i < SAMPLES; i++)
			sample(data, i, data->made - more + (uint64_t)i * (more / SAMPLES), times);
		printf("%10lu", size);
		for (unsigned call = 0; call < CALLS; call++)
			printf("    %5.2f/%5.2f", bench_median(times[call], SAMPLES),
			       bench_quantile(times[call], SAMPLES, 0.99));
		printf(" %10.0f\n", each);
	}
}
