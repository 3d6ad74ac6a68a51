/* SPDX-License-Identifier: Apache-2.0 */
/* Key store in one SQLite file. */
#include <config.h>

#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 2000

static const struct qv_option options[] = {
	{ .name = "file",
	  .type = QV_OPTION_PATH,
	  .required = true,
	  .help = "The database; made if absent, in a folder that this user can write. While it is open, a second "
		  "file, "
		  "NAME-wal, lies beside it." },
	{ .name = NULL },
};

/* Others must not even see ciphertext, and SQLite gives its other files the permissions of this one. */
static int make_private(const char *path, struct qv_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s: the key store cannot be opened or made", path);
	struct stat st;
	int result = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		result = qv_fail(err, QV_E_IO, "%s: the key store is no regular file", path);
	else if ((st.st_mode & 077) != 0)
		result = qv_fail(err, QV_E_IO, "%s: others can open the key store (mode %03o); run: chmod 600 %s", path,
				 st.st_mode & 0777, path);
	close(fd);
	return result;
}

static void close_store(struct qv_keystore *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < ST_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	pthread_cond_destroy(&store->changed);
	pthread_mutex_destroy(&store->lock);
	free(store->file);
	free(store);
}

static int open_database(struct qv_keystore *store, struct qv_error *err)
{
	/* One thread at a time uses the connection: the leader. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(store->file, &store->db, flags, NULL) != SQLITE_OK)
		return store_fail(store, err, "opening");
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	return schema_open(store, err);
}

static struct qv_keystore *open_store(const struct qv_host *host, const struct qv_options *given, struct qv_error *err)
{
	const char *path = qv_options_string(given, "file");
	if (make_private(path, err) != 0)
		return NULL;
	struct qv_keystore *store = calloc(1, sizeof *store);
	if (!store) {
		qv_fail(err, QV_E_NOMEM, "%s: no memory for the key store", path);
		return NULL;
	}
	pthread_mutex_init(&store->lock, NULL);
	pthread_cond_init(&store->changed, NULL);
	store->last = &store->first;
	store->log = host->log;
	store->file = strdup(path);
	if (!store->file)
		qv_fail(err, QV_E_NOMEM, "%s: no memory for the key store", path);
	if (!store->file || open_database(store, err) != 0) {
		close_store(store);
		return NULL;
	}
	return store;
}

static const struct qv_keystore_class sqlite = {
	.head = { .kind = "keystore",
		  .name = "sqlite",
		  .summary = "KME key store in one SQLite file, synchronous and in WAL mode",
		  .abi_major = QV_KEYSTORE_ABI_MAJOR,
		  .abi_minor = QV_KEYSTORE_ABI_MINOR,
		  .size = sizeof(struct qv_keystore_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = open_store,
	.close = close_store,
	STORE_SLOTS,
};

static const struct qv_class *const classes[] = { &sqlite.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = PACKAGE_VERSION,
	.license = "Apache-2.0",
	.classes = classes,
};
