/* SPDX-License-Identifier: Apache-2.0 */
/* What KMEs send each other of relayed keys: each input goes to every parser. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/kme/relay/body_relay.h"
#include "../../tools/kme/relay/hop.h"

const char *const fuzz_corpus = "fuzz/tools/corpus/kme_relay";

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* A share that is sent anew, under keys of zeros, is read and opened as the same. */
static void check_again(const struct hop_message *message, const uint8_t *keys, const uint8_t *share)
{
	struct hop_message again;
	struct qv_error err = QV_ERROR_INIT;
	const uint8_t *envelope = message->ciphertext - qv_relay_envelope_size(&message->envelope);
	struct hop_parts parts = { .request = message->request,
				   .labels = message->labels,
				   .label_count = message->label_count,
				   .keys = keys,
				   .envelope = envelope,
				   .envelope_size = qv_relay_envelope_size(&message->envelope),
				   .share = share,
				   .share_size = message->share_size };
	size_t size;
	uint8_t *bytes = hop_seal(&parts, &size), *opened = malloc(message->share_size);
	require(bytes && opened && size == message->size + HOP_TAG && hop_parse(&again, bytes, size, &err) == 0);
	require(memcmp(bytes, message->bytes, message->size) == 0);
	require(hop_open(&again, keys, opened, &err) == 0 && memcmp(opened, share, message->share_size) == 0);
	bytes[size - 1] ^= 1;
	require(hop_open(&again, keys, opened, &err) != 0);
	hop_clear(&again);
	free(bytes);
	free(opened);
}

static void check_share(const uint8_t *data, size_t size)
{
	struct hop_message message;
	struct qv_error err = QV_ERROR_INIT;
	if (hop_parse(&message, data, size, &err) == 0) {
		uint8_t *keys = calloc(message.label_count, QV_QKDLINK_KEY_BYTES);
		require(keys && message.label_count == hop_key_count(message.share_size));
		require(message.ciphertext + message.share_size == message.tag && message.tag + HOP_TAG == data + size);
		check_again(&message, keys, message.ciphertext);
		free(keys);
	}
	hop_clear(&message);
}

static void check_open(const char *body, size_t size)
{
	struct relay_open open, again;
	if (relay_open_json(&open, body, size, NULL) == 0) {
		require(open.activation.key_count >= 1 && open.activation.slave_count >= 1);
		require((size_t)open.size.keys * open.size.key_bytes <= QV_RELAY_BYTES_MAX);
		for (size_t i = 0; i < open.activation.key_count; i++)
			require(open.activation.keys[i].bytes <= open.size.key_bytes);
		char *text = relay_open_text(&open);
		require(text && relay_open_json(&again, text, strlen(text), NULL) == 0);
		require(strcmp(again.session, open.session) == 0);
		relay_open_clear(&again);
		free(text);
	}
	relay_open_clear(&open);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	char session[SESSION_TEXT];
	uint8_t tag[CONFIRM_TAG];
	struct relay_news news;
	struct relay_trouble trouble;
	struct relay_confirm confirm;
	struct relay_commit commit;
	check_share(data, size);
	check_open(body, size);
	if (relay_news_json(&news, body, size, NULL) == 0)
		require(strlen(news.session) == SESSION_TEXT - 1);
	if (relay_trouble_json(&trouble, body, size, NULL) == 0)
		require(trouble.cause < TROUBLE_CAUSES && trouble.from[0] && trouble.to[0]);
	if (relay_confirm_json(&confirm, body, size, NULL) == 0)
		require(confirm.time < CONFIRM_TIMES);
	if (relay_commit_json(&commit, body, size, NULL) == 0)
		require(strlen(commit.request) == UUID_TEXT - 1);
	if (relay_close_json(session, body, size, NULL) == 0)
		require(strlen(session) == SESSION_TEXT - 1);
	relay_tag_json(tag, body, size, NULL);
	return 0;
}
