/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "recorder": keeps a call in one file, both sides, as it was encoded. The core hands over every packet that was
 * sent, and every packet of the peer's that was decoded, with capture times in one clock; so pictures and sound of both
 * sides lie in the file as they lay in time.
 *
 * All calls for one instance come on one thread at a time, and never on a thread that captures, shows or plays: a module
 * may wait for its disk. What it made so far must be readable if the program is killed.
 */
#ifndef QVISIO_RECORDER_H
#define QVISIO_RECORDER_H

#include <qvisio/media.h>
#include <qvisio/module.h>
#include <qvisio/session.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_RECORDER_ABI_MAJOR 1
#define QV_RECORDER_ABI_MINOR 1

#define QV_RECORDER_TRACKS_MAX 16

/* Pictures or sound of one side. */
struct qv_recorder_track {
	enum qv_stream_kind kind;
	const char *codec;            /* its wire name */
	struct qv_video_format video; /* kind video, as announced: a picture may have another size later */
	struct qv_audio_format audio; /* kind audio */
	const char *name;             /* for people, UTF-8: "sent", "received", a contact's name */
};

struct qv_recorder;

struct qv_recorder_class {
	struct qv_class head;

	/*
	 * Required. Makes `path`; strings are borrowed during the call only. `started_ns` (CLOCK_MONOTONIC) is second 0 of the
	 * recording. QV_E_BUSY: the file exists; QV_E_UNSUPPORTED: a codec that this kind of file cannot hold; QV_E_IO.
	 */
	struct qv_recorder *(*open)(const struct qv_host *host, const struct qv_options *options, const char *path,
				    const struct qv_recorder_track *tracks, size_t count, int64_t started_ns,
				    struct qv_error *err);

	/*
	 * Required. One packet (borrowed) of track `track`, an index into `tracks`. Of one track they come in the order of
	 * decoding and by time, pictures from a key picture on, each decodable with those before it; of several they come
	 * as they may: a peer's arrives later than ours of the same time. None was captured before second 0. QV_E_IO.
	 */
	int (*write)(struct qv_recorder *recorder, size_t track, const struct qv_packet *packet, struct qv_error *err);

	/* Required. Finishes the file and frees the recorder, also after a failure. -1: what is there is not whole. */
	int (*close)(struct qv_recorder *recorder, struct qv_error *err); /* NULL is fine */

	/*
	 * Optional (1.1). One more track, borrowed during the call only, with the next number; its packets come from then on.
	 * -1: the recording goes on without it, and its number is used up: QV_E_UNSUPPORTED, QV_E_IO. NULL: tracks are known
	 * from the beginning.
	 */
	int (*add)(struct qv_recorder *recorder, const struct qv_recorder_track *track, struct qv_error *err);
};

const struct qv_recorder_class *qv_recorder_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
