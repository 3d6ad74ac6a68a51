/* SPDX-License-Identifier: Apache-2.0 */
#include "classes.h"
#include "input.h"

static const struct qv_videosource_class video = {
	.head = {
		.kind = "videosource",
		.name = "libav",
		.summary = "any file or stream that FFmpeg reads (Debian's FFmpeg is GPL)",
		.abi_major = QV_VIDEOSOURCE_ABI_MAJOR,
		.abi_minor = QV_VIDEOSOURCE_ABI_MINOR,
		.size = sizeof(struct qv_videosource_class),
		.option_size = sizeof(struct qv_option),
		.options = libav_options,
	},
	.open = libav_video_open,
	.close = libav_video_close,
	.format = libav_video_format,
	.read = libav_video_read,
};

static const struct qv_audiosource_class audio = {
	.head = {
		.kind = "audiosource",
		.name = "libav",
		.summary = "the sound of any file or stream that FFmpeg reads (Debian's FFmpeg is GPL)",
		.abi_major = QV_AUDIOSOURCE_ABI_MAJOR,
		.abi_minor = QV_AUDIOSOURCE_ABI_MINOR,
		.size = sizeof(struct qv_audiosource_class),
		.option_size = sizeof(struct qv_option),
		.options = libav_options,
	},
	.open = libav_audio_open,
	.close = libav_audio_close,
	.read = libav_audio_read,
};

static const struct qv_class *const classes[] = { &video.head, &audio.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND GPL-3.0-or-later",
	.classes = classes,
};
