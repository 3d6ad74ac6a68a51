/* SPDX-License-Identifier: Apache-2.0 */
/* What a Matroska file (RFC 9559) begins and ends with. */
#ifndef RECORDER_HEAD_H
#define RECORDER_HEAD_H

#include <qvisio/recorder.h>

#include "ebml.h"

/* Identifiers that others need too (RFC 9559, section 5.1). */
#define ID_TIMESTAMP    0xe7
#define ID_CLUSTER      0x1f43b675
#define ID_SIMPLE_BLOCK 0xa3

/* Where parts of the head lie in the file that are written once more at the end. */
struct head_places {
	size_t segment_size; /* eight bytes */
	size_t segment;      /* positions in the file count from here */
	size_t seek;         /* HEAD_SEEK bytes, void before the end */
	size_t info;
	size_t tracks;   /* HEAD_TRACKS bytes */
	size_t duration; /* HEAD_DURATION bytes, void before the end */
};
#define HEAD_SEEK     90
#define HEAD_TRACKS   6144 /* enough for as many as a recording may have */
#define HEAD_DURATION 11

/* One place to jump to. */
struct cue {
	uint64_t time_ms, cluster; /* position in the segment */
	size_t track;
};

/* QV_E_UNSUPPORTED: a codec that has no place in the file. `date_ns` counts from the beginning of 2001, UTC. */
int head_put(struct ebml *ebml, const struct qv_recorder_track *tracks, size_t count, const char *title,
	     int64_t date_ns, struct head_places *places, struct qv_error *err);

/* HEAD_TRACKS bytes, tracks (but those without a codec, whose numbers are left out) and a void, that take the place of those before. QV_E_UNSUPPORTED also: there is no room. */
int head_put_tracks(struct ebml *ebml, const struct qv_recorder_track *tracks, size_t count, struct qv_error *err);

/* The cues, and what belongs into the two places then. `cues_at` is a position in the segment. */
void head_put_cues(struct ebml *ebml, const struct cue *cues, size_t count);
void head_put_seek(struct ebml *ebml, const struct head_places *places, uint64_t cues_at);
void head_put_duration(struct ebml *ebml, uint64_t ms);

#endif
