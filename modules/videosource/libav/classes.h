/* SPDX-License-Identifier: Apache-2.0 */
/* The callbacks of both classes that this module holds. */
#ifndef LIBAV_CLASSES_H
#define LIBAV_CLASSES_H

#include <qvisio/audiosource.h>
#include <qvisio/videosource.h>

struct qv_videosource *libav_video_open(const struct qv_host *host, const struct qv_options *options,
					const struct qv_video_want *want, struct qv_error *err);
void libav_video_close(struct qv_videosource *source);
void libav_video_format(const struct qv_videosource *source, struct qv_video_format *format);
int libav_video_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err);

struct qv_audiosource *libav_audio_open(const struct qv_host *host, const struct qv_options *options,
					const struct qv_audio_format *format, size_t block_frames,
					struct qv_error *err);
void libav_audio_close(struct qv_audiosource *source);
int libav_audio_read(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms, struct qv_error *err);

#endif
