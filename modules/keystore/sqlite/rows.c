/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct qv_error *err)
{
	return qv_fail(err, QV_E_NOMEM, "no memory for rows of the key store");
}

struct row *rows_add(struct rows *rows, struct qv_error *err)
{
	if (rows->count == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 8;
		struct row *grown = realloc(rows->row, room * sizeof *grown);
		if (!grown) {
			no_memory(err);
			return NULL;
		}
		rows->row = grown;
		rows->room = room;
	}
	struct row *row = &rows->row[rows->count++];
	memset(row, 0, sizeof *row);
	return row;
}

int row_text(struct row *row, unsigned at, const char *text, struct qv_error *err)
{
	row->text[at] = strdup(text);
	return row->text[at] ? 0 : no_memory(err);
}

int row_sealed(struct row *row, sqlite3_stmt *statement, int column, struct qv_error *err)
{
	const void *bytes = sqlite3_column_blob(statement, column);
	size_t size = (size_t)sqlite3_column_bytes(statement, column);
	row->sealed = malloc(size ? size : 1);
	if (!row->sealed)
		return no_memory(err);
	if (size)
		memcpy(row->sealed, bytes, size);
	row->sealed_size = size;
	return 0;
}

void rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		for (unsigned at = 0; at < 4; at++)
			free(rows->row[i].text[at]);
		free(rows->row[i].sealed);
	}
	free(rows->row);
	*rows = (struct rows){ NULL, 0, 0 };
}
