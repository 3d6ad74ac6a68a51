/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link keys from files that QKD devices (or a person) put into a folder at both KMEs: 32 bytes a key, one after the
 * other. A key is named after its file and its place in it. The cursor of a lane is the file and the place it has come
 * to; which files it was through with before that, the journal knows.
 */
#include <config.h>

#include <qvisio/qkdlink.h>

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"

#define BATCH_MAX 1024
#define CHUNK     ((size_t)2 * BATCH_MAX * QV_QKDLINK_KEY_BYTES)

_Static_assert(CHUNK <= FOLDER_BUFFER, "a batch of one lane lies within twice its size");

struct lane {
	struct record *record; /* being read; NULL: none */
	char name[NAME_MAX + 1];
	int fd;
	uint64_t next;               /* place of a key in the file */
	struct record *first, *last; /* begun and not done, in order */
	struct record *resume;       /* what `next` is a place in, from the cursor; it comes before all others */
};

struct qv_qkdlink {
	const struct qv_log *log;
	struct folder folder;
	struct journal *journal;
	struct lane lanes[QV_QKDLINK_LANES];
	struct qv_secret *keys;
	char labels[BATCH_MAX][QV_QKDLINK_LABEL_MAX + 1];
	const char *label_list[BATCH_MAX];
	char cursor[QV_QKDLINK_CURSOR_MAX + 1];
};

static const char *const afters[] = { "keep", "delete", "move", NULL };

static const struct qv_option options[] = {
	{ .name = "path",
	  .type = QV_OPTION_PATH,
	  .required = true,
	  .help = "Folder that the key files come to; nobody else may write to it." },
	{ .name = "pattern",
	  .type = QV_OPTION_STRING,
	  .fallback = "*.cor",
	  .help = "Shell pattern that the names of key files match; hidden files never do." },
	{ .name = "after",
	  .type = QV_OPTION_CHOICE,
	  .choices = afters,
	  .fallback = "keep",
	  .help = "What becomes of a file when all its keys are stored: it stays, it is deleted, or it is moved to the "
		  "folder \"done\" in this one." },
	{ .name = "settle",
	  .type = QV_OPTION_INT,
	  .fallback = "1000",
	  .min = 0,
	  .max = 3600000,
	  .unit = "ms",
	  .help = "A file is whole when it has not changed for this time; one that is renamed into the folder is at "
		  "once." },
	{ .name = "rescan",
	  .type = QV_OPTION_INT,
	  .fallback = "10",
	  .min = 1,
	  .max = 86400,
	  .unit = "s",
	  .help = "How often to read the folder when no event tells of new files, as on network file systems." },
	{ .name = "max_size",
	  .type = QV_OPTION_INT,
	  .fallback = "256",
	  .min = 1,
	  .max = 4096,
	  .unit = "MiB",
	  .help = "Larger files are skipped." },
	{ .name = "group",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Whether the folder and its files may belong to other users and be shared with their group, as when "
		  "a "
		  "device uploads them under a user of its own." },
	{ .name = "journal",
	  .type = QV_OPTION_PATH,
	  .help = "File that remembers which files were taken; default: a hidden one in the folder." },
	{ .name = NULL },
};

static void leave_file(struct lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
	lane->record = NULL;
}

static void close_link(struct qv_qkdlink *link)
{
	if (!link)
		return;
	for (unsigned i = 0; i < QV_QKDLINK_LANES; i++)
		leave_file(&link->lanes[i]);
	folder_close(&link->folder);
	journal_close(link->journal);
	qv_secret_free(link->keys);
	free(link);
}

/* Two KMEs of one machine may have the same folder. */
static char *journal_path(const struct qv_options *given, const struct qv_qkdlink_ends *ends)
{
	char *path = NULL, hex[17];
	uint8_t hash[crypto_generichash_BYTES_MIN];
	if (qv_options_string(given, "journal"))
		return strdup(qv_options_string(given, "journal"));
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, sizeof hash);
	crypto_generichash_update(&state, (const uint8_t *)ends->local, strlen(ends->local) + 1);
	crypto_generichash_update(&state, (const uint8_t *)ends->remote, strlen(ends->remote) + 1);
	crypto_generichash_final(&state, hash, sizeof hash);
	sodium_bin2hex(hex, sizeof hex, hash, 8);
	return asprintf(&path, "%s/.qvisio-%s.journal", qv_options_string(given, "path"), hex) < 0 ? NULL : path;
}

struct recovery {
	struct qv_qkdlink *link;
	unsigned lane;
	uint64_t reached; /* the order of the cursor's file */
	size_t spent;
};

/* The order in which the lane began the files, and the cursor, tell which of them it was through with. */
static void recover(struct record *record, void *context)
{
	struct recovery *recovery = context;
	struct record_lane *lane = &record->lanes[recovery->lane];
	if (lane->done || !lane->begun)
		return;
	if (lane->begun < recovery->reached) {
		lane->done = true;
	} else if (lane->begun > recovery->reached && lane->stored) {
		lane->done = lane->lost = true;
		recovery->spent++;
	}
}

static int read_cursor(struct qv_qkdlink *link, unsigned number, const char *text, struct qv_error *err)
{
	char id[FILE_ID_MAX + 1];
	struct lane *lane = &link->lanes[number];
	struct recovery recovery = { .link = link, .lane = number };
	if (text && text[0]) {
		if (!cursor_parse(text, id, &lane->next))
			return qv_fail(err, QV_E_INVALID,
				       "the key store holds a position that is none of this module: \"%s\"", text);
		struct record *record = journal_find(link->journal, id);
		if (!record || !record->lanes[number].begun || lane->next > record->size / QV_QKDLINK_KEY_BYTES)
			return qv_fail(
				err, QV_E_INVALID,
				"the key store has come to %s, of which the journal of the folder knows nothing: put "
				"the "
				"journal back that belongs to it, or start with new key files and a new key store at "
				"both ends",
				id);
		recovery.reached = record->lanes[number].begun;
		if (lane->next == record->size / QV_QKDLINK_KEY_BYTES) {
			if (!record->lanes[number].done && journal_done(link->journal, record, number, err) != 0)
				return -1;
		} else if (!record->lanes[number].done) {
			lane->resume = lane->first = lane->last = record;
		}
	}
	journal_each(link->journal, recover, &recovery);
	if (recovery.spent)
		qv_log_warning(link->log,
			       "%zu key files were begun with another key store: their keys are not taken again",
			       recovery.spent);
	return 0;
}

static int start(struct qv_qkdlink *link, const struct qv_options *given, const struct qv_qkdlink_ends *ends,
		 struct qv_error *err)
{
	const char *after = qv_options_string(given, "after");
	struct folder_settings settings = {
		.path = qv_options_string(given, "path"),
		.pattern = qv_options_string(given, "pattern"),
		.max_bytes = (uint64_t)qv_options_int(given, "max_size") << 20,
		.settle = qv_options_int(given, "settle") * QV_NS_PER_MS,
		.rescan = qv_options_int(given, "rescan") * QV_NS_PER_SECOND,
		.group = qv_options_bool(given, "group"),
		.after = strcmp(after, "delete") == 0 ? AFTER_DELETE
			 : strcmp(after, "move") == 0 ? AFTER_MOVE
						      : AFTER_KEEP,
	};
	struct qv_error why = QV_ERROR_INIT;
	if (folder_open(&link->folder, &settings, &why) != 0)
		return qv_options_fail(given, "path", err, "%s", why.message);
	char *path = journal_path(given, ends);
	if (!path)
		return qv_fail(err, QV_E_NOMEM, "no memory for a link");
	link->journal = journal_open(path, err);
	free(path);
	link->folder.journal = link->journal;
	if (!link->journal)
		return -1;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++)
		if (read_cursor(link, lane, ends->cursor[lane], err) != 0)
			return -1;
	return 0;
}

static struct qv_qkdlink *open_link(const struct qv_host *host, const struct qv_options *given,
				    const struct qv_qkdlink_ends *ends, struct qv_error *err)
{
	struct qv_qkdlink *link = calloc(1, sizeof *link);
	if (!link) {
		qv_fail(err, QV_E_NOMEM, "no memory for a link");
		return NULL;
	}
	link->log = link->folder.log = host->log;
	link->folder.clock = host->clock;
	link->folder.fd = link->folder.watch_fd = -1;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++)
		link->lanes[lane].fd = -1;
	for (size_t i = 0; i < BATCH_MAX; i++)
		link->label_list[i] = link->labels[i];
	link->keys = qv_secret_new((size_t)BATCH_MAX * QV_QKDLINK_KEY_BYTES, err);
	if (link->keys && start(link, given, ends, err) == 0)
		return link;
	close_link(link);
	return NULL;
}

static uint64_t key_count(const struct record *record)
{
	return record->size / QV_QKDLINK_KEY_BYTES;
}

/* What is still wanted of an entry. */
static bool has_keys(const struct entry *entry, unsigned lane)
{
	return entry->state == ENTRY_READY && !entry->record->lanes[lane].done && !entry->record->lanes[lane].read;
}

static int begin(struct qv_qkdlink *link, unsigned number, struct entry *entry, struct qv_error *err)
{
	struct lane *lane = &link->lanes[number];
	struct record *record = entry->record;
	int fd = folder_open_entry(&link->folder, entry);
	if (fd < 0)
		return 0;
	if (record != lane->resume) {
		if (journal_begin(link->journal, record, number, err) != 0) {
			close(fd);
			return -1;
		}
		lane->next = number ^ file_parity(record->id);
		if (lane->last)
			lane->last->lanes[number].next = record;
		else
			lane->first = record;
		lane->last = record;
		record->lanes[number].next = NULL;
	}
	lane->resume = NULL;
	lane->record = record;
	lane->fd = fd;
	snprintf(lane->name, sizeof lane->name, "%s", entry->name);
	return 1;
}

/* A lane is through with the first of the files that it began. */
static int finish(struct qv_qkdlink *link, unsigned number, struct qv_error *err)
{
	struct lane *lane = &link->lanes[number];
	struct record *record = lane->first;
	if (journal_done(link->journal, record, number, err) != 0)
		return -1;
	lane->first = record->lanes[number].next;
	if (!lane->first)
		lane->last = NULL;
	if (!record->lanes[0].done || !record->lanes[1].done)
		return 0;
	for (size_t i = 0; i < link->folder.count; i++)
		if (link->folder.entries[i]->record == record)
			folder_dispose(&link->folder, link->folder.entries[i]);
	return 0;
}

/* Goes on with the file that the cursor names. 1: it can be read; 0: not now; 2: it has gone. */
static int resume(struct qv_qkdlink *link, unsigned number, struct entry **found, struct qv_error *err)
{
	struct lane *lane = &link->lanes[number];
	char id[FILE_ID_MAX + 1];
	for (size_t i = 0; i < link->folder.count; i++) {
		struct entry *entry = *found = link->folder.entries[i];
		file_id(entry->name, id);
		if (strcmp(id, lane->resume->id) != 0)
			continue;
		if (folder_examine(&link->folder, entry, err) != 0)
			return -1;
		if (entry->state == ENTRY_WAITING)
			return 0;
		if (has_keys(entry, number))
			return 1;
	}
	qv_log_warning(link->log,
		       "%s: its keys from %" PRIu64 " on are lost: the file is no longer there, or not the same",
		       lane->resume->id, lane->next);
	lane->resume->lanes[number].read = true;
	lane->resume = NULL;
	return 2;
}

static int next_file(struct qv_qkdlink *link, unsigned number, struct qv_error *err)
{
	struct entry *entry;
	if (link->lanes[number].resume) {
		int got = resume(link, number, &entry, err);
		if (got != 2)
			return got == 1 ? begin(link, number, entry, err) : got;
	}
	for (size_t i = 0; i < link->folder.count; i++) {
		entry = link->folder.entries[i];
		if (folder_examine(&link->folder, entry, err) != 0)
			return -1;
		if (!has_keys(entry, number))
			continue;
		int got = begin(link, number, entry, err);
		if (got != 0)
			return got;
	}
	return 0;
}

/* The file that the lane is in, if it is still there and the same; else the lane leaves it. */
static struct entry *current(struct qv_qkdlink *link, unsigned number)
{
	struct lane *lane = &link->lanes[number];
	struct entry *entry = lane->record ? folder_find(&link->folder, lane->name) : NULL;
	if (entry && entry->record == lane->record && has_keys(entry, number))
		return entry;
	if (lane->record) {
		/* It goes on there, should the file turn out to be the same. */
		lane->resume = lane->record;
		leave_file(lane);
	}
	return NULL;
}

static bool read_bytes(int fd, uint8_t *bytes, size_t size, off_t at)
{
	while (size > 0) {
		ssize_t got = pread(fd, bytes, size, at);
		if (got <= 0)
			return false;
		bytes += got;
		size -= (size_t)got;
		at += got;
	}
	return true;
}

/* The keys of a lane are every other one of the file. 0: the file changed. */
static size_t read_keys(struct qv_qkdlink *link, unsigned number, size_t max, struct entry *entry)
{
	struct lane *lane = &link->lanes[number];
	uint64_t left = (key_count(lane->record) - lane->next + 1) / 2;
	size_t count = left < max ? (size_t)left : max;
	if (count > BATCH_MAX)
		count = BATCH_MAX;
	uint8_t *bytes = qv_secret_edit(link->folder.buffer);
	if (!read_bytes(lane->fd, bytes, (2 * count - 1) * QV_QKDLINK_KEY_BYTES,
			(off_t)lane->next * QV_QKDLINK_KEY_BYTES) ||
	    !folder_unchanged(&link->folder, entry, lane->fd))
		return 0;
	for (size_t i = 0; i < count; i++) {
		memcpy(qv_secret_edit(link->keys) + i * QV_QKDLINK_KEY_BYTES, bytes + 2 * i * QV_QKDLINK_KEY_BYTES,
		       QV_QKDLINK_KEY_BYTES);
		snprintf(link->labels[i], sizeof link->labels[i], "%s:%" PRIu64, lane->record->id, lane->next + 2 * i);
	}
	lane->next += 2 * count;
	if (lane->next > key_count(lane->record))
		lane->next = key_count(lane->record);
	return count;
}

static int read_link(struct qv_qkdlink *link, unsigned number, size_t max, struct qv_qkdlink_batch *batch,
		     struct qv_error *err)
{
	struct lane *lane = &link->lanes[number];
	if (folder_refresh(&link->folder, err) != 0)
		return -1;
	if (!current(link, number)) {
		int got = next_file(link, number, err);
		if (got <= 0)
			return got;
	}
	struct entry *entry = folder_find(&link->folder, lane->name);
	size_t count = read_keys(link, number, max, entry);
	if (count == 0) {
		current(link, number);
		return 0;
	}
	cursor_print(lane->record->id, lane->next, link->cursor);
	if (lane->next == key_count(lane->record)) {
		lane->record->lanes[number].read = true;
		leave_file(lane);
	}
	*batch = (struct qv_qkdlink_batch){
		.count = count, .keys = link->keys, .labels = link->label_list, .cursor = link->cursor
	};
	return 1;
}

static int wait_ms(struct qv_qkdlink *link)
{
	int64_t ms = folder_wait(&link->folder) / QV_NS_PER_MS + 1;
	return ms < 10 ? 10 : (int)ms;
}

static int stored(struct qv_qkdlink *link, unsigned number, const char *cursor, struct qv_error *err)
{
	char id[FILE_ID_MAX + 1];
	uint64_t next;
	struct lane *lane = &link->lanes[number];
	struct record *record = cursor_parse(cursor, id, &next) ? journal_find(link->journal, id) : NULL;
	if (!record || !record->lanes[number].begun)
		return qv_fail(err, QV_E_INVALID, "\"%s\" is no position of this link", cursor);
	if (record->lanes[number].done)
		return 0;
	if (!record->lanes[number].stored && journal_stored(link->journal, record, number, err) != 0)
		return -1;
	while (lane->first && lane->first != record)
		if (finish(link, number, err) != 0)
			return -1;
	return lane->first && next == key_count(record) ? finish(link, number, err) : 0;
}

static const struct qv_qkdlink_class directory = {
	.head = { .kind = "qkdlink",
		  .name = "directory",
		  .summary = "keys from files that come into a folder at both KMEs",
		  .abi_major = QV_QKDLINK_ABI_MAJOR,
		  .abi_minor = QV_QKDLINK_ABI_MINOR,
		  .size = sizeof(struct qv_qkdlink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = open_link,
	.close = close_link,
	.read = read_link,
	.wait_ms = wait_ms,
	.stored = stored,
};

static const struct qv_class *const classes[] = { &directory.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = PACKAGE_VERSION,
	.license = "Apache-2.0",
	.classes = classes,
};
