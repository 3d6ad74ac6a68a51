/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_vpx.h"

#include <stdio.h>
#include <stdlib.h>
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

#define SPEED        6
#define KEY_INTERVAL 5 /* s */

struct bare_vpx {
	vpx_codec_ctx_t encoder, decoder;
	int fps;
	int64_t number;
};

static void check(vpx_codec_err_t status, const char *what)
{
	if (status == VPX_CODEC_OK)
		return;
	fprintf(stderr, "libvpx: %s: %s\n", what, vpx_codec_err_to_string(status));
	exit(1);
}

struct bare_vpx *bare_vpx_new(int width, int height, int fps, int bitrate)
{
	struct bare_vpx *vpx = calloc(1, sizeof *vpx);
	vpx_codec_enc_cfg_t config;
	if (!vpx)
		exit(1);
	vpx->fps = fps;
	check(vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0), "configuration");
	config.g_w = (unsigned)width;
	config.g_h = (unsigned)height;
	config.g_timebase = (vpx_rational_t){ 1, fps };
	config.g_threads = 1;
	config.g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
	config.g_lag_in_frames = 0;
	config.rc_end_usage = VPX_CBR;
	config.rc_target_bitrate = (unsigned)(bitrate / 1000);
	config.rc_min_quantizer = 2;
	config.rc_max_quantizer = 60;
	config.rc_undershoot_pct = 100;
	config.rc_overshoot_pct = 15;
	config.rc_buf_initial_sz = 400;
	config.rc_buf_optimal_sz = 500;
	config.rc_buf_sz = 600;
	config.rc_dropframe_thresh = 25;
	config.kf_mode = VPX_KF_DISABLED;
	check(vpx_codec_enc_init(&vpx->encoder, vpx_codec_vp8_cx(), &config, 0), "encoder");
	check(vpx_codec_control(&vpx->encoder, VP8E_SET_CPUUSED, -SPEED), "speed");
	check(vpx_codec_control(&vpx->encoder, VP8E_SET_STATIC_THRESHOLD, 1u), "threshold");
	check(vpx_codec_control(&vpx->encoder, VP8E_SET_NOISE_SENSITIVITY, 0u), "noise");
	vpx_codec_dec_cfg_t decoding = { .threads = 1 };
	check(vpx_codec_dec_init(&vpx->decoder, vpx_codec_vp8_dx(), &decoding, 0), "decoder");
	return vpx;
}

void bare_vpx_free(struct bare_vpx *vpx)
{
	if (!vpx)
		return;
	vpx_codec_destroy(&vpx->encoder);
	vpx_codec_destroy(&vpx->decoder);
	free(vpx);
}

static vpx_image_t image_of(const struct qv_frame *frame)
{
	vpx_image_t image = { .fmt = VPX_IMG_FMT_I420,
			      .bit_depth = 8,
			      .w = (unsigned)frame->format.width,
			      .h = (unsigned)frame->format.height,
			      .d_w = (unsigned)frame->format.width,
			      .d_h = (unsigned)frame->format.height,
			      .x_chroma_shift = 1,
			      .y_chroma_shift = 1,
			      .bps = 12 };
	for (int i = 0; i < 3; i++) {
		image.planes[i] = (uint8_t *)(uintptr_t)frame->plane[i];
		image.stride[i] = frame->stride[i];
	}
	return image;
}

size_t bare_vpx_encode(struct bare_vpx *vpx, const struct qv_frame *frame, const uint8_t **bytes)
{
	vpx_image_t image = image_of(frame);
	vpx_enc_frame_flags_t flags = vpx->number % (KEY_INTERVAL * vpx->fps) ? 0 : VPX_EFLAG_FORCE_KF;
	check(vpx_codec_encode(&vpx->encoder, &image, vpx->number++, 1, flags, VPX_DL_REALTIME), "encoding");
	vpx_codec_iter_t position = NULL;
	const vpx_codec_cx_pkt_t *packet;
	while ((packet = vpx_codec_get_cx_data(&vpx->encoder, &position)))
		if (packet->kind == VPX_CODEC_CX_FRAME_PKT) {
			*bytes = packet->data.frame.buf;
			return packet->data.frame.sz;
		}
	return 0;
}

struct qv_frame bare_vpx_decode(struct bare_vpx *vpx, const uint8_t *bytes, size_t size)
{
	vpx_codec_iter_t position = NULL;
	check(vpx_codec_decode(&vpx->decoder, bytes, (unsigned)size, NULL, 0), "decoding");
	const vpx_image_t *image = vpx_codec_get_frame(&vpx->decoder, &position);
	if (!image) {
		fprintf(stderr, "libvpx: decoding: no picture\n");
		exit(1);
	}
	struct qv_frame frame = {
		.format = { .pixel = QV_PIXEL_I420, .width = (int)image->d_w, .height = (int)image->d_h, .fps_den = 1 }
	};
	for (int i = 0; i < 3; i++) {
		frame.plane[i] = image->planes[i];
		frame.stride[i] = image->stride[i];
		frame.size[i] = (size_t)image->stride[i] * (size_t)(i ? (image->d_h + 1) / 2 : image->d_h);
	}
	return frame;
}
