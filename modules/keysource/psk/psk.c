/* SPDX-License-Identifier: Apache-2.0 */
/* Key source "psk": static keys from a file that both ends hold, each used once. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/keysource.h>

#include "key_file.h"
#include "record.h"

struct qv_keysource {
	pthread_mutex_t lock; /* of all below */
	struct psk_keys keys;
	struct psk_record record; /* fd -1 with reuse */
	char *file;
	char *sae_id;
	bool reuse;
	bool backward; /* takes from the end of the file */
	int cancel_fd;
};

static const char *const orders[] = { "forward", "backward", NULL };

static const struct qv_option options_table[] = {
	{ .name = "keys",
	  .type = QV_OPTION_PATH,
	  .required = true,
	  .help = "File of keys, one a line (key_ID and key in base64 or hex:), that only its owner can read." },
	{ .name = "record",
	  .type = QV_OPTION_PATH,
	  .help = "File that keeps which keys were used; by default the name of the key file with .used behind it." },
	{ .name = "order",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "forward",
	  .choices = orders,
	  .help = "Which end of the file new keys are taken from; when both ends take keys, give each another." },
	{ .name = "sae_id",
	  .type = QV_OPTION_STRING,
	  .fallback = "psk",
	  .help = "SAE ID that this program tells its peer." },
	{ .name = "reuse",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Use keys again and again, which is for a laboratory only: nothing is recorded." },
	{ .name = NULL },
};

static void psk_close(struct qv_keysource *source)
{
	if (!source)
		return;
	psk_keys_clear(&source->keys);
	psk_record_close(&source->record);
	pthread_mutex_destroy(&source->lock);
	free(source->file);
	free(source->sae_id);
	free(source);
}

static int open_record(struct qv_keysource *source, const struct qv_options *options, struct qv_error *err)
{
	const char *named = qv_options_string(options, "record");
	char *path = NULL;
	if (named ? !(path = strdup(named)) : asprintf(&path, "%s.used", source->file) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for a file name");
	int result = psk_record_open(&source->record, path, err);
	free(path);
	if (result != 0 || psk_record_lock(&source->record, &source->keys, source->cancel_fd, err) != 0)
		return -1;
	psk_record_unlock(&source->record);
	return 0;
}

static int set_up(struct qv_keysource *source, const struct qv_host *host, const struct qv_options *options,
		  struct qv_error *err)
{
	const char *sae_id = qv_options_string(options, "sae_id");
	if (!sae_id[0] || strlen(sae_id) > QV_SAE_ID_MAX)
		return qv_options_fail(options, "sae_id", err, "a SAE ID has 1 to %d bytes", QV_SAE_ID_MAX);
	source->file = strdup(qv_options_string(options, "keys"));
	source->sae_id = strdup(sae_id);
	if (!source->file || !source->sae_id)
		return qv_fail(err, QV_E_NOMEM, "no memory for a key source");
	source->cancel_fd = host->cancel_fd;
	source->reuse = qv_options_bool(options, "reuse");
	source->backward = strcmp(qv_options_string(options, "order"), orders[1]) == 0;
	if (psk_keys_load(source->file, &source->keys, err) != 0)
		return qv_error_prefix(err, "%s: keys", qv_options_where(options, "keys"));
	if (source->keys.count == 0)
		return qv_options_fail(options, "keys", err, "%s holds no key", source->file);
	if (source->reuse) {
		qv_log_warning(host->log,
			       "reuse = true: the keys of %s are used again and again; whoever breaks one session "
			       "breaks all. Laboratory only",
			       source->file);
		return 0;
	}
	return open_record(source, options, err);
}

static struct qv_keysource *psk_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	struct qv_keysource *source = calloc(1, sizeof *source);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for a key source");
		return NULL;
	}
	source->record.fd = -1;
	pthread_mutex_init(&source->lock, NULL);
	if (set_up(source, host, options, err) == 0)
		return source;
	psk_close(source);
	return NULL;
}

static int lock(struct qv_keysource *source, struct qv_error *err)
{
	pthread_mutex_lock(&source->lock);
	if (source->reuse || psk_record_lock(&source->record, &source->keys, source->cancel_fd, err) == 0)
		return 0;
	pthread_mutex_unlock(&source->lock);
	return -1;
}

static void unlock(struct qv_keysource *source)
{
	if (!source->reuse)
		psk_record_unlock(&source->record);
	pthread_mutex_unlock(&source->lock);
}

static size_t bits_of(const struct psk_entry *entry)
{
	return qv_secret_size(entry->key.secret) * 8;
}

/* The next unused key of `bits` (0: any), or NULL; *other counts unused ones of other sizes. */
static struct psk_entry *next_unused(struct qv_keysource *source, unsigned bits, size_t *other)
{
	size_t count = source->keys.count;
	*other = 0;
	for (size_t i = 0; i < count; i++) {
		struct psk_entry *entry = &source->keys.entries[source->backward ? count - 1 - i : i];
		if (entry->use != PSK_UNUSED)
			continue;
		if (bits == 0 || bits_of(entry) == bits)
			return entry;
		++*other;
	}
	return NULL;
}

/* Notes the use first, durably: after a crash in between the key is lost, never repeated. */
static int hand_out(struct qv_keysource *source, struct psk_entry *entry, enum psk_use use, struct qv_key *key,
		    struct qv_error *err)
{
	struct qv_secret *secret =
		qv_secret_copy(qv_secret_bytes(entry->key.secret), qv_secret_size(entry->key.secret), err);
	if (!secret)
		return -1;
	if (!source->reuse) {
		if (psk_record_note(&source->record, entry, use, err) != 0) {
			qv_secret_free(secret);
			return -1;
		}
		qv_secret_free(entry->key.secret);
		entry->key.secret = NULL;
	}
	key->secret = secret;
	memcpy(key->id, entry->key.id, sizeof key->id);
	return 0;
}

static int psk_take(struct qv_keysource *source, const char *peer, unsigned bits, struct qv_key *key,
		    struct qv_error *err)
{
	size_t other;
	if (bits % 8 != 0)
		return qv_fail(err, QV_E_INVALID, "a key of %u bits: the size shall be a multiple of 8", bits);
	if (lock(source, err) != 0)
		return qv_error_prefix(err, "taking a key for %s", peer);
	struct psk_entry *entry = next_unused(source, bits, &other);
	int result;
	if (entry)
		result = hand_out(source, entry, PSK_TAKEN, key, err);
	else if (other)
		result = qv_fail(err, QV_E_NO_KEY, "%s: no unused key of %u bits for %s; %zu of other sizes are left",
				 source->file, bits, peer, other);
	else
		result = qv_fail(err, QV_E_NO_KEY,
				 "%s: all %zu keys are used; give both ends a new key file, or one with more lines",
				 source->file, source->keys.count);
	unlock(source);
	return result;
}

static int psk_claim(struct qv_keysource *source, const char *master, const char *key_id, struct qv_key *key,
		     struct qv_error *err)
{
	if (lock(source, err) != 0)
		return qv_error_prefix(err, "claiming key %s of %s", key_id, master);
	struct psk_entry *entry = psk_keys_find(&source->keys, key_id);
	int result;
	if (!entry)
		result = qv_fail(err, QV_E_NOT_FOUND, "%s: no key %s, which %s named; do both ends have the same file?",
				 source->file, key_id, master);
	else if (entry->use == PSK_CLAIMED)
		result = qv_fail(err, QV_E_NOT_FOUND, "%s: key %s was claimed before; a key is used once", source->file,
				 key_id);
	else if (entry->use == PSK_TAKEN)
		result = qv_fail(err, QV_E_NOT_FOUND,
				 "%s: key %s was taken by this end itself. When both ends take keys, one needs "
				 "order = \"backward\"; two ends on one machine need a record file each",
				 source->file, key_id);
	else
		result = hand_out(source, entry, PSK_CLAIMED, key, err);
	unlock(source);
	return result;
}

static int psk_status(struct qv_keysource *source, const char *peer, struct qv_keysource_status *status,
		      struct qv_error *err)
{
	size_t other;
	if (lock(source, err) != 0)
		return -1;
	*status = (struct qv_keysource_status){ .max_key_count = (int64_t)source->keys.count,
						.max_key_per_request = 1,
						.key_size = -1,
						.max_key_size = -1,
						.min_key_size = -1 };
	snprintf(status->master_sae_id, sizeof status->master_sae_id, "%s", source->sae_id);
	snprintf(status->slave_sae_id, sizeof status->slave_sae_id, "%s", peer);
	const struct psk_entry *next = next_unused(source, 0, &other);
	if (next)
		status->key_size = (int64_t)bits_of(next);
	for (size_t i = 0; i < source->keys.count; i++) {
		const struct psk_entry *entry = &source->keys.entries[i];
		if (entry->use != PSK_UNUSED)
			continue;
		int64_t bits = (int64_t)bits_of(entry);
		status->stored_key_count++;
		if (status->max_key_size < bits)
			status->max_key_size = bits;
		if (status->min_key_size < 0 || status->min_key_size > bits)
			status->min_key_size = bits;
	}
	unlock(source);
	return 0;
}

static int psk_self(struct qv_keysource *source, const char *peer, char *id, struct qv_error *err)
{
	(void)peer;
	(void)err;
	snprintf(id, QV_SAE_ID_MAX + 1, "%s", source->sae_id);
	return 0;
}

static const struct qv_keysource_class class = {
	.head = { .kind = "keysource",
		  .name = "psk",
		  .summary = "static keys from a file, each used once",
		  .abi_major = QV_KEYSOURCE_ABI_MAJOR,
		  .abi_minor = QV_KEYSOURCE_ABI_MINOR,
		  .size = sizeof(struct qv_keysource_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options_table },
	.open = psk_open,
	.close = psk_close,
	.take = psk_take,
	.claim = psk_claim,
	.status = psk_status,
	.self = psk_self,
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
