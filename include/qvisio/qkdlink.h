/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "qkdlink": where a KME's link keys come from: secret bits that the KMEs at both ends of a QKD link hold, in the
 * same order and under the same labels. A link is two streams, lane 0 and lane 1; the KME whose ID sorts first (strcmp)
 * uses up lane 0 and the other lane 1. Both ends read both lanes. One thread at a time calls an instance.
 */
#ifndef QVISIO_QKDLINK_H
#define QVISIO_QKDLINK_H

#include <stddef.h>
#include <stdint.h>

#include <qvisio/module.h>
#include <qvisio/secret.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_QKDLINK_ABI_MAJOR 1
#define QV_QKDLINK_ABI_MINOR 0

#define QV_QKDLINK_LANES      2
#define QV_QKDLINK_LABEL_MAX  63  /* bytes; A-Z a-z 0-9 . _ : / - */
#define QV_QKDLINK_CURSOR_MAX 255 /* bytes, printable ASCII; the module's own text */
#define QV_QKDLINK_KEY_BYTES  32  /* of one link key */

struct qv_qkdlink;

/* The two ends, as KME IDs, and where each lane was left ("" the first time). Borrowed during open. */
struct qv_qkdlink_ends {
	const char *local;
	const char *remote;
	const char *cursor[QV_QKDLINK_LANES];
};

/* Keys of one lane, owned by the link, valid until its next call. */
struct qv_qkdlink_batch {
	size_t count;
	const struct qv_secret *keys; /* count * QV_QKDLINK_KEY_BYTES bytes, one key after the other */
	const char *const *labels;    /* of each key; the same at both ends, never derived from the key */
	const char *cursor;           /* after these keys */
};

struct qv_qkdlink_class {
	struct qv_class head;

	struct qv_qkdlink *(*open)(const struct qv_host *host, const struct qv_options *options,
				   const struct qv_qkdlink_ends *ends, struct qv_error *err); /* required */
	void (*close)(struct qv_qkdlink *link); /* required; NULL is fine */

	/*
	 * Required. At most `max` new keys of a lane. 1: `batch` filled; 0: none now; -1: QV_E_IO…, the caller tries again
	 * later. Does not wait. Keys that are read and not stored are read again from the same cursor at the next open.
	 */
	int (*read)(struct qv_qkdlink *link, unsigned lane, size_t max, struct qv_qkdlink_batch *batch,
		    struct qv_error *err);

	/* Required. How long to wait, in ms, before new keys can be there; called after read gave none. */
	int (*wait_ms)(struct qv_qkdlink *link);

	/* Optional. All keys up to `cursor` of a lane are stored durably; the module may delete its own copy. */
	int (*stored)(struct qv_qkdlink *link, unsigned lane, const char *cursor, struct qv_error *err);
};

const struct qv_qkdlink_class *qv_qkdlink_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
