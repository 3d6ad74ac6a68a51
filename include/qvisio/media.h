/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media as it passes between modules. Nothing here is reference counted: whoever hands out a frame, block or packet
 * owns its memory and keeps it valid until the next call on the same object; whoever needs it longer copies it.
 */
#ifndef QVISIO_MEDIA_H
#define QVISIO_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Largest picture accepted anywhere, per side, and the largest access unit. */
#define QV_VIDEO_SIDE_MAX 8192
#define QV_PACKET_MAX     (16u * 1024u * 1024u)

enum qv_pixel {
	QV_PIXEL_NONE = 0,
	QV_PIXEL_I420, /* planar Y, Cb, Cr; chroma halved both ways (rounded up) */
	QV_PIXEL_I422, /* planar; chroma halved across */
	QV_PIXEL_I444, /* planar; chroma full */
	QV_PIXEL_GRAY, /* Y only */
	QV_PIXEL_JPEG  /* one JPEG image (baseline or progressive) in plane[0], size[0] bytes */
};

/* A set of pixel formats, for what an encoder or sink takes: QV_PIXEL_BIT(QV_PIXEL_I420) | … */
#define QV_PIXEL_BIT(pixel) (1u << (unsigned)(pixel))
#define QV_PIXELS_PLANAR                                                                                               \
	(QV_PIXEL_BIT(QV_PIXEL_I420) | QV_PIXEL_BIT(QV_PIXEL_I422) | QV_PIXEL_BIT(QV_PIXEL_I444) |                     \
	 QV_PIXEL_BIT(QV_PIXEL_GRAY))

/* Quantisation of samples, ITU-T H.273 VideoFullRangeFlag. Matrix coefficients are BT.601 throughout. */
enum qv_range { QV_RANGE_LIMITED = 0, QV_RANGE_FULL = 1 };

struct qv_video_format {
	enum qv_pixel pixel;
	enum qv_range range;
	int width, height;    /* pixels, 1…QV_VIDEO_SIDE_MAX */
	int fps_num, fps_den; /* frames per second as a fraction; 0/1: unknown or varying */
};

struct qv_frame {
	struct qv_video_format format;
	const uint8_t *plane[3];
	int stride[3];      /* bytes from a row to the next; 0 for JPEG */
	size_t size[3];     /* bytes readable at plane[i] */
	int64_t capture_ns; /* CLOCK_MONOTONIC of exposure, as near as the device tells */
	uint64_t sequence;  /* counts captured frames from 0; gaps are drops at the source */
};

/* Interleaved signed 16-bit samples, host byte order. */
struct qv_audio_format {
	int rate;     /* samples per second and channel, 8000…192000 */
	int channels; /* 1…8 */
};

/* Of a block, samples per channel. */
#define QV_AUDIO_BLOCK_FRAMES_MAX 65536

struct qv_audio_block {
	struct qv_audio_format format;
	const int16_t *samples; /* frames * channels */
	size_t frames;          /* samples per channel */
	int64_t capture_ns;     /* CLOCK_MONOTONIC of the first sample */
	uint64_t position;      /* index of the first sample since the start of the stream, per channel */
};

/* Pictures that one picture can be predicted from: VP8, VP9. */
#define QV_PACKET_REFERENCES_MAX 3

/*
 * One encoded access unit: a whole picture or a whole sound block. Who builds one by hand from bytes alone leaves the
 * rest 0: that says "not told", never something wrong.
 */
struct qv_packet {
	const uint8_t *data;
	size_t size;        /* 1…QV_PACKET_MAX */
	int64_t capture_ns; /* of what it encodes; on the receiving side in the sender's clock until mapped */
	uint64_t sequence;  /* counts packets that an encoder made, from 0: a gap in it is a loss */
	bool key;           /* decodable without others */

	/* Pictures. */
	bool told;                                    /* what follows here is known */
	bool discardable;                             /* no other picture is predicted from it */
	bool sync;                                    /* predicted from pictures of layer 0 only */
	uint8_t layer;                                /* temporal layer, 0: the base, which needs no other layer */
	uint8_t references;                           /* pictures it is predicted from; 0 with a key picture */
	uint16_t reference[QV_PACKET_REFERENCES_MAX]; /* that many packets before this one, 1… */

	/* Sound: samples per channel that it decodes to, at the rate of the stream; 0: not told. */
	uint32_t frames;
};

/* "i420"… Never NULL. */
const char *qv_pixel_name(enum qv_pixel pixel);

/* Number of planes, 1 or 3; 0 for QV_PIXEL_NONE. */
int qv_pixel_planes(enum qv_pixel pixel);

/* Width and height of plane `index` of a planar format. */
void qv_plane_dimensions(const struct qv_video_format *format, int index, int *width, int *height);

/* QV_E_INVALID unless the sides, the rate and the pixel format are in range. */
int qv_video_format_check(const struct qv_video_format *format, struct qv_error *err);
int qv_audio_format_check(const struct qv_audio_format *format, struct qv_error *err);

/* The same, and unless blocks of so many samples per channel are in range: what every audio source checks first. */
int qv_audio_blocks_check(const struct qv_audio_format *format, size_t block_frames, struct qv_error *err);
/* QV_E_INVALID unless the block has the format of the sink that it came to: what every audio sink checks first. */
int qv_audio_block_check(const struct qv_audio_block *block, const struct qv_audio_format *sink, struct qv_error *err);

/* QV_E_INVALID unless planes, strides and sizes hold what the format says: what every sink and encoder checks first. */
int qv_frame_check(const struct qv_frame *frame, struct qv_error *err);

/* A planar picture that owns its memory; rows are aligned to 32 bytes. */
struct qv_picture;
struct qv_picture *qv_picture_new(const struct qv_video_format *format, struct qv_error *err);
void qv_picture_free(struct qv_picture *picture);
/* A view of it; times are 0. */
struct qv_frame qv_picture_frame(const struct qv_picture *picture);
uint8_t *qv_picture_plane(struct qv_picture *picture, int index);
/* Copies the samples of a planar frame of the same pixel format and size. */
int qv_picture_copy(struct qv_picture *picture, const struct qv_frame *frame, struct qv_error *err);

/*
 * Splits packed 4:2:2 (Y0 Cb Y1 Cr) of `width` x `height`, `stride` bytes a row, into an I422 picture of that size.
 * `size` is what is readable at `packed`; too little is QV_E_TRUNCATED.
 */
int qv_picture_from_yuyv(struct qv_picture *picture, const uint8_t *packed, size_t size, int stride,
			 struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
