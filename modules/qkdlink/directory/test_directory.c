/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/loader.h>
#include <qvisio/qkdlink.h>

#define KEY  QV_QKDLINK_KEY_BYTES
#define KEYS 4096

static struct qv_loader *loader;
static const struct qv_qkdlink_class *directory;
static char top[] = "/tmp/qvisio-dir-XXXXXX";
static char folder[64], other_folder[64], journal[64], said[64];
static int log_fd = -1;
static struct qv_log *logger;
static struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

struct taken {
	size_t count;
	char label[KEYS][QV_QKDLINK_LABEL_MAX + 1];
	uint8_t key[KEYS][KEY];
	char cursor[QV_QKDLINK_CURSOR_MAX + 1];
};

static struct taken lanes[2], others[2];

static void path_of(char path[256], const char *where, const char *name)
{
	snprintf(path, 256, "%s/%s", where, name);
}

/* Keys that tell their place and `seed`. */
static void put(const char *where, const char *name, size_t size, char seed)
{
	char path[256], hidden[256];
	path_of(path, where, name);
	path_of(hidden, where, ".part");
	int fd = open(hidden, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(i % KEY == 0 ? i / KEY : i % KEY == 1 ? i / KEY / 256 : (size_t)seed);
		assert_int_equal(write(fd, &byte, 1), 1);
	}
	close(fd);
	assert_int_equal(rename(hidden, path), 0);
}

static bool is_there(const char *name)
{
	char path[256];
	path_of(path, folder, name);
	return access(path, F_OK) == 0;
}

static struct qv_qkdlink *try_open(const char *where, bool other, const char *const *more, const char *const *cursors,
				   struct qv_error *err)
{
	char path[96];
	const char *assignments[8] = { path };
	size_t count = 1;
	snprintf(path, sizeof path, "path=%s", where);
	bool settles = more && strncmp(*more, "settle=", 7) == 0;
	if (!settles)
		assignments[count++] = "settle=0";
	for (; more && *more; more++)
		assignments[count++] = *more;
	const struct qv_qkdlink_ends ends = { .local = other ? "B" : "A",
					      .remote = other ? "A" : "B",
					      .cursor = { cursors ? cursors[0] : "", cursors ? cursors[1] : "" } };
	struct qv_options *options =
		qv_options_from_strings(assignments, directory->head.options, directory->head.option_size, "test", err);
	assert_non_null(options);
	struct qv_qkdlink *link = directory->open(&host, options, &ends, err);
	qv_options_free(options);
	return link;
}

static struct qv_qkdlink *open_link(const char *where, bool other, const char *const *more, const char *const *cursors)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_qkdlink *link = try_open(where, other, more, cursors, &err);
	if (!link)
		fail_msg("%s", err.message);
	return link;
}

/* At most `max` keys that are there now. */
static size_t take(struct qv_qkdlink *link, unsigned lane, size_t max, struct taken *into)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_qkdlink_batch batch;
	size_t before = into->count;
	int got = 1;
	while (into->count - before < max &&
	       (got = directory->read(link, lane, max - (into->count - before), &batch, &err)) == 1) {
		for (size_t i = 0; i < batch.count; i++, into->count++) {
			snprintf(into->label[into->count], sizeof into->label[0], "%s", batch.labels[i]);
			memcpy(into->key[into->count], qv_secret_bytes(batch.keys) + i * KEY, KEY);
		}
		snprintf(into->cursor, sizeof into->cursor, "%s", batch.cursor);
	}
	if (got < 0)
		fail_msg("%s", err.message);
	return into->count - before;
}

static void store(struct qv_qkdlink *link, unsigned lane, const struct taken *keys)
{
	struct qv_error err = QV_ERROR_INIT;
	if (directory->stored(link, lane, keys->cursor, &err) != 0)
		fail_msg("%s", err.message);
}

static const uint8_t *key_of(const struct taken *keys, const char *label)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->label[i], label) == 0)
			return keys->key[i];
	return NULL;
}

static void assert_said(const char *text)
{
	char line[512];
	FILE *in = fopen(said, "r");
	assert_non_null(in);
	bool found = false;
	while (fgets(line, sizeof line, in))
		found = found || strstr(line, text);
	fclose(in);
	if (!found)
		fail_msg("it did not say: %s", text);
}

/* What both ends take, whatever the order in which files come, is the same under the same labels. */
static void test_ends_agree(void **state)
{
	(void)state;
	struct qv_qkdlink *a = open_link(folder, false, NULL, NULL), *b = open_link(other_folder, true, NULL, NULL);
	const char *const names[] = { "one.cor", "two.cor", "a name of its own \xc3\xa4.cor", "single-1.cor",
				      "single-2.cor" };
	const size_t sizes[] = { 5 * KEY, 3000 * KEY, 8 * KEY, KEY, KEY };
	for (int i = 0; i < 5; i++) {
		put(folder, names[i], sizes[i], (char)('a' + i));
		put(other_folder, names[4 - i], sizes[4 - i], (char)('a' + 4 - i));
		for (unsigned lane = 0; lane < 2; lane++) {
			take(a, lane, KEYS, &lanes[lane]);
			take(b, lane, KEYS, &others[lane]);
		}
	}
	assert_int_equal(lanes[0].count + lanes[1].count, 3015);
	for (unsigned lane = 0; lane < 2; lane++) {
		assert_int_equal(lanes[lane].count, others[lane].count);
		for (size_t i = 0; i < lanes[lane].count; i++) {
			const uint8_t *theirs = key_of(&others[lane], lanes[lane].label[i]);
			assert_non_null(theirs);
			assert_memory_equal(theirs, lanes[lane].key[i], KEY);
			assert_null(key_of(&lanes[!lane], lanes[lane].label[i]));
		}
	}
	assert_in_range(lanes[0].count, 1505, 1510);
	directory->close(a);
	directory->close(b);
}

static void test_after(void **state)
{
	(void)state;
	static const char *const ways[] = { "after=keep", "after=delete", "after=move" };
	for (size_t i = 0; i < 3; i++) {
		char name[16];
		snprintf(name, sizeof name, "%zu.cor", i);
		put(folder, name, 10 * KEY, (char)i);
		memset(lanes, 0, sizeof lanes);
		struct qv_qkdlink *link = open_link(folder, false, (const char *const[]){ ways[i], NULL }, NULL);
		assert_int_equal(take(link, 0, KEYS, &lanes[0]), 5);
		assert_int_equal(take(link, 1, KEYS, &lanes[1]), 5);
		assert_true(is_there(name));
		store(link, 1, &lanes[1]);
		assert_true(is_there(name));
		store(link, 0, &lanes[0]);
		assert_int_equal(is_there(name), i == 0);
		assert_int_equal(take(link, 0, KEYS, &lanes[0]), 0);
		directory->close(link);
		char path[256];
		path_of(path, folder, "0.cor");
		unlink(path);
	}
	assert_true(is_there("done/2.cor"));
}

/* The process dies after the key store took the last keys, and before the module heard of it. */
static void test_dies_before_stored(void **state)
{
	(void)state;
	static const char *const delete[] = { "after=delete", NULL };
	put(folder, "a.cor", 10 * KEY, 'a');
	put(folder, "b.cor", 10 * KEY, 'b');
	struct qv_qkdlink *link = open_link(folder, false, delete, NULL);
	for (unsigned lane = 0; lane < 2; lane++)
		assert_int_equal(take(link, lane, 5, &lanes[lane]), 5);
	directory->close(link);
	const char *const first[] = { lanes[0].cursor, lanes[1].cursor };
	link = open_link(folder, false, delete, first);
	for (unsigned lane = 0; lane < 2; lane++) {
		assert_int_equal(take(link, lane, 3, &lanes[lane]), 3);
		assert_non_null(strstr(lanes[lane].label[5], "b.cor:"));
	}
	assert_false(is_there("a.cor"));
	directory->close(link);
	/* In the middle of b, and with c come in before it in the order of names. */
	put(folder, "aa.cor", 2 * KEY, 'c');
	const char *const second[] = { lanes[0].cursor, lanes[1].cursor };
	link = open_link(folder, false, delete, second);
	for (unsigned lane = 0; lane < 2; lane++) {
		assert_int_equal(take(link, lane, KEYS, &lanes[lane]), 3);
		for (size_t i = 0; i < lanes[lane].count; i++)
			for (size_t j = 0; j < i; j++)
				assert_string_not_equal(lanes[lane].label[i], lanes[lane].label[j]);
		store(link, lane, &lanes[lane]);
	}
	assert_false(is_there("b.cor") || is_there("aa.cor"));
	directory->close(link);
}

/* A caller may store the keys of several files before it says so. */
static void test_dies_two_files_on(void **state)
{
	(void)state;
	put(folder, "a.cor", 10 * KEY, 'a');
	put(folder, "b.cor", 10 * KEY, 'b');
	struct qv_qkdlink *link = open_link(folder, false, NULL, NULL);
	assert_int_equal(take(link, 0, 6, &lanes[0]), 6);
	directory->close(link);
	const char *const cursors[] = { lanes[0].cursor, "" };
	link = open_link(folder, false, NULL, cursors);
	lanes[0].count = 0;
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 4);
	assert_non_null(strstr(lanes[0].label[0], "b.cor:"));
	directory->close(link);
}

/* Devices that deliver a key a file must not feed one direction only. */
static void test_files_of_one_key(void **state)
{
	(void)state;
	for (char c = 'a'; c <= 'z'; c++)
		put(folder, (const char[]){ c, '.', 'c', 'o', 'r', '\0' }, KEY, c);
	struct qv_qkdlink *link = open_link(folder, false, (const char *const[]){ "after=delete", NULL }, NULL);
	for (unsigned lane = 0; lane < 2; lane++) {
		assert_in_range(take(link, lane, KEYS, &lanes[lane]), 5, 21);
		store(link, lane, &lanes[lane]);
	}
	assert_int_equal(lanes[0].count + lanes[1].count, 26);
	assert_false(is_there("a.cor") || is_there("z.cor"));
	directory->close(link);
}

/* A key store that was lost does not bring keys back that it may have given away. */
static void test_store_lost(void **state)
{
	(void)state;
	put(folder, "a.cor", 10 * KEY, 'a');
	struct qv_qkdlink *link = open_link(folder, false, NULL, NULL);
	assert_int_equal(take(link, 0, 2, &lanes[0]), 2);
	/* Read, and never stored: the same again. */
	directory->close(link);
	link = open_link(folder, false, NULL, NULL);
	assert_int_equal(take(link, 0, 2, &lanes[0]), 2);
	assert_string_equal(lanes[0].label[0], lanes[0].label[2]);
	store(link, 0, &lanes[0]);
	directory->close(link);
	link = open_link(folder, false, NULL, NULL);
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 0);
	assert_said("1 key files were begun with another key store");
	directory->close(link);
	/* Nor is the file deleted, as one would be that was stored whole. */
	link = open_link(folder, false, (const char *const[]){ "after=delete", NULL }, NULL);
	assert_int_equal(take(link, 1, 2, &lanes[1]), 2);
	store(link, 1, &lanes[1]);
	directory->close(link);
	link = open_link(folder, false, (const char *const[]){ "after=delete", NULL }, NULL);
	for (unsigned lane = 0; lane < 2; lane++)
		assert_int_equal(take(link, lane, KEYS, &lanes[lane]), 0);
	assert_true(is_there("a.cor"));
	assert_said("a.cor: skipped: it was begun with another key store");
	directory->close(link);
}

static void test_skipped(void **state)
{
	(void)state;
	char path[256], name[256];
	put(folder, "odd.cor", 33, 'a');
	put(folder, "empty.cor", 0, 'a');
	put(folder, "open.cor", KEY, 'o');
	path_of(path, folder, "open.cor");
	chmod(path, 0640);
	path_of(path, folder, "folder.cor");
	mkdir(path, 0700);
	path_of(path, folder, "pipe.cor");
	mkfifo(path, 0600);
	put(folder, "target", KEY, 't');
	path_of(path, folder, "link.cor");
	path_of(name, folder, "target");
	assert_int_equal(symlink(name, path), 0);
	put(folder, "large.cor", 0, 'l');
	path_of(path, folder, "large.cor");
	assert_int_equal(truncate(path, (1 << 20) + KEY), 0);
	put(folder, "other.key", KEY, 'k');
	struct qv_qkdlink *link = open_link(folder, false, (const char *const[]){ "max_size=1", NULL }, NULL);
	for (unsigned lane = 0; lane < 2; lane++)
		assert_int_equal(take(link, lane, KEYS, &lanes[lane]), 0);
	assert_said("odd.cor: skipped: its size, 33 bytes, is no multiple of 32");
	assert_said("empty.cor: skipped: it is empty");
	assert_said("open.cor: skipped: others can read or write it (mode 0640)");
	assert_said("folder.cor: skipped: it is no regular file");
	assert_said("pipe.cor: skipped: it is no regular file");
	assert_said("link.cor: skipped: it is a symbolic link");
	assert_said("large.cor: skipped: it is larger than max_size, 1 MiB");
	/* Mended, it is taken. */
	path_of(path, folder, "open.cor");
	chmod(path, 0600);
	assert_int_equal(take(link, 0, KEYS, &lanes[0]) + take(link, 1, KEYS, &lanes[1]), 1);
	directory->close(link);
}

static void test_names_and_contents_are_used_once(void **state)
{
	(void)state;
	static const char *const delete[] = { "after=delete", NULL };
	struct qv_qkdlink *link = open_link(folder, false, delete, NULL);
	put(folder, "a.cor", 4 * KEY, 'a');
	for (unsigned lane = 0; lane < 2; lane++) {
		assert_int_equal(take(link, lane, KEYS, &lanes[lane]), 2);
		store(link, lane, &lanes[lane]);
	}
	directory->close(link);
	const char *const cursors[] = { lanes[0].cursor, lanes[1].cursor };
	link = open_link(folder, false, delete, cursors);
	put(folder, "a.cor", 4 * KEY, 'b');
	put(folder, "b.cor", 4 * KEY, 'a');
	assert_int_equal(take(link, 0, KEYS, &lanes[0]) + take(link, 1, KEYS, &lanes[1]), 0);
	assert_said("a.cor: skipped: a file of this name with other content was taken before");
	assert_said("b.cor: skipped: it has the same keys as a.cor");
	assert_true(is_there("a.cor") && is_there("b.cor"));
	/* A copy of what was taken, under its own name, is what deleting left over. */
	put(folder, "a.cor", 4 * KEY, 'a');
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 0);
	assert_false(is_there("a.cor"));
	directory->close(link);
}

static void test_being_written(void **state)
{
	(void)state;
	char path[256];
	path_of(path, folder, "slow.cor");
	struct qv_qkdlink *link = open_link(folder, false, NULL, NULL);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	uint8_t key[KEY] = { 7 };
	for (int i = 0; i < 4; i++) {
		key[0] = (uint8_t)i;
		assert_int_equal(write(fd, key, KEY), KEY);
		for (unsigned lane = 0; lane < 2; lane++)
			assert_int_equal(take(link, lane, KEYS, &lanes[lane]), 0);
	}
	close(fd);
	assert_int_equal(take(link, 0, KEYS, &lanes[0]) + take(link, 1, KEYS, &lanes[1]), 4);
	directory->close(link);
}

static void test_settles(void **state)
{
	(void)state;
	char path[256];
	path_of(path, folder, "closed.cor");
	struct qv_qkdlink *link = open_link(folder, false, (const char *const[]){ "settle=3600000", NULL }, NULL);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	uint8_t key[2 * KEY] = { 7 };
	assert_int_equal(write(fd, key, sizeof key), sizeof key);
	close(fd);
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 0);
	put(folder, "renamed.cor", 2 * KEY, 'r');
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 1);
	assert_non_null(strstr(lanes[0].label[0], "renamed.cor:"));
	assert_in_range(directory->wait_ms(link), 1, 1000);
	directory->close(link);
}

static void test_changed_midway(void **state)
{
	(void)state;
	put(folder, "a.cor", 10 * KEY, 'a');
	struct qv_qkdlink *link = open_link(folder, false, NULL, NULL);
	assert_int_equal(take(link, 0, 2, &lanes[0]), 2);
	/* Touched, it goes on; with other content it does not. */
	put(folder, "a.cor", 10 * KEY, 'a');
	assert_int_equal(take(link, 0, 1, &lanes[0]), 1);
	put(folder, "a.cor", 10 * KEY, 'b');
	put(folder, "b.cor", 2 * KEY, 'c');
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 1);
	assert_non_null(strstr(lanes[0].label[3], "b.cor:"));
	assert_said("a.cor: its keys from");
	assert_int_equal(take(link, 1, KEYS, &lanes[1]), 1);
	store(link, 0, &lanes[0]);
	store(link, 1, &lanes[1]);
	/* It goes while it is read. */
	char path[256];
	put(folder, "c.cor", 10 * KEY, 'd');
	assert_int_equal(take(link, 0, 2, &lanes[0]), 2);
	path_of(path, folder, "c.cor");
	unlink(path);
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 0);
	assert_said("c.cor: its keys from");
	directory->close(link);
}

/* Written in place by somebody who keeps it open: no event tells of it. */
static void test_written_in_place(void **state)
{
	(void)state;
	char path[256];
	put(folder, "a.cor", 10 * KEY, 'a');
	struct qv_qkdlink *link = open_link(folder, false, NULL, NULL);
	assert_int_equal(take(link, 0, 2, &lanes[0]), 2);
	path_of(path, folder, "a.cor");
	int fd = open(path, O_WRONLY);
	uint8_t bytes[10 * KEY] = { 0 };
	assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 0);
	assert_said("a.cor: skipped for now: it changed while it was read");
	close(fd);
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 0);
	assert_said("a.cor: skipped: a file of this name with other content");
	directory->close(link);
}

static void append(const char *text, size_t size)
{
	FILE *out = fopen(journal, "a");
	assert_non_null(out);
	fwrite(text, 1, size, out);
	fclose(out);
}

static void assert_refused(const char *cursor, enum qv_code code, const char *message)
{
	struct qv_error err = QV_ERROR_INIT;
	char option[96];
	snprintf(option, sizeof option, "journal=%s", journal);
	assert_null(try_open(folder, false, (const char *const[]){ option, NULL }, (const char *const[]){ cursor, "" },
			     &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.message, message))
		fail_msg("\"%s\" is not in \"%s\"", message, err.message);
}

static void test_journal(void **state)
{
	(void)state;
	char option[96];
	snprintf(option, sizeof option, "journal=%s", journal);
	const char *const more[] = { option, NULL };
	put(folder, "a.cor", 10 * KEY, 'a');
	struct qv_qkdlink *link = open_link(folder, false, more, NULL);
	assert_int_equal(take(link, 0, 2, &lanes[0]), 2);
	assert_refused("", QV_E_BUSY, "another process takes keys with this journal");
	directory->close(link);
	/* A power failure cut its last line. */
	append("F b.cor 320 17", 14);
	const char *const cursors[] = { lanes[0].cursor, "" };
	link = open_link(folder, false, more, cursors);
	assert_int_equal(take(link, 0, KEYS, &lanes[0]), 3);
	directory->close(link);
	assert_refused("unknown.cor 4", QV_E_INVALID, "of which the journal of the folder knows nothing");
	assert_refused("a.cor 11", QV_E_INVALID, "of which the journal of the folder knows nothing");
	assert_refused("a.cor -1", QV_E_INVALID, "a position that is none of this module");
	append("B 2 a.cor\n", 10);
	assert_refused("", QV_E_INVALID, "damaged, or no journal of this module");
	unlink(journal);
	assert_refused(lanes[0].cursor, QV_E_INVALID, "of which the journal of the folder knows nothing");
	chmod(journal, 0644);
	assert_refused("", QV_E_DENIED, "with mode 0600");
	unlink(journal);
	chmod(folder, 0777);
	assert_refused("", QV_E_CONFIG, "others can put keys there");
	chmod(folder, 0700);
}

static void empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *item;
	while (dir && (item = readdir(dir)))
		if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) {
			if (item->d_type == DT_DIR) {
				char inner[512];
				snprintf(inner, sizeof inner, "%s/%s", path, item->d_name);
				empty(inner);
			}
			unlinkat(dirfd(dir), item->d_name, item->d_type == DT_DIR ? AT_REMOVEDIR : 0);
		}
	if (dir)
		closedir(dir);
}

static int fresh(void **state)
{
	(void)state;
	empty(folder);
	empty(other_folder);
	unlink(journal);
	memset(lanes, 0, sizeof lanes);
	memset(others, 0, sizeof others);
	return ftruncate(log_fd, 0);
}

static int set_up(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	if (!mkdtemp(top))
		return -1;
	snprintf(folder, sizeof folder, "%s/a", top);
	snprintf(other_folder, sizeof other_folder, "%s/b", top);
	snprintf(journal, sizeof journal, "%s/journal", top);
	snprintf(said, sizeof said, "%s/log", top);
	mkdir(folder, 0700);
	mkdir(other_folder, 0700);
	log_fd = open(said, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	logger = qv_log_new("test", QV_LOG_DEBUG, QV_LOG_TEXT, log_fd);
	host.log = logger;
	loader = qv_loader_new(NULL, NULL, &err);
	directory = qv_qkdlink_class(qv_loader_get(loader, "qkdlink", "directory", &err));
	if (!directory)
		fprintf(stderr, "%s\n", err.message);
	return directory && log_fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	qv_loader_free(loader);
	qv_log_free(logger);
	close(log_fd);
	empty(top);
	return rmdir(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ends_agree, fresh),
		cmocka_unit_test_setup(test_after, fresh),
		cmocka_unit_test_setup(test_dies_before_stored, fresh),
		cmocka_unit_test_setup(test_dies_two_files_on, fresh),
		cmocka_unit_test_setup(test_files_of_one_key, fresh),
		cmocka_unit_test_setup(test_store_lost, fresh),
		cmocka_unit_test_setup(test_skipped, fresh),
		cmocka_unit_test_setup(test_names_and_contents_are_used_once, fresh),
		cmocka_unit_test_setup(test_being_written, fresh),
		cmocka_unit_test_setup(test_settles, fresh),
		cmocka_unit_test_setup(test_changed_midway, fresh),
		cmocka_unit_test_setup(test_written_in_place, fresh),
		cmocka_unit_test_setup(test_journal, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
