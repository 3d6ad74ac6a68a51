/* SPDX-License-Identifier: Apache-2.0 */
/* Writes YUV4MPEG2 files (yuv4mpeg(5) of mjpegtools). One thread at a time. */
#ifndef VIDEOSINK_FILE_Y4M_H
#define VIDEOSINK_FILE_Y4M_H

#include <qvisio/media.h>

struct y4m;

/* A frame rate; num 0: unknown. */
struct y4m_rate {
	int num, den;
};

/* Creates or empties the file. QV_E_IO. */
struct y4m *y4m_open(const char *path, struct qv_error *err);

/* Whether the frame has the format of the frames before, so that it may go into the same file. */
bool y4m_takes(const struct y4m *file, const struct qv_frame *frame);

/* Bytes that this frame would add. */
int64_t y4m_cost(const struct y4m *file, const struct qv_frame *frame);

/*
 * Appends a checked planar frame; the first one fixes the format. After an error the file ends with the last whole
 * frame. QV_E_IO.
 */
int y4m_write(struct y4m *file, const struct qv_frame *frame, struct qv_error *err);

/*
 * Closes. `rate` is written to the header if its num is set; else the one that the frames announced, or the measured
 * one where the two differ: then frames were lost, and the file still plays as long as the stream ran.
 */
int y4m_close(struct y4m *file, struct y4m_rate rate, struct qv_error *err);

uint64_t y4m_frames(const struct y4m *file);

#endif
