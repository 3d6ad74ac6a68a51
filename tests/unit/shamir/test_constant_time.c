/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether time depends on secrets: valgrind is told that secrets, coefficients and share values are undefined, and then
 * complains of every branch and every address that depends on one. The program runs itself under valgrind, once as it
 * is, and once with a branch and with an address on a secret, which must be found.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <valgrind/memcheck.h>

#include <qvisio/shamir.h>

#include "core/shamir/decode.h"
#include "core/shamir/generator.h"
#include "core/shamir/kernel.h"

#define SIZE 101
#define T    4
#define N    7

#define FOUND 99 /* valgrind's exit status for a complaint */

static const uint8_t points[N] = { 1, 2, 3, 77, 128, 254, 255 };
static uint8_t secret[SIZE], store[N][SIZE], rebuilt[SIZE], syndromes[N * SIZE];
static volatile uint8_t sink;

static int split(uint8_t *const *shares)
{
	struct qv_generator *generator = qv_generator_new(NULL);
	uint8_t warm[32];
	/* From the first filling on, every random byte is undefined, and so is the key of the next. */
	if (!generator || qv_generator_fill(generator, warm, sizeof warm, NULL) != 0)
		return -1;
	VALGRIND_MAKE_MEM_UNDEFINED(generator->state, KEYSTREAM_KEY + sizeof generator->state->buffer);
	for (unsigned round = 0; round < 60; round++) {
		if (qv_shamir_split(generator, secret, SIZE, T, points, N, shares, NULL) != 0)
			return -1;
	}
	qv_generator_close(generator);
	return 0;
}

static int run_kernel(void)
{
	uint8_t *shares[N], v[QV_SHAMIR_SHARES_MAX];
	const uint8_t *readable[N];
	struct located located;
	for (unsigned i = 0; i < N; i++)
		readable[i] = shares[i] = store[i];
	VALGRIND_MAKE_MEM_UNDEFINED(secret, SIZE);
	if (split(shares) != 0)
		return -1;
	VALGRIND_MAKE_MEM_UNDEFINED(store, sizeof store);
	if (qv_shamir_rebuild(T, points + 1, readable + 1, SIZE, rebuilt, NULL) != 0)
		return -1;
	located_start(&located, points, N, T, 1);
	located_multipliers(&located, v);
	located_syndromes(&located, v, readable, 0, SIZE, syndromes);
	return 0;
}

static int run_all(const char *fault)
{
	static volatile uint8_t table[256];
	for (const struct qv_shamir_kernel *const *kernel = qv_shamir_kernels(); *kernel; kernel++) {
		printf("# kernel %s\n", (*kernel)->name);
		qv_shamir_kernel_use(*kernel);
		for (const struct keystream *const *stream = keystreams(); *stream; stream++) {
			keystream_use(*stream);
			if (run_kernel() != 0)
				return 1;
		}
	}
	if (strcmp(fault, "branch") == 0 && secret[0] & 1)
		sink = 1;
	if (strcmp(fault, "address") == 0)
		sink = table[secret[0]];
	return 0;
}

/* The exit status of this program under valgrind. */
static int under_valgrind(const char *program, const char *fault)
{
	pid_t child = fork();
	int status = 0;
	if (child == 0) {
		execlp("valgrind", "valgrind", "-q", "--error-exitcode=99", "--leak-check=no", program, fault,
		       (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void report(unsigned number, bool ok, const char *what)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", number, what);
}

int main(int argc, char **argv)
{
	char program[4096];
	ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
	if (argc > 1)
		return run_all(argv[1]);
	if (length <= 0)
		return 1;
	program[length] = 0;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	puts("1..0 # SKIP sanitizers do not run under valgrind");
	return 0;
#endif
	fflush(stdout);
	int clean = under_valgrind(program, "none");
	if (clean == 127) {
		puts("1..0 # SKIP valgrind is not there");
		return 0;
	}
	puts("1..3");
	report(1, clean == 0, "no branch and no address depends on secrets, coefficients or shares");
	fflush(stdout);
	report(2, under_valgrind(program, "branch") == FOUND, "a branch on a secret would be found");
	fflush(stdout);
	report(3, under_valgrind(program, "address") == FOUND, "an address from a secret would be found");
	return 0;
}
