/* SPDX-License-Identifier: Apache-2.0 */
/* YUV4MPEG2 streams, as mjpegtools' yuv4mpeg(5) and ffmpeg write them: progressive, 8 bits a sample. */
#ifndef VIDEOSOURCE_FILE_Y4M_H
#define VIDEOSOURCE_FILE_Y4M_H

#include <stdio.h>

#include <qvisio/media.h>

/*
 * Reads the stream header. `format` gets 0/1 as its rate if the file gives none. QV_E_IO with the byte offset for
 * damage, QV_E_UNSUPPORTED for a kind of stream that is not taken.
 */
int y4m_read_header(FILE *file, struct qv_video_format *format, struct qv_error *err);

/*
 * Reads the next picture, or steps over it with NULL (then `format` is used). QV_E_END at the end between pictures;
 * QV_E_IO with the byte offset for damage.
 */
int y4m_read_picture(FILE *file, const struct qv_video_format *format, struct qv_picture *picture,
		     struct qv_error *err);

#endif
