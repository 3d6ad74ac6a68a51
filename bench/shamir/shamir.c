/* SPDX-License-Identifier: Apache-2.0 */
/* Secret sharing, generator included, against libgfshare (32 bytes) and ISA-L (1 MiB), in turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/shamir.h>

#include "../bench.h"
#include "core/shamir/kernel.h"
#include "core/shamir/keystream.h"
#include "peers.h"

#define ROUNDS 25

struct bench_data {
	struct sharing ours, theirs;
	struct gfshare *gfshare;
	struct isal *isal;
	unsigned repeats;
	const struct qv_shamir_kernel *kernel;
	const struct keystream *stream;
};

static const unsigned shapes[][2] = { { 3, 2 }, { 5, 3 }, { 16, 9 } };

static double finish(double start, const struct bench_data *data)
{
	return (bench_cpu() - start) / data->repeats * 1e6;
}

static double split_ours(struct bench_data *data)
{
	qv_shamir_kernel_use(data->kernel);
	keystream_use(data->stream);
	double start = bench_cpu();
	for (unsigned i = 0; i < data->repeats; i++) {
		if (ours_split(&data->ours) != 0)
			return -1;
	}
	return finish(start, data);
}

static double rebuild_ours(struct bench_data *data)
{
	qv_shamir_kernel_use(data->kernel);
	double start = bench_cpu();
	for (unsigned i = 0; i < data->repeats; i++) {
		if (ours_rebuild(&data->ours) != 0)
			return -1;
	}
	double cost = finish(start, data);
	return memcmp(data->ours.secret, data->ours.rebuilt, data->ours.size) == 0 ? cost : -1;
}

static double split_theirs(struct bench_data *data)
{
	double start = bench_cpu();
	for (unsigned i = 0; i < data->repeats; i++) {
		if ((data->gfshare ? gfshare_split(data->gfshare, &data->theirs)
				   : isal_split(data->isal, &data->theirs)) != 0)
			return -1;
	}
	return finish(start, data);
}

static double rebuild_theirs(struct bench_data *data)
{
	double start = bench_cpu();
	for (unsigned i = 0; i < data->repeats; i++) {
		if ((data->gfshare ? gfshare_rebuild(data->gfshare, &data->theirs)
				   : isal_rebuild(data->isal, &data->theirs)) != 0)
			return -1;
	}
	double cost = finish(start, data);
	return memcmp(data->theirs.secret, data->theirs.rebuilt, data->theirs.size) == 0 ? cost : -1;
}

static bool compare(struct bench_data *data, const char *label, double split_goal, double rebuild_goal)
{
	char what[64];
	const char *peer = data->gfshare ? "libgfshare" : "ISA-L";
	struct bench_pair pair = { .what = what, .unit = "us", .peer = peer, .data = data, .rounds = ROUNDS };
	pair.ours = split_ours;
	pair.theirs = split_theirs;
	pair.goal = split_goal;
	snprintf(what, sizeof what, "%s split %u,%u", label, data->ours.n, data->ours.t);
	bool ok = bench_run(&pair);
	pair.ours = rebuild_ours;
	pair.theirs = rebuild_theirs;
	pair.goal = rebuild_goal;
	snprintf(what, sizeof what, "%s rebuild %u,%u", label, data->ours.n, data->ours.t);
	return bench_run(&pair) && ok;
}

static bool start(struct bench_data *data, const unsigned *shape, size_t size)
{
	memset(data, 0, sizeof *data);
	return sharing_new(&data->ours, shape[0], shape[1], size) == 0 &&
	       sharing_new(&data->theirs, shape[0], shape[1], size) == 0;
}

static void stop(struct bench_data *data)
{
	gfshare_free(data->gfshare);
	isal_free(data->isal);
	sharing_free(&data->ours);
	sharing_free(&data->theirs);
}

static const struct qv_shamir_kernel *portable(void)
{
	const struct qv_shamir_kernel *const *kernel = qv_shamir_kernels();
	while (kernel[1])
		kernel++;
	return *kernel;
}

static const struct keystream *portable_stream(void)
{
	const struct keystream *const *stream = keystreams();
	while (stream[1])
		stream++;
	return *stream;
}

static bool small_secrets(const unsigned *shape)
{
	struct bench_data data;
	bool gfni = strncmp(qv_shamir_kernels()[0]->name, "GFNI", 4) == 0, ok = start(&data, shape, 32);
	data.gfshare = ok ? gfshare_new(&data.theirs) : NULL;
	data.repeats = 5000;
	ok = ok && data.gfshare && compare(&data, "32 B", gfni ? 1 / 25.0 : 1 / 6.0, 1.0);
	data.kernel = portable();
	data.stream = portable_stream();
	ok = ok && compare(&data, "32 B portable", 1 / 6.0, 1.0);
	stop(&data);
	return ok;
}

static bool large_secrets(const unsigned *shape)
{
	struct bench_data data;
	bool ok = start(&data, shape, 1 << 20);
	data.isal = ok ? isal_new(&data.theirs) : NULL;
	data.repeats = 4;
	ok = ok && data.isal && compare(&data, "1 MiB", shape[0] == 16 ? 1 / 1.2 : 1 / 0.9, 0);
	stop(&data);
	return ok;
}

int main(void)
{
	bool ok = true;
	printf("kernel %s, coefficients from %s; portable: %s\n", qv_shamir_kernels()[0]->name, keystreams()[0]->name,
	       portable_stream()->name);
	bench_header();
	for (unsigned i = 0; i < 3; i++)
		ok = small_secrets(shapes[i]) && ok;
	for (unsigned i = 0; i < 3; i++)
		ok = large_secrets(shapes[i]) && ok;
	return ok ? 0 : 1;
}
