/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one frame as a PNG image. */
#ifndef VIDEOSINK_FILE_SNAPSHOT_H
#define VIDEOSINK_FILE_SNAPSHOT_H

#include <qvisio/media.h>

/* Whether this build has libpng. */
bool snapshot_is_built(void);

/*
 * Writes a planar frame to `path`, which holds the whole image or what it held before, never a part. QV_E_IO,
 * QV_E_UNSUPPORTED without libpng.
 */
int snapshot_write(const char *path, const struct qv_frame *frame, struct qv_error *err);

#endif
