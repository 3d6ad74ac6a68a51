/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies of SAEs and of other KMEs: each input goes to every parser. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/kme/body.h"

const char *const fuzz_corpus = "fuzz/tools/corpus/kme_body";

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_uuid(const char *uuid)
{
	char again[UUID_TEXT];
	require(uuid_parse(uuid, again) && strcmp(uuid, again) == 0);
}

static void check_ids(const char *body, size_t size)
{
	struct key_ids ids;
	if (key_ids_json(&ids, body, size, 16, NULL) == 0) {
		require(ids.count + ids.unknown >= 1 && ids.count <= 16);
		for (size_t i = 0; i < ids.count; i++)
			check_uuid(ids.ids[i]);
	}
	key_ids_clear(&ids);
}

static void check_label(const char *label)
{
	require(label[0] && strlen(label) <= QV_QKDLINK_LABEL_MAX && !strpbrk(label, " \"\\\n"));
}

static void check_activation(const char *body, size_t size)
{
	struct activation activation;
	if (activation_json(&activation, body, size, NULL) == 0) {
		size_t labels = 0;
		require(activation.key_count >= 1 && activation.master[0] && activation.slave_count >= 1);
		require((activation.ciphertext != NULL) == (activation.carried && !activation.check));
		for (size_t i = 0; i < activation.key_count; i++) {
			const struct activation_key *key = &activation.keys[i];
			check_uuid(key->id);
			require(key->first_label == labels && key->bytes <= key->label_count * QV_QKDLINK_KEY_BYTES);
			labels += key->label_count;
		}
		require(labels + activation.carried == activation.label_count);
		for (size_t i = 0; i < activation.label_count; i++)
			check_label(activation.labels[i]);
	}
	activation_clear(&activation);
}

/* What was read is written so that it is read as the same. */
static void check_written(const char *body, size_t size)
{
	struct activation activation, again;
	if (activation_json(&activation, body, size, NULL) == 0) {
		char *text = activation_text(&activation);
		require(text && activation_json(&again, text, strlen(text), NULL) == 0);
		char *second = activation_text(&again);
		require(second && strcmp(text, second) == 0);
		activation_clear(&again);
		free(text);
		free(second);
	}
	activation_clear(&activation);
}

static void check_missing(const char *body, size_t size)
{
	char **labels;
	size_t count;
	if (missing_json(&labels, &count, 16, body, size, NULL) == 0) {
		require(count >= 1 && count <= 16);
		for (size_t i = 0; i < count; i++)
			check_label(labels[i]);
	}
	labels_free(labels, count);
}

static void check_lacking(const char *body, size_t size)
{
	char **labels;
	size_t count;
	unsigned lane;
	if (lacking_json(&lane, &labels, &count, body, size, NULL) == 0) {
		require(lane <= 1 && count <= BODY_COMPARE_MAX);
		for (size_t i = 0; i < count; i++)
			check_label(labels[i]);
	}
	labels_free(labels, count);
	if (lacking_answer_json(&labels, &count, body, size, NULL) == 0)
		require(count <= BODY_COMPARE_MAX);
	labels_free(labels, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct key_request request;
	char uuid[UUID_TEXT];
	if (key_request_json(&request, body, size, NULL) == 0)
		require(request.number >= -1 && request.size >= -1 && strlen(request.unknown) < 64);
	key_request_clear(&request);
	if (undo_json(uuid, body, size, NULL) == 0)
		check_uuid(uuid);
	check_ids(body, size);
	check_activation(body, size);
	check_written(body, size);
	check_missing(body, size);
	check_lacking(body, size);
	return 0;
}
