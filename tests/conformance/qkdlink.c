/* SPDX-License-Identifier: Apache-2.0 */
/* Kind qkdlink: both ends of a link, opened with the same options. */
#include "conformance.h"

#include <qvisio/qkdlink.h>

#include <string.h>

#define KEYS 4

static struct qv_qkdlink *open_end(struct check *check, const struct qv_options *options, bool other,
				   struct qv_error *err)
{
	const struct qv_qkdlink_ends ends = { .local = other ? "kme-2" : "kme-1",
					      .remote = other ? "kme-1" : "kme-2",
					      .cursor = { "", "" } };
	return qv_qkdlink_class(check->class)->open(&check->host, options, &ends, err);
}

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	struct qv_qkdlink *links[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		links[i] = open_end(check, options, i == 1, err);
		result = links[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		qv_qkdlink_class(check->class)->close(links[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_qkdlink_class(class)->close(NULL);
}

static struct qv_qkdlink *open_link(struct check *check, bool other)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	struct qv_qkdlink *link = open_end(check, options, other, &err);
	qv_options_free(options);
	if (!link)
		check_not_opened(check, &err);
	return link;
}

/* Reads a batch; waits as long as the link says. */
static void read_batch(struct check *check, struct qv_qkdlink *link, unsigned lane, struct qv_qkdlink_batch *batch)
{
	const struct qv_qkdlink_class *class = qv_qkdlink_class(check->class);
	struct qv_error err = QV_ERROR_INIT;
	int got;
	while ((got = class->read(link, lane, KEYS, batch, &err)) == 0) {
		int wait = class->wait_ms(link);
		REQUIRE(check, wait >= 0, "wait_ms returned %d", wait);
		qv_clock_sleep_until(qv_clock_now(check->host.clock) + wait * QV_NS_PER_MS, -1, NULL);
	}
	REQUIRE(check, got == 1, "read: %s", err.message);
	REQUIRE(check, batch->count > 0 && batch->count <= KEYS, "a batch of %zu keys", batch->count);
	REQUIRE(check, qv_secret_size(batch->keys) >= batch->count * QV_QKDLINK_KEY_BYTES, "a batch is too short");
	REQUIRE(check, batch->cursor && strlen(batch->cursor) <= QV_QKDLINK_CURSOR_MAX, "a batch has no good cursor");
	for (size_t i = 0; i < batch->count; i++)
		REQUIRE(check, batch->labels[i][0] && strlen(batch->labels[i]) <= QV_QKDLINK_LABEL_MAX,
			"a label is empty or too long");
}

static void ends_agree(struct check *check)
{
	const struct qv_qkdlink_class *class = qv_qkdlink_class(check->class);
	struct qv_qkdlink *here = open_link(check, false), *there = open_link(check, true);
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		struct qv_qkdlink_batch a, b;
		read_batch(check, here, lane, &a);
		read_batch(check, there, lane, &b);
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

static const struct check_case cases[] = {
	{ "both ends read the same keys under the same labels", ends_agree },
	{ NULL, NULL },
};

const struct check_suite check_qkdlink = { "qkdlink", open_close, close_null, cases, NULL };
