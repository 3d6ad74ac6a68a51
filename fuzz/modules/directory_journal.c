/* SPDX-License-Identifier: Apache-2.0 */
/* The directory link's journal, which a power failure may have left in any state, and its cursors and file names. */
#include "../fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../modules/qkdlink/directory/file_id.h"
#include "../../modules/qkdlink/directory/journal.h"

const char *const fuzz_corpus = "fuzz/modules/corpus/directory_journal";

static void check_names(const uint8_t *data, size_t size)
{
	char text[256], id[FILE_ID_MAX + 1], cursor[QV_QKDLINK_CURSOR_MAX + 1];
	uint64_t next, again;
	size_t length = size < sizeof text ? size : sizeof text - 1;
	memcpy(text, data, length);
	text[length] = '\0';
	if (text[0] && !strchr(text, '/')) {
		file_id(text, id);
		if (!file_id_valid(id))
			abort();
	}
	if (!cursor_parse(text, id, &next))
		return;
	cursor_print(id, next, cursor);
	if (!cursor_parse(cursor, id, &again) || again != next)
		abort();
}

static void check_record(struct record *record, void *context)
{
	size_t *count = context;
	++*count;
	if (!file_id_valid(record->id))
		abort();
}

/* How many records it has; -1: refused. */
static int count_records(const char *path, bool append)
{
	size_t count = 0;
	struct qv_error err = QV_ERROR_INIT;
	struct journal *journal = journal_open(path, &err);
	if (!journal) {
		if (!err.message[0])
			abort();
		return -1;
	}
	const uint8_t print[PRINT_BYTES] = { 1 };
	if (append && !journal_find(journal, "new.cor"))
		journal_add(journal, "new.cor", 64, 1, print, &err);
	journal_each(journal, check_record, &count);
	journal_close(journal);
	return (int)count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/dev/shm/qvisio-fuzz-XXXXXX";
	int fd = mkstemp(path);
	check_names(data, size);
	if (fd < 0)
		return 0;
	bool written = write(fd, data, size) == (ssize_t)size;
	close(fd);
	/* Whatever was accepted is accepted again with what was appended to it. */
	int count = written ? count_records(path, true) : -1;
	int again = count >= 0 ? count_records(path, false) : -1;
	unlink(path);
	if (count != again)
		abort();
	return 0;
}
