/* SPDX-License-Identifier: Apache-2.0 */
/* PAD records, and packets said to be sealed, each behind its length in two bytes; the first byte chooses which. */
#include "../fuzz.h"

#include <qvisio/pad.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const fuzz_corpus = "fuzz/core/corpus/pad";

#define KEYS 8

static void read_record(const uint8_t *data, size_t size)
{
	struct qv_pad_record record;
	uint8_t again[QV_PAD_RECORD_SIZE_MAX];
	if (qv_pad_record_decode(data, size, &record, NULL) != 0 ||
	    (record.kind != QV_PAD_KEYS && record.kind != QV_PAD_HELD))
		return;
	int length = qv_pad_record_encode(&record, again, sizeof again, NULL);
	if (length < 0 || (size_t)length > size || memcmp(again, data, (size_t)length) != 0)
		abort();
}

static struct qv_pad *make_pad(void)
{
	struct qv_pad *pad = qv_pad_new(QV_PAD_CALLER, NULL);
	for (unsigned i = 0; pad && i < KEYS; i++) {
		struct qv_key key = { .secret = qv_secret_new(64, NULL) };
		snprintf(key.id, sizeof key.id, "%u", i);
		/* A gap in the middle. */
		if (!key.secret || qv_pad_add(pad, i * 64 + (i > 3 ? 100 : 0), &key, NULL) != 0)
			abort();
	}
	return pad;
}

static void open_packets(const uint8_t *data, size_t size)
{
	struct qv_pad *pad = make_pad();
	uint8_t *plain = malloc(size + 1);
	if (!pad || !plain)
		abort();
	for (size_t at = 0; at + 2 <= size;) {
		size_t length = (size_t)data[at] << 8 | data[at + 1], left = qv_pad_left(pad);
		at += 2;
		length = length > size - at ? size - at : length;
		int got = qv_pad_open(pad, "", 0, data + at, length, plain, NULL);
		/* The keys are zeros here, so that a tag can be right; then just its bytes are used up. */
		if (qv_pad_left(pad) != left - (got < 0 ? 0 : QV_PAD_COST((size_t)got)))
			abort();
		if (got >= 0 && qv_pad_open(pad, "", 0, data + at, length, plain, NULL) >= 0)
			abort();
		at += length;
	}
	free(plain);
	qv_pad_free(pad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] & 1)
		read_record(data + 1, size - 1);
	else
		open_packets(data + 1, size - 1);
	return 0;
}
