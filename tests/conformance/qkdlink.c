/* SPDX-License-Identifier: Apache-2.0 */
/* Kind qkdlink: both ends of a link, opened with the same options. */
#include "conformance.h"

#include <qvisio/qkdlink.h>

#include <string.h>

#define KEYS 4

/* `cursors` of both lanes; NULL: from the start. */
static struct qv_qkdlink *open_end(struct check *check, const struct qv_options *options, bool other,
				   const char *const *cursors, struct qv_error *err)
{
	const struct qv_qkdlink_ends ends = { .local = other ? "kme-2" : "kme-1",
					      .remote = other ? "kme-1" : "kme-2",
					      .cursor = { cursors ? cursors[0] : "", cursors ? cursors[1] : "" } };
	return qv_qkdlink_class(check->class)->open(&check->host, options, &ends, err);
}

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	struct qv_qkdlink *links[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		links[i] = open_end(check, options, i == 1, NULL, err);
		result = links[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < 2; i++)
		qv_qkdlink_class(check->class)->close(links[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_qkdlink_class(class)->close(NULL);
}

static struct qv_qkdlink *open_link(struct check *check, bool other, const char *const *cursors)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	struct qv_qkdlink *link = open_end(check, options, other, cursors, &err);
	qv_options_free(options);
	if (!link)
		check_not_opened(check, &err);
	return link;
}

/* Reads a batch; waits as long as the link says. */
static void read_batch(struct check *check, struct qv_qkdlink *link, unsigned lane, size_t max,
		       struct qv_qkdlink_batch *batch)
{
	const struct qv_qkdlink_class *class = qv_qkdlink_class(check->class);
	struct qv_error err = QV_ERROR_INIT;
	int got;
	while ((got = class->read(link, lane, max, batch, &err)) == 0) {
		int wait = class->wait_ms(link);
		REQUIRE(check, wait >= 0, "wait_ms returned %d", wait);
		qv_clock_sleep_until(qv_clock_now(check->host.clock) + wait * QV_NS_PER_MS, -1, NULL);
	}
	REQUIRE(check, got == 1, "read: %s", err.message);
	REQUIRE(check, batch->count > 0 && batch->count <= max, "a batch of %zu keys where %zu were wanted",
		batch->count, max);
	REQUIRE(check, qv_secret_size(batch->keys) >= batch->count * QV_QKDLINK_KEY_BYTES, "a batch is too short");
	REQUIRE(check, batch->cursor && strlen(batch->cursor) <= QV_QKDLINK_CURSOR_MAX, "a batch has no good cursor");
	for (size_t i = 0; i < batch->count; i++)
		REQUIRE(check, batch->labels[i][0] && strlen(batch->labels[i]) <= QV_QKDLINK_LABEL_MAX,
			"a label is empty or too long");
}

static void ends_agree(struct check *check)
{
	const struct qv_qkdlink_class *class = qv_qkdlink_class(check->class);
	struct qv_qkdlink *here = open_link(check, false, NULL), *there = open_link(check, true, NULL);
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		struct qv_qkdlink_batch a, b;
		read_batch(check, here, lane, KEYS, &a);
		read_batch(check, there, lane, KEYS, &b);
		for (size_t i = 0; i < a.count && i < b.count; i++) {
			REQUIRE(check, strcmp(a.labels[i], b.labels[i]) == 0, "the ends label key %zu differently", i);
			size_t at = i * QV_QKDLINK_KEY_BYTES;
			REQUIRE(check,
				memcmp(qv_secret_bytes(a.keys) + at, qv_secret_bytes(b.keys) + at,
				       QV_QKDLINK_KEY_BYTES) == 0,
				"the ends have different keys under the label %s", a.labels[i]);
		}
		for (size_t i = 0; i < a.count; i++)
			for (size_t j = 0; j < i; j++)
				REQUIRE(check, strcmp(a.labels[i], a.labels[j]) != 0, "a label comes twice: %s",
					a.labels[i]);
	}
	class->close(here);
	class->close(there);
}

#define READ 12

/* Keys as they were read, copied out of their batches. */
struct read_keys {
	size_t count;
	char label[READ][QV_QKDLINK_LABEL_MAX + 1];
	uint8_t key[READ][QV_QKDLINK_KEY_BYTES];
	char cursor[QV_QKDLINK_CURSOR_MAX + 1]; /* after the last one */
};

static void read_keys(struct check *check, struct qv_qkdlink *link, unsigned lane, size_t count, struct read_keys *keys)
{
	keys->count = 0;
	while (keys->count < count) {
		struct qv_qkdlink_batch batch;
		read_batch(check, link, lane, count - keys->count < 3 ? count - keys->count : 3, &batch);
		for (size_t i = 0; i < batch.count; i++, keys->count++) {
			snprintf(keys->label[keys->count], sizeof keys->label[0], "%s", batch.labels[i]);
			memcpy(keys->key[keys->count], qv_secret_bytes(batch.keys) + i * QV_QKDLINK_KEY_BYTES,
			       QV_QKDLINK_KEY_BYTES);
		}
		snprintf(keys->cursor, sizeof keys->cursor, "%s", batch.cursor);
	}
}

static void goes_on(struct check *check)
{
	struct qv_qkdlink *link = open_link(check, false, NULL);
	struct read_keys lanes[QV_QKDLINK_LANES];
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		read_keys(check, link, lane, READ, &lanes[lane]);
		for (size_t i = 0; i < READ; i++)
			for (size_t j = 0; j < i; j++) {
				REQUIRE(check, strcmp(lanes[lane].label[i], lanes[lane].label[j]) != 0,
					"a label comes twice: %s", lanes[lane].label[i]);
				REQUIRE(check,
					memcmp(lanes[lane].key[i], lanes[lane].key[j], QV_QKDLINK_KEY_BYTES) != 0,
					"%s and %s are the same key", lanes[lane].label[i], lanes[lane].label[j]);
			}
	}
	for (size_t i = 0; i < READ; i++)
		for (size_t j = 0; j < READ; j++)
			REQUIRE(check, memcmp(lanes[0].key[i], lanes[1].key[j], QV_QKDLINK_KEY_BYTES) != 0,
				"a key is in both lanes");
	qv_qkdlink_class(check->class)->close(link);
}

static void goes_on_after_reopening(struct check *check)
{
	const struct qv_qkdlink_class *class = qv_qkdlink_class(check->class);
	struct qv_error err = QV_ERROR_INIT;
	struct read_keys first, next, again;
	struct qv_qkdlink *link = open_link(check, false, NULL);
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		read_keys(check, link, lane, KEYS, &first);
		if (class->stored)
			REQUIRE(check, class->stored(link, lane, first.cursor, &err) == 0, "stored: %s", err.message);
		read_keys(check, link, lane, KEYS, &next);
		class->close(link);
		const char *const cursors[] = { lane == 0 ? first.cursor : "", lane == 1 ? first.cursor : "" };
		link = open_link(check, false, cursors);
		read_keys(check, link, lane, KEYS, &again);
		for (size_t i = 0; i < KEYS; i++)
			REQUIRE(check,
				strcmp(next.label[i], again.label[i]) == 0 &&
					memcmp(next.key[i], again.key[i], QV_QKDLINK_KEY_BYTES) == 0,
				"opened at the cursor before %s it gives %s, or another key", next.label[i],
				again.label[i]);
	}
	class->close(link);
}

static void survives_foreign_cursors(struct check *check)
{
	static const char *const texts[] = { "none of yours", "-1", "99999999999999999999 99999999999999999999", "%s",
					     "../../etc/passwd" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *const cursors[] = { texts[i], texts[i] };
		struct qv_error err = QV_ERROR_INIT;
		struct qv_qkdlink_batch batch;
		struct qv_options *options = check_options(check, NULL);
		struct qv_qkdlink *link = open_end(check, options, false, cursors, &err);
		qv_options_free(options);
		if (!link)
			check_error_filled(check, "open", &err);
		else if (qv_qkdlink_class(check->class)->read(link, 0, 1, &batch, &err) < 0)
			check_error_filled(check, "read", &err);
		qv_qkdlink_class(check->class)->close(link);
	}
}

static const struct check_case cases[] = {
	{ "both ends read the same keys under the same labels", ends_agree },
	{ "no label and no key comes twice", goes_on },
	{ "opened at a cursor it goes on there", goes_on_after_reopening },
	{ "a cursor that is none of its own does no harm", survives_foreign_cursors },
	{ NULL, NULL },
};

const struct check_suite check_qkdlink = { "qkdlink", open_close, close_null, cases, NULL };
