/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the KME that need no KME: carried keys, token buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/clock.h>

#include "../../tools/kme/bucket.h"
#include "../../tools/kme/carry.h"

#define REQUEST "6f2f1f7e-60a5-4e0e-9d0f-2d6c5c0b8b11"
#define KEY_ID  "0a0f7d51-5f7d-4b9d-8d53-1f0f6a3f2c11"

/* Two labels for one key, one for the tag; the pads are what each label stands for. */
static const char body[] =
	"{\"request\":\"" REQUEST "\",\"master_SAE_ID\":\"11\",\"slave_SAE_IDs\":[\"12\",\"14\"],"
	"\"check\":true,\"keys\":[{\"key_ID\":\"" KEY_ID "\",\"bytes\":40,\"labels\":[\"0:1\",\"0:2\"]}],"
	"\"carried\":{\"label\":\"0:3\"}}";

static uint8_t pads[3 * QV_QKDLINK_KEY_BYTES], keys[2 * QV_QKDLINK_KEY_BYTES];

static void make(struct activation *activation)
{
	assert_int_equal(activation_json(activation, body, sizeof body - 1, NULL), 0);
	assert_int_equal(activation_carried_size(activation), sizeof keys);
	activation->check = false;
	activation->ciphertext = malloc(sizeof keys);
	for (size_t i = 0; i < sizeof pads; i++)
		pads[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < sizeof keys; i++)
		keys[i] = (uint8_t)(255 - i);
	carry_encrypt(activation, keys, pads);
}

static void test_carry(void **state)
{
	(void)state;
	struct activation activation;
	uint8_t out[sizeof keys];
	make(&activation);
	for (size_t i = 0; i < sizeof keys; i++)
		assert_int_equal(activation.ciphertext[i], keys[i] ^ pads[i]);
	assert_int_equal(carry_decrypt(&activation, pads, out, NULL), 0);
	assert_memory_equal(out, keys, sizeof keys);
	/* As at the other end: written, and read there. */
	char *text = activation_text(&activation);
	struct activation arrived;
	assert_non_null(text);
	assert_int_equal(activation_json(&arrived, text, strlen(text), NULL), 0);
	assert_int_equal(carry_decrypt(&arrived, pads, out, NULL), 0);
	assert_memory_equal(out, keys, sizeof keys);
	activation_clear(&arrived);
	activation_clear(&activation);
	free(text);
}

/* The bytes that doc/PROTOCOL.md says the tag is over, written down by hand. */
static void test_carry_tag(void **state)
{
	(void)state;
	static const uint8_t head[] = "\0\0\0\x15"
				      "qvisio carried keys 1\0\0\0\x24" REQUEST "\0\0\0\x02"
				      "11"
				      "\0\0\0\x02\0\0\0\x02"
				      "12\0\0\0\x02"
				      "14\0\0\0\x01\0\0\0\x24" KEY_ID "\0\0\0\x28\0\0\0\x02\0\0\0\x03"
				      "0:1\0\0\0\x03"
				      "0:2";
	uint8_t text[sizeof head - 1 + sizeof keys], tag[ACTIVATION_TAG];
	struct activation activation;
	make(&activation);
	memcpy(text, head, sizeof head - 1);
	memcpy(text + sizeof head - 1, activation.ciphertext, sizeof keys);
	crypto_onetimeauth(tag, text, sizeof text, pads + sizeof keys);
	assert_memory_equal(activation.tag, tag, sizeof tag);
	activation_clear(&activation);
}

static void expect_refused(const struct activation *activation)
{
	uint8_t out[sizeof keys];
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(carry_decrypt(activation, pads, out, &err), -1);
	assert_int_equal(err.code, QV_E_PROTOCOL);
}

static void test_carry_changed(void **state)
{
	(void)state;
	struct activation activation;
	uint8_t out[sizeof keys];
	make(&activation);
	char *const texts[] = { activation.request,
				activation.master,
				activation.slaves[0],
				activation.slaves[1],
				activation.keys[0].id,
				activation.labels[0],
				activation.labels[1],
				(char *)activation.ciphertext,
				(char *)activation.ciphertext + sizeof keys - 1,
				(char *)activation.tag,
				(char *)pads + sizeof pads - 1 };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		texts[i][0] ^= 1;
		expect_refused(&activation);
		texts[i][0] ^= 1;
	}
	activation.keys[0].bytes--;
	expect_refused(&activation);
	activation.keys[0].bytes++;
	activation.slave_count--;
	expect_refused(&activation);
	activation.slave_count++;
	assert_int_equal(carry_decrypt(&activation, pads, out, NULL), 0);
	activation_clear(&activation);
}

static void test_bucket(void **state)
{
	(void)state;
	struct bucket bucket = { .rate = 10, .burst = 30 };
	int64_t now = 5 * QV_NS_PER_SECOND, tenth = QV_NS_PER_SECOND / 10;
	assert_int_equal(bucket_take(&bucket, 20, now), 0);
	assert_int_equal(bucket_take(&bucket, 10, now), 0);
	/* Empty: one token in a tenth of a second, and what is refused takes nothing. */
	assert_int_equal(bucket_take(&bucket, 1, now), tenth);
	assert_int_equal(bucket_take(&bucket, 30, now), 30 * tenth);
	assert_int_equal(bucket_take(&bucket, 2, now + tenth), tenth);
	assert_int_equal(bucket_take(&bucket, 1, now + tenth), 0);
	bucket_return(&bucket, 1);
	assert_int_equal(bucket_take(&bucket, 1, now + tenth), 0);
	/* Never more than a full one. */
	assert_int_equal(bucket_take(&bucket, 31, now + 1000 * tenth), tenth);
	assert_int_equal(bucket_take(&bucket, 30, now + 1000 * tenth), 0);
	assert_int_equal(bucket_take(&bucket, 1, now + 1000 * tenth), tenth);
	struct bucket none = { .rate = 0 };
	for (int i = 0; i < 100; i++)
		assert_int_equal(bucket_take(&none, UINT32_MAX, now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_carry), cmocka_unit_test(test_carry_tag),
					    cmocka_unit_test(test_carry_changed), cmocka_unit_test(test_bucket) };
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
