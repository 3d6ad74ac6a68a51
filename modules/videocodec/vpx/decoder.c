/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet that says what it is predicted from is decoded when all of that was. One that does not say is taken to build
 * on every picture since the last key.
 */
#include "vpx.h"

#include <stdlib.h>
#include <string.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include "bitstream.h"

#define REMEMBERED 2048 /* pictures */

/* Index that makes libvpx take a VP9 frame for the only one of its packet: marker, size of four bytes, marker. */
#define VP9_INDEX_MARKER 0xd8
#define VP9_INDEX_SIZE   6

struct qv_videodecoder {
	bool vp9, open;
	int threads;
	int64_t pixels_max;
	struct qv_video_format announced;
	vpx_codec_ctx_t context;
	bool any; /* a packet came; the number of the last one: */
	uint64_t last;
	bool keyed;                   /* a key picture was decoded, and libvpx has not failed since */
	bool whole;                   /* nothing was lost since then */
	bool want_repair;             /* the base layer is broken */
	uint64_t decoded[REMEMBERED]; /* at sequence % REMEMBERED: sequence + 1 of a picture that was decoded */
	uint8_t *copy;                /* of a VP9 frame, with its index */
	size_t room;
};

static int start(struct qv_videodecoder *decoder, struct qv_error *err)
{
	vpx_codec_dec_cfg_t config = { .threads = (unsigned)decoder->threads };
	if (decoder->open)
		vpx_codec_destroy(&decoder->context);
	decoder->open = false;
	memset(&decoder->context, 0, sizeof decoder->context);
	if (vpx_codec_dec_init(&decoder->context, decoder->vp9 ? vpx_codec_vp9_dx() : vpx_codec_vp8_dx(), &config, 0) !=
	    VPX_CODEC_OK)
		return qv_fail(err, QV_E_NOMEM, "the %s decoder does not start: %s", decoder->vp9 ? "VP9" : "VP8",
			       vpx_codec_error(&decoder->context));
	decoder->open = true;
	return 0;
}

struct qv_videodecoder *vpx_decoder_open(const struct qv_host *host, const struct qv_options *options,
					 const char *wire_name, const struct qv_video_format *format,
					 struct qv_error *err)
{
	(void)host;
	struct qv_videodecoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder) {
		qv_fail(err, QV_E_NOMEM, "no memory for the vpx decoder");
		return NULL;
	}
	decoder->vp9 = strcmp(wire_name, "vp9") == 0;
	decoder->threads = (int)qv_options_int(options, "threads");
	decoder->pixels_max = qv_options_int(options, "max_pixels");
	decoder->announced = *format;
	if (start(decoder, err) != 0) {
		vpx_decoder_close(decoder);
		return NULL;
	}
	return decoder;
}

void vpx_decoder_close(struct qv_videodecoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->open)
		vpx_codec_destroy(&decoder->context);
	free(decoder->copy);
	free(decoder);
}

static bool was_decoded(const struct qv_videodecoder *decoder, uint64_t sequence)
{
	return decoder->decoded[sequence % REMEMBERED] == sequence + 1;
}

/* Whether all is there that this packet builds on. */
static bool is_intact(const struct qv_videodecoder *decoder, const struct qv_packet *packet)
{
	if (!packet->told || packet->references == 0 || packet->references > QV_PACKET_REFERENCES_MAX)
		return decoder->whole;
	for (unsigned i = 0; i < packet->references; i++)
		if (packet->reference[i] == 0 || packet->reference[i] > packet->sequence ||
		    !was_decoded(decoder, packet->sequence - packet->reference[i]))
			return false;
	return true;
}

static int check_size(const struct qv_videodecoder *decoder, const struct vpx_header *header, struct qv_error *err)
{
	if (header->width > QV_VIDEO_SIDE_MAX || header->height > QV_VIDEO_SIDE_MAX ||
	    (int64_t)header->width * header->height > decoder->pixels_max)
		return qv_fail(err, QV_E_PROTOCOL,
			       "a %s picture of %dx%d is over %d a side or %lld pixels (option max_pixels)",
			       decoder->vp9 ? "VP9" : "VP8", header->width, header->height, QV_VIDEO_SIDE_MAX,
			       (long long)decoder->pixels_max);
	return 0;
}

/* The frames of a packet. */
struct parts {
	int count;
	size_t offset[VP9_FRAMES_MAX], size[VP9_FRAMES_MAX];
	bool key; /* the first is one */
};

static int read_headers(const struct qv_videodecoder *decoder, const struct qv_packet *packet, struct parts *parts,
			struct qv_error *err)
{
	struct vpx_header header;
	if (packet->size < 1 || packet->size > QV_PACKET_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a picture of %zu bytes", packet->size);
	*parts = (struct parts){ .count = 1, .size = { packet->size } };
	if (decoder->vp9)
		parts->count = vp9_frames(packet->data, packet->size, parts->offset, parts->size, err);
	bool first = true;
	for (int i = 0; i < parts->count; i++) {
		const uint8_t *data = packet->data + parts->offset[i];
		if (parts->size[i] == 0)
			continue;
		if ((decoder->vp9 ? vp9_header_read(data, parts->size[i], &header, err)
				  : vp8_header_read(data, parts->size[i], &header, err)) != 0 ||
		    check_size(decoder, &header, err) != 0)
			return -1;
		parts->key |= first && header.key;
		first = false;
	}
	return parts->count < 0 ? -1 : 0;
}

/* libvpx looks for further frames behind the first; with an index it takes what was checked and no more. */
static const uint8_t *with_index(struct qv_videodecoder *decoder, const uint8_t *data, size_t size,
				 struct qv_error *err)
{
	size_t room = size + VP9_INDEX_SIZE;
	if (room > decoder->room) {
		uint8_t *copy = realloc(decoder->copy, room + room / 2);
		if (!copy) {
			qv_fail(err, QV_E_NOMEM, "no memory for a VP9 frame of %zu bytes", size);
			return NULL;
		}
		decoder->copy = copy;
		decoder->room = room + room / 2;
	}
	uint8_t *index = decoder->copy + size;
	memcpy(decoder->copy, data, size);
	index[0] = index[VP9_INDEX_SIZE - 1] = VP9_INDEX_MARKER;
	for (int i = 0; i < 4; i++)
		index[1 + i] = (uint8_t)(size >> (8 * i));
	return decoder->copy;
}

static int fill_frame(const struct qv_videodecoder *decoder, const vpx_image_t *image, struct qv_frame *frame,
		      struct qv_error *err)
{
	*frame = (struct qv_frame){ .format = decoder->announced };
	switch (image->fmt) {
	case VPX_IMG_FMT_I420:
		frame->format.pixel = QV_PIXEL_I420;
		break;
	case VPX_IMG_FMT_I422:
		frame->format.pixel = QV_PIXEL_I422;
		break;
	case VPX_IMG_FMT_I444:
		frame->format.pixel = QV_PIXEL_I444;
		break;
	default:
		return qv_fail(err, QV_E_PROTOCOL, "a VP9 picture in a format that cannot be shown (libvpx's %d)",
			       (int)image->fmt);
	}
	frame->format.width = (int)image->d_w;
	frame->format.height = (int)image->d_h;
	for (int i = 0; i < 3; i++) {
		int width, height;
		qv_plane_dimensions(&frame->format, i, &width, &height);
		frame->plane[i] = image->planes[i];
		frame->stride[i] = image->stride[i];
		frame->size[i] = (size_t)image->stride[i] * (size_t)(height - 1) + (size_t)width;
	}
	return 0;
}

/* One frame into libvpx. 1: a picture came out; 0: none; -1. */
static int decode_frame(struct qv_videodecoder *decoder, const uint8_t *data, size_t size, struct qv_frame *frame,
			struct qv_error *err)
{
	vpx_codec_iter_t position = NULL;
	const vpx_image_t *image, *shown = NULL;
	int corrupted = 0;
	if (decoder->vp9) {
		data = with_index(decoder, data, size, err);
		size += VP9_INDEX_SIZE;
	}
	if (!data)
		return -1;
	if (vpx_codec_decode(&decoder->context, data, (unsigned)size, NULL, 0) != VPX_CODEC_OK) {
		const char *detail = vpx_codec_error_detail(&decoder->context);
		return qv_fail(err, QV_E_PROTOCOL, "damaged %s picture: %s", decoder->vp9 ? "VP9" : "VP8",
			       detail ? detail : vpx_codec_error(&decoder->context));
	}
	while ((image = vpx_codec_get_frame(&decoder->context, &position)))
		shown = image;
	if (vpx_codec_control(&decoder->context, VP8D_GET_FRAME_CORRUPTED, &corrupted) == VPX_CODEC_OK && corrupted)
		return qv_fail(err, QV_E_PROTOCOL, "damaged %s picture: a part of it is missing",
			       decoder->vp9 ? "VP9" : "VP8");
	if (!shown)
		return 0;
	return fill_frame(decoder, shown, frame, err) == 0 ? 1 : -1;
}

static int decode_parts(struct qv_videodecoder *decoder, const struct qv_packet *packet, const struct parts *parts,
			struct qv_frame *frame, struct qv_error *err)
{
	int outcome = 0;
	for (int i = 0; i < parts->count; i++) {
		if (parts->size[i] == 0)
			continue;
		int got = decode_frame(decoder, packet->data + parts->offset[i], parts->size[i], frame, err);
		if (got < 0)
			return -1;
		outcome |= got;
	}
	return outcome;
}

/* Counts what is missing before this packet; false for one that comes too late. */
static bool follow(struct qv_videodecoder *decoder, const struct qv_packet *packet, bool key)
{
	if (decoder->any && packet->sequence <= decoder->last && (decoder->keyed || !key))
		return false;
	if (decoder->any && packet->sequence != decoder->last + 1)
		decoder->whole = false;
	decoder->any = true;
	decoder->last = packet->sequence;
	return true;
}

/* A picture of a higher layer that lacks no other of its kind lacks the base. */
static void lose(struct qv_videodecoder *decoder, const struct qv_packet *packet)
{
	decoder->whole = false;
	if (!packet->told || packet->layer == 0 || packet->sync)
		decoder->want_repair = true;
}

int vpx_decode(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
	       struct qv_error *err)
{
	struct parts parts = { 0 };
	int checked = read_headers(decoder, packet, &parts, err);
	if (!follow(decoder, packet, checked == 0 && parts.key))
		return checked;
	if (checked != 0) {
		lose(decoder, packet);
		return -1;
	}
	/* After a failure a key picture begins with a decoder as new. */
	if (parts.key && !decoder->keyed && start(decoder, err) != 0)
		return -1;
	if (!parts.key && (!decoder->keyed || !is_intact(decoder, packet))) {
		lose(decoder, packet);
		return 0;
	}
	int got = decode_parts(decoder, packet, &parts, frame, err);
	if (got < 0) {
		decoder->keyed = decoder->whole = false;
		return -1;
	}
	decoder->decoded[packet->sequence % REMEMBERED] = packet->sequence + 1;
	if (parts.key)
		decoder->keyed = decoder->whole = true;
	if (parts.key || !packet->told || packet->layer == 0)
		decoder->want_repair = false;
	if (got == 1) {
		frame->capture_ns = packet->capture_ns;
		frame->sequence = packet->sequence;
	}
	return got;
}

enum qv_picture_need vpx_need(const struct qv_videodecoder *decoder)
{
	if (!decoder->keyed)
		return QV_NEED_KEY;
	return decoder->want_repair ? QV_NEED_REPAIR : QV_NEED_NOTHING;
}
