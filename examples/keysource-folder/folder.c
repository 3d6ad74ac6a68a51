/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key source "folder": two programs on one machine hand keys to each other as files in a folder that both can write.
 * For a laboratory: whoever can read the folder has the keys. A real source gets them from a KME.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qvisio/keysource.h>

#define ID_LENGTH 32 /* hexadecimal digits of 16 random bytes */
#define KEY_BYTES 32

/* Every module defines this struct for itself; nobody else looks inside. */
struct qv_keysource {
	int folder;
	char sae_id[QV_SAE_ID_MAX + 1];
};

static const struct qv_option options[] = {
	{ .name = "folder", .type = QV_OPTION_PATH, .required = true, .help = "Folder that both programs can write." },
	{ .name = "sae_id", .type = QV_OPTION_STRING, .required = true, .help = "SAE ID of this program." },
	{ .name = NULL },
};

static void folder_close(struct qv_keysource *source)
{
	if (source)
		close(source->folder);
	free(source);
}

static struct qv_keysource *folder_open(const struct qv_host *host, const struct qv_options *values,
					struct qv_error *err)
{
	const char *path = qv_options_string(values, "folder");
	struct qv_keysource *source = calloc(1, sizeof *source);
	if (!source || (source->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
		qv_options_fail(values, "folder", err, "%s cannot be opened: %s", path, strerror(errno));
		free(source);
		return NULL;
	}
	snprintf(source->sae_id, sizeof source->sae_id, "%s", qv_options_string(values, "sae_id"));
	qv_log_warning(host->log, "keys lie in %s for all who can read it", path);
	return source;
}

/* Writes or reads a whole key file; false with errno. */
static bool transfer(struct qv_keysource *source, struct qv_key *key, int flags)
{
	int file = openat(source->folder, key->id, flags | O_CLOEXEC, 0600);
	if (file < 0)
		return false;
	uint8_t *bytes = qv_secret_edit(key->secret);
	ssize_t size = flags & O_CREAT ? write(file, bytes, KEY_BYTES) : read(file, bytes, KEY_BYTES);
	close(file);
	return size == KEY_BYTES;
}

static int folder_take(struct qv_keysource *source, const char *peer, unsigned bits, struct qv_key *key,
		       struct qv_error *err)
{
	if (bits != 0 && bits != 8 * KEY_BYTES)
		return qv_fail(err, QV_E_INVALID, "a key of %u bits, where there are only 256", bits);
	unsigned long long id[2];
	if (getentropy(id, sizeof id) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "no random numbers for a key_ID");
	snprintf(key->id, sizeof key->id, "%016llx%016llx", id[0], id[1]);
	key->secret = qv_secret_random(KEY_BYTES, err);
	if (key->secret && transfer(source, key, O_WRONLY | O_CREAT | O_EXCL))
		return 0;
	qv_key_clear(key);
	return qv_fail_errno(err, QV_E_IO, errno, "a key for %s cannot be written", peer);
}

static int folder_claim(struct qv_keysource *source, const char *master, const char *key_id, struct qv_key *key,
			struct qv_error *err)
{
	/* The key_ID came over the network: only what take makes may become a file name. */
	if (strlen(key_id) != ID_LENGTH || strspn(key_id, "0123456789abcdef") != ID_LENGTH)
		return qv_fail(err, QV_E_NOT_FOUND, "that key_ID of %s is none of this source", master);
	key->secret = qv_secret_new(KEY_BYTES, err);
	if (!key->secret)
		return -1;
	memcpy(key->id, key_id, ID_LENGTH + 1);
	/* Of two who claim one key, only one can remove it. */
	if (transfer(source, key, O_RDONLY) && unlinkat(source->folder, key_id, 0) == 0)
		return 0;
	qv_key_clear(key);
	return qv_fail_errno(err, QV_E_NOT_FOUND, errno, "key %s of %s", key_id, master);
}

static int folder_self(struct qv_keysource *source, const char *peer, char *id, struct qv_error *err)
{
	(void)peer, (void)err; /* a source that knows its ID needs neither */
	memcpy(id, source->sae_id, sizeof source->sae_id);
	return 0;
}

static int folder_status(struct qv_keysource *source, const char *peer, struct qv_keysource_status *status,
			 struct qv_error *err)
{
	*status = (struct qv_keysource_status){ .key_size = 8 * KEY_BYTES, .stored_key_count = -1 };
	return folder_self(source, peer, status->master_sae_id, err);
}

/* clang-format off */
static const struct qv_keysource_class folder = {
	.head = { .kind = "keysource", .name = "folder", .summary = "keys as files in a folder, for a laboratory",
		  .abi_major = QV_KEYSOURCE_ABI_MAJOR, .abi_minor = QV_KEYSOURCE_ABI_MINOR,
		  .size = sizeof folder, .option_size = sizeof options[0], .options = options },
	.open = folder_open, .close = folder_close, .take = folder_take, .claim = folder_claim,
	.status = folder_status, .self = folder_self,
};

const struct qv_module qv_module = { .abi_major = QV_MODULE_ABI_MAJOR, .abi_minor = QV_MODULE_ABI_MINOR,
				     .size = sizeof qv_module, .version = "1.0", .license = "Apache-2.0",
				     .classes = (const struct qv_class *const[]){ &folder.head, NULL } };
/* clang-format on */
