/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and head files of an audit log, as qkd-kme --verify-audit reads them. */
#include "../fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/kme/audit_line.h"

const char *const fuzz_corpus = "fuzz/tools/corpus/kme_audit";

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What the writer makes of hostile texts is a line that the reader takes, and nobody without the key could make. */
static void write_and_read(const char *text, const struct qv_secret *key, const struct qv_secret *other)
{
	char line[AUDIT_LINE_MAX + 1];
	struct audit_head head = { .sequence = 6 };
	struct audit_record record = { .time = 1,
				       .event = "refused",
				       .master = text,
				       .slave = text,
				       .peer = text,
				       .cause = text,
				       .status = 400,
				       .count = 3 };
	struct audit_line read;
	size_t size = audit_line_make(line, &head, key, &record);
	require(size > 1 && size <= sizeof line && line[size - 1] == '\n' && !memchr(line, '\n', size - 1));
	require(audit_line_read(&read, line, size - 1, NULL) == 0);
	require(read.sequence == 7 && memcmp(read.hash, head.hash, AUDIT_HASH) == 0 &&
		audit_line_authentic(&read, line, key) && !audit_line_authentic(&read, line, other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qv_secret *key = qv_secret_new(AUDIT_KEY, NULL), *other = qv_secret_random(AUDIT_KEY, NULL);
	char *text = malloc(size + 1);
	struct audit_line line;
	struct audit_head head;
	if (!key || !other || !text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (audit_line_read(&line, text, size, NULL) == 0)
		require(line.sequence > 0 && line.covered < size && !audit_line_authentic(&line, text, other));
	audit_head_read(&head, text, size, NULL, NULL);
	write_and_read(text, key, other);
	free(text);
	qv_secret_free(key);
	qv_secret_free(other);
	return 0;
}
