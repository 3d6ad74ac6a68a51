/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include <qvisio/generator.h>
#include <qvisio/shamir.h>

#include "core/shamir/generator.h"
#include "slow.h"

#define DRAW 64

static void streams_are_the_ciphers(void **state)
{
	(void)state;
	static uint8_t out[16640];
	uint8_t key[KEYSTREAM_KEY], hash[32];
	char hex[65];
	for (unsigned i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	for (const struct keystream *const *stream = keystreams(); *stream; stream++) {
		/* AES: `openssl enc -aes-256-ecb` of the counters 0 to 1039. */
		const char *expected = "e1dbc93efca39f4f4ba29b949c3b12ec1343ab28c11abfcf027088600d0f11e3";
		print_message("# %s\n", (*stream)->name);
		(*stream)->fill(out, sizeof out, key);
		crypto_hash_sha256(hash, out, sizeof out);
		sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
		if (strncmp((*stream)->name, "AES-256-CTR", 11) == 0)
			assert_string_equal(hex, expected);
		/* A key that lies in the output is read before it is overwritten. */
		static uint8_t again[sizeof out];
		memcpy(again, key, sizeof key);
		(*stream)->fill(again, sizeof again, again);
		assert_memory_equal(again, out, sizeof out);
	}
}

static bool holds(const void *memory, size_t size, const uint8_t *bytes)
{
	return memmem(memory, size, bytes, 16) != NULL;
}

static void used_bytes_and_keys_are_gone(void **state)
{
	(void)state;
	for (const struct keystream *const *stream = keystreams(); *stream; stream++) {
		keystream_use(*stream);
		struct qv_generator *generator = qv_generator_new(NULL);
		uint8_t drawn[DRAW], old_key[KEYSTREAM_KEY];
		memcpy(old_key, generator->state->key, sizeof old_key);
		uint8_t *taken = generator_take(generator, DRAW, NULL);
		memcpy(drawn, taken, DRAW);
		assert_true(holds(generator->state, sizeof *generator->state, drawn));
		assert_false(holds(generator->state, sizeof *generator->state, old_key));
		generator_drop(generator);
		for (size_t i = 0; i + 16 <= DRAW; i++)
			assert_false(holds(generator->state, sizeof *generator->state, drawn + i));
		assert_int_equal(qv_generator_fill(generator, drawn, DRAW, NULL), 0);
		assert_false(holds(generator->state, sizeof *generator->state, drawn));
		qv_generator_close(generator);
	}
	keystream_use(NULL);
}

static void refills_never_repeat(void **state)
{
	(void)state;
	struct qv_generator *generator = qv_generator_new(NULL);
	uint8_t first[16384], next[16384];
	assert_int_equal(qv_generator_fill(generator, first, sizeof first, NULL), 0);
	for (unsigned round = 0; round < 1100; round++) {
		assert_int_equal(qv_generator_fill(generator, next, sizeof next, NULL), 0);
		assert_memory_not_equal(first, next, 16);
		assert_false(holds(next, sizeof next, first));
	}
	assert_true(generator->state->refills < 100);
	qv_generator_close(generator);
}

/* What two children and then their parent draw next. */
static void draw_in_three(struct qv_generator *generator, uint8_t drawn[3][DRAW])
{
	for (unsigned i = 0; i < 2; i++) {
		int ends[2], status;
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			uint8_t bytes[DRAW];
			int failed = qv_generator_fill(generator, bytes, DRAW, NULL);
			_exit(failed != 0 || write(ends[1], bytes, DRAW) != DRAW);
		}
		assert_int_equal(read(ends[0], drawn[i], DRAW), DRAW);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		close(ends[0]);
		close(ends[1]);
	}
	assert_int_equal(qv_generator_fill(generator, drawn[2], DRAW, NULL), 0);
}

static void assert_distinct(uint8_t drawn[3][DRAW])
{
	assert_false(holds(drawn[0], DRAW, drawn[1]));
	assert_false(holds(drawn[0], DRAW, drawn[2]));
	assert_false(holds(drawn[1], DRAW, drawn[2]));
}

static void parent_and_children_draw_other_bytes(void **state)
{
	(void)state;
	uint8_t drawn[3][DRAW], warm[DRAW];
	assert_int_equal(qv_generator_fill(NULL, warm, DRAW, NULL), 0);
	draw_in_three(NULL, drawn);
	assert_distinct(drawn);
	struct qv_generator *generator = qv_generator_new(NULL);
	assert_int_equal(qv_generator_fill(generator, warm, DRAW, NULL), 0);
	draw_in_three(generator, drawn);
	assert_distinct(drawn);
	/* As on a kernel that cannot empty memory at a fork. */
	assert_int_equal(madvise(generator->state, sizeof *generator->state, MADV_KEEPONFORK), 0);
	generator->process = getpid();
	draw_in_three(generator, drawn);
	assert_distinct(drawn);
	qv_generator_close(generator);
}

static void *draw_in_thread(void *bytes)
{
	return qv_generator_fill(NULL, bytes, DRAW, NULL) == 0 ? bytes : NULL;
}

static void threads_draw_other_bytes(void **state)
{
	(void)state;
	uint8_t drawn[3][DRAW];
	pthread_t threads[2];
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, draw_in_thread, drawn[i]), 0);
	for (unsigned i = 0; i < 2; i++) {
		void *result;
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_non_null(result);
	}
	assert_non_null(draw_in_thread(drawn[2]));
	assert_distinct(drawn);
}

struct qv_generator_device {
	enum { SOUND, STUCK, BIASED, BLOCKS, BROKEN } fault;
	uint64_t state;
	size_t sound; /* bytes before the fault */
	unsigned closed;
};

static uint8_t device_byte(struct qv_generator_device *device, size_t i)
{
	uint64_t random = slow_random(&device->state);
	if (device->sound) {
		device->sound--;
		return (uint8_t)(random >> 32);
	}
	if (device->fault == STUCK)
		return 0x55;
	if (device->fault == BIASED && random % 8 == 0)
		return 0x00;
	if (device->fault == BLOCKS)
		return (uint8_t)(i % 16 * 17);
	return (uint8_t)(random >> 32);
}

static int device_read(struct qv_generator_device *device, uint8_t *bytes, size_t size, struct qv_error *err)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = device_byte(device, i);
	if (device->fault == BROKEN && !device->sound)
		return qv_fail(err, QV_E_IO, "no light from the laser");
	return 0;
}

static void device_close(struct qv_generator_device *device)
{
	device->closed++;
}

static const struct qv_generator_class device_class = { .name = "test", .read = device_read, .close = device_close };

static void sound_device_is_used_as_it_is(void **state)
{
	(void)state;
	struct qv_generator_device device = { .fault = SOUND, .state = 7 };
	struct qv_generator *generator = qv_generator_from_device(&device_class, &device, NULL);
	uint64_t same = 7;
	uint8_t drawn[40000], expected[40000];
	slow_random_bytes(&same, expected, sizeof expected);
	assert_int_equal(qv_generator_fill(generator, drawn, 32, NULL), 0);
	assert_int_equal(qv_generator_fill(generator, drawn + 32, sizeof drawn - 32, NULL), 0);
	assert_memory_equal(drawn, expected, sizeof drawn);
	qv_generator_close(generator);
	assert_int_equal(device.closed, 1);
}

static void check_fault(int fault, const char *word)
{
	static const uint8_t x[] = { 1, 2, 3 };
	struct qv_generator_device device = { .state = 3, .sound = 20000 };
	static uint8_t secret[16384], store[3][16384];
	uint8_t *shares[] = { store[0], store[1], store[2] };
	struct qv_error err = QV_ERROR_INIT;
	device.fault = fault;
	struct qv_generator *generator = qv_generator_from_device(&device_class, &device, &err);
	memset(secret, 0xcc, sizeof secret);
	assert_int_equal(qv_shamir_split(generator, secret, sizeof secret, 2, x, 3, shares, &err), 0);
	assert_int_equal(qv_shamir_split(generator, secret, sizeof secret, 2, x, 3, shares, &err), -1);
	assert_int_equal(err.code, QV_E_IO);
	assert_non_null(strstr(err.message, "generator test"));
	assert_non_null(strstr(err.message, word));
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned j = 0; j < sizeof secret; j++)
			assert_int_equal(store[i][j], 0);
	}
	/* What failed a health test stays refused, though the device be sound again; what only failed to read is not. */
	device.fault = SOUND;
	assert_int_equal(qv_shamir_split(generator, secret, 32, 2, x, 3, shares, &err), fault == BROKEN ? 0 : -1);
	qv_generator_close(generator);
}

static void unsound_device_stops_sharing(void **state)
{
	(void)state;
	check_fault(STUCK, "repeats one byte");
	check_fault(BIASED, "one byte far too often");
	check_fault(BLOCKS, "repeats a block");
	check_fault(BROKEN, "no light from the laser");
}

static void files_are_devices(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	char path[] = "/tmp/qvisio-generator-XXXXXX";
	uint8_t bytes[100], drawn[100];
	uint64_t seed = 11;
	int file = mkstemp(path);
	assert_true(file >= 0);
	slow_random_bytes(&seed, bytes, sizeof bytes);
	assert_int_equal(write(file, bytes, sizeof bytes), sizeof bytes);
	close(file);
	struct qv_generator *generator = qv_generator_open(path, &err);
	unlink(path);
	assert_non_null(generator);
	assert_int_equal(qv_generator_fill(generator, drawn, 60, &err), 0);
	assert_memory_equal(drawn, bytes, 60);
	assert_int_equal(qv_generator_fill(generator, drawn, 60, &err), -1);
	assert_non_null(strstr(err.message, path));
	assert_non_null(strstr(err.message, "no more bytes"));
	assert_int_equal(drawn[0], 0);
	qv_generator_close(generator);
	generator = qv_generator_open("/dev/zero", &err);
	assert_int_equal(qv_generator_fill(generator, drawn, 60, &err), -1);
	qv_generator_close(generator);
	assert_null(qv_generator_open("/nonexistent/hwrng", &err));
	assert_int_equal(err.code, QV_E_IO);
	generator = qv_generator_open("/dev/urandom", &err);
	assert_int_equal(qv_generator_fill(generator, drawn, 60, &err), 0);
	qv_generator_close(generator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_the_ciphers),      cmocka_unit_test(used_bytes_and_keys_are_gone),
		cmocka_unit_test(refills_never_repeat),         cmocka_unit_test(parent_and_children_draw_other_bytes),
		cmocka_unit_test(threads_draw_other_bytes),     cmocka_unit_test(sound_device_is_used_as_it_is),
		cmocka_unit_test(unsound_device_stops_sharing), cmocka_unit_test(files_are_devices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
