/* SPDX-License-Identifier: Apache-2.0 */
/* Key source "etsi014": a KME that speaks ETSI GS QKD 014 V1.1.1 over mutual TLS. */
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "client.h"

#define KEY_BITS_MAX (512u * 1024 * 8) /* what fits into the largest answer */

struct qv_keysource {
	struct etsi014_client *client;
	pthread_mutex_t lock;
	char self[QV_SAE_ID_MAX + 1]; /* under the lock; "" until it is known */
	atomic_bool plain;            /* the KME refused the extension qvisio_route: it is not asked again */
};

static void etsi014_close(struct qv_keysource *source)
{
	if (!source)
		return;
	etsi014_client_free(source->client);
	pthread_mutex_destroy(&source->lock);
	free(source);
	curl_global_cleanup();
}

static struct qv_keysource *etsi014_open(const struct qv_host *host, const struct qv_options *options,
					 struct qv_error *err)
{
	struct etsi014_settings settings;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		qv_fail(err, QV_E_INTERNAL, "libcurl could not start");
		return NULL;
	}
	struct qv_keysource *source = calloc(1, sizeof *source);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for a key source");
		curl_global_cleanup();
		return NULL;
	}
	pthread_mutex_init(&source->lock, NULL);
	if (etsi014_settings_read(options, host->log, &settings, err) == 0) {
		if (settings.sae_id)
			snprintf(source->self, sizeof source->self, "%s", settings.sae_id);
		source->client = etsi014_client_new(&settings, host, err);
		etsi014_settings_clear(&settings);
	}
	if (source->client)
		return source;
	etsi014_close(source);
	return NULL;
}

static bool contains(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

/* What an HTTP status other than 200 means (clause 5, and what KMEs in the field answer beside it). */
static enum qv_code code_of(long status, const char *message)
{
	switch (status) {
	case 400:
		return contains(message, "not found") ? QV_E_NOT_FOUND : QV_E_INVALID;
	case 401:
	case 403:
		return QV_E_DENIED;
	case 404:
		return QV_E_NOT_FOUND;
	case 408:
	case 504:
		return QV_E_TIMEOUT;
	case 429:
	case 503:
		return QV_E_NO_KEY;
	default:
		return status >= 500 ? QV_E_IO : QV_E_PROTOCOL;
	}
}

static const char *advice(long status)
{
	switch (status) {
	case 401:
	case 403:
		return "it does not allow this to the SAE of our certificate";
	case 404:
		return "it knows no such key or SAE, or the address is not a KME's";
	case 503:
		return "it has no key for us now";
	default:
		return status / 100 == 3 ? "redirects are not followed; set kme to where the KME is" : "refused";
	}
}

static int refused(struct etsi014_answer *answer, struct qv_error *err)
{
	char message[256];
	etsi014_parse_message((const char *)qv_secret_bytes(answer->text), answer->length, message, sizeof message);
	return qv_fail(err, code_of(answer->status, message), "the KME answers HTTP %ld: %s", answer->status,
		       message[0] ? message : advice(answer->status));
}

/* Posts a request for one key. The answer is the caller's to clear on 0. */
static int post(struct qv_keysource *source, const char *peer, const char *method, const json_t *request,
		struct etsi014_answer *answer, struct qv_error *err)
{
	char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
	if (!body)
		return qv_fail(err, QV_E_NOMEM, "no memory for a request");
	int result = etsi014_client_request(source->client, peer, method, body, answer, err);
	free(body);
	return result;
}

/*
 * The request, with a question of how the key came that a KME may ignore (clauses 6.2 and 6.4). One that answers 400
 * for the question has given no key, and is asked again without it.
 */
static int ask(struct qv_keysource *source, const char *peer, const char *method, json_t *request,
	       const char *extension, struct etsi014_answer *answer, struct qv_error *err)
{
	bool plain = atomic_load(&source->plain);
	if (!plain && request)
		json_object_set_new(request, extension,
				    strcmp(extension, "extension_optional") == 0
					    ? json_pack("[{s:s}]", "qvisio_route", "any")
					    : json_pack("{s:s}", "qvisio_route", "any"));
	if (post(source, peer, method, request, answer, err) != 0)
		return -1;
	if (plain || answer->status != 400)
		return 0;
	char message[256];
	etsi014_parse_message((const char *)qv_secret_bytes(answer->text), answer->length, message, sizeof message);
	if (!contains(message, "extension"))
		return 0;
	atomic_store(&source->plain, true);
	etsi014_answer_clear(answer);
	json_object_del(request, extension);
	return post(source, peer, method, request, answer, err);
}

/* What is asked for: new keys of `size` bytes (0: any), or with `ids` those. */
struct wanted {
	size_t size;
	const char *const *ids;
	size_t count;
};

/* Asks for keys and reads them from the answer; owns `request`. */
static int obtain(struct qv_keysource *source, const char *peer, json_t *request, const struct wanted *wanted,
		  struct qv_key *keys, size_t *got, struct qv_error *err)
{
	struct etsi014_answer answer;
	int result = wanted->ids ? ask(source, peer, "dec_keys", request, "key_IDs_extension", &answer, err)
				 : ask(source, peer, "enc_keys", request, "extension_optional", &answer, err);
	json_decref(request);
	if (result != 0)
		return -1;
	if (answer.status != 200) {
		result = refused(&answer, err);
	} else {
		result = etsi014_parse_keys((char *)qv_secret_edit(answer.text), answer.length, wanted->size,
					    wanted->ids, wanted->count, keys, got, err);
		if (result != 0)
			qv_error_prefix(err, "the KME gave out a key that cannot be used, and it is lost");
	}
	etsi014_answer_clear(&answer);
	return result;
}

static int etsi014_take_several(struct qv_keysource *source, const char *peer, unsigned bits, size_t count,
				struct qv_key *keys, size_t *got, struct qv_error *err)
{
	struct wanted wanted = { .size = bits / 8, .count = count };
	unsigned most = KEY_BITS_MAX / (unsigned)count;
	if (bits % 8 != 0 || bits > most)
		return qv_fail(err, QV_E_INVALID, "a key of %u bits: the size shall be a multiple of 8, at most %u",
			       bits, most);
	json_t *request = bits ? json_pack("{s:i,s:i}", "number", (int)count, "size", (int)bits)
			       : json_pack("{s:i}", "number", (int)count);
	if (obtain(source, peer, request, &wanted, keys, got, err) == 0)
		return 0;
	return qv_error_prefix(err, "taking a key for %s", peer);
}

static int etsi014_take(struct qv_keysource *source, const char *peer, unsigned bits, struct qv_key *key,
			struct qv_error *err)
{
	size_t got;
	return etsi014_take_several(source, peer, bits, 1, key, &got, err);
}

static json_t *ids_request(const char *const *ids, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_pack("{s:s}", "key_ID", ids[i]));
	return json_pack("{s:o}", "key_IDs", array);
}

static int etsi014_claim_several(struct qv_keysource *source, const char *master, const char *const *key_ids,
				 size_t count, struct qv_key *keys, struct qv_error *err)
{
	struct wanted wanted = { .ids = key_ids, .count = count };
	size_t got;
	for (size_t i = 0; i < count; i++)
		if (!etsi014_is_key_id(key_ids[i]))
			return qv_fail(err, QV_E_INVALID,
				       "a key_ID has 1 to %d printable ASCII characters without blanks", QV_KEY_ID_MAX);
	if (obtain(source, master, ids_request(key_ids, count), &wanted, keys, &got, err) == 0)
		return 0;
	return qv_error_prefix(err, "claiming key %s%s of %s", key_ids[0], count > 1 ? " and others" : "", master);
}

static int etsi014_claim(struct qv_keysource *source, const char *master, const char *key_id, struct qv_key *key,
			 struct qv_error *err)
{
	return etsi014_claim_several(source, master, &key_id, 1, key, err);
}

/* *answered: the KME did, whatever it said. */
static int get_status(struct qv_keysource *source, const char *peer, struct qv_keysource_status *status, bool *answered,
		      struct qv_error *err)
{
	struct etsi014_answer answer;
	*answered = false;
	if (etsi014_client_request(source->client, peer, "status", NULL, &answer, err) != 0)
		return -1;
	int result;
	*answered = true;
	if (answer.status != 200)
		result = refused(&answer, err);
	else
		result = etsi014_parse_status((const char *)qv_secret_bytes(answer.text), answer.length, status, err);
	etsi014_answer_clear(&answer);
	return result == 0 ? etsi014_client_check_kme(source->client, status, err) : -1;
}

static int etsi014_status(struct qv_keysource *source, const char *peer, struct qv_keysource_status *status,
			  struct qv_error *err)
{
	bool answered;
	if (get_status(source, peer, status, &answered, err) == 0)
		return 0;
	return qv_error_prefix(err, "status of keys for %s", peer);
}

/* The original Rust KME's own call. */
static int ask_sae_info(struct qv_keysource *source, char *id, struct qv_error *err)
{
	struct etsi014_answer answer;
	if (etsi014_client_request(source->client, NULL, "sae/info/me", NULL, &answer, err) != 0)
		return -1;
	int result;
	if (answer.status != 200)
		result = refused(&answer, err);
	else
		result = etsi014_parse_sae_info((const char *)qv_secret_bytes(answer.text), answer.length, id, err);
	etsi014_answer_clear(&answer);
	return result;
}

static int ask_self(struct qv_keysource *source, const char *peer, char *id, struct qv_error *err)
{
	struct qv_keysource_status status = { 0 };
	struct qv_error why = QV_ERROR_INIT;
	bool answered = true;
	int result = peer && peer[0] ? get_status(source, peer, &status, &answered, &why) : 1;
	if (result == 0 && status.master_sae_id[0]) {
		memcpy(id, status.master_sae_id, sizeof status.master_sae_id);
		return 0;
	}
	/* Without an answer to the first question there will be none to the second. */
	if (answered && ask_sae_info(source, id, err) == 0)
		return 0;
	if (result == -1 && err)
		*err = why;
	return qv_error_prefix(err, "asking the KME for our own SAE ID (or set sae_id)");
}

static int etsi014_self(struct qv_keysource *source, const char *peer, char *id, struct qv_error *err)
{
	pthread_mutex_lock(&source->lock);
	memcpy(id, source->self, sizeof source->self);
	pthread_mutex_unlock(&source->lock);
	if (id[0])
		return 0;
	if (ask_self(source, peer, id, err) != 0)
		return -1;
	pthread_mutex_lock(&source->lock);
	snprintf(source->self, sizeof source->self, "%s", id);
	pthread_mutex_unlock(&source->lock);
	return 0;
}

static const struct qv_keysource_class class = {
	.head = { .kind = "keysource",
		  .name = "etsi014",
		  .summary = "keys from a KME over ETSI GS QKD 014 (libcurl)",
		  .abi_major = QV_KEYSOURCE_ABI_MAJOR,
		  .abi_minor = QV_KEYSOURCE_ABI_MINOR,
		  .size = sizeof(struct qv_keysource_class),
		  .option_size = sizeof(struct qv_option),
		  .options = etsi014_options },
	.open = etsi014_open,
	.close = etsi014_close,
	.take = etsi014_take,
	.claim = etsi014_claim,
	.status = etsi014_status,
	.self = etsi014_self,
	.take_several = etsi014_take_several,
	.claim_several = etsi014_claim_several,
};

static const struct qv_class *const classes[] = { &class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
