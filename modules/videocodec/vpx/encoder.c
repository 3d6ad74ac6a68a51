/* SPDX-License-Identifier: Apache-2.0 */
#include "vpx.h"

#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "references.h"

#define TICKS       90000 /* a second, of libvpx's time stamps */
#define FPS_UNKNOWN 30
#define FPS_MAX     240
#define BITRATE_MIN 10000
#define BITRATE_MAX 100000000

/* Quantisers, 0 to 63. The best is worth no more bits; the worst is still a picture. */
#define QUANTIZER_MIN 2
#define QUANTIZER_MAX 60

/* Model of the receiver's buffer, in ms: how far the rate may be off for a while. */
#define BUFFER_INITIAL 400
#define BUFFER_OPTIMAL 500
#define BUFFER_SIZE    600

/* A picture is left out when the buffer is emptier, in percent. */
#define DROP_BELOW 25

struct qv_videoencoder {
	const struct qv_log *log;
	bool vp9, screen, drop;
	int layers, speed, threads;
	int64_t key_interval; /* ticks; 0: none */
	int64_t bitrate;
	double fps;
	enum qv_range range;
	bool open; /* context is */
	vpx_codec_ctx_t context;
	vpx_codec_enc_cfg_t config;
	int64_t ticks, key_ticks; /* of the next picture; of the last key picture */
	int64_t capture_ns;       /* of the last picture; 0: none */
	struct vpx_references references;
};

static double rate_of(int num, int den)
{
	double fps = num > 0 && den > 0 ? (double)num / den : FPS_UNKNOWN;
	return fps < 1 ? 1 : fps > FPS_MAX ? FPS_MAX : fps;
}

static int failed(struct qv_videoencoder *encoder, const char *what, struct qv_error *err)
{
	const char *detail = vpx_codec_error_detail(&encoder->context);
	return qv_fail(err, QV_E_INTERNAL, "libvpx cannot %s: %s%s%s", what, vpx_codec_error(&encoder->context),
		       detail ? ": " : "", detail ? detail : "");
}

/* Shares of the layers: what each adds costs less than the one below. */
static void set_bitrate(struct qv_videoencoder *encoder)
{
	static const double share[VPX_LAYERS_MAX][VPX_LAYERS_MAX] = { { 1 }, { 0.6, 1 }, { 0.4, 0.6, 1 } };
	vpx_codec_enc_cfg_t *config = &encoder->config;
	config->rc_target_bitrate = (unsigned)(encoder->bitrate / 1000);
	for (int i = 0; i < encoder->layers; i++) {
		double rate = share[encoder->layers - 1][i] * config->rc_target_bitrate;
		config->ts_target_bitrate[i] = config->layer_target_bitrate[i] = rate < 1 ? 1 : (unsigned)rate;
	}
}

static void set_layers(struct qv_videoencoder *encoder)
{
	static const unsigned ids[VPX_LAYERS_MAX][4] = { { 0 }, { 0, 1 }, { 0, 2, 1, 2 } };
	vpx_codec_enc_cfg_t *config = &encoder->config;
	config->ss_number_layers = 1;
	config->ts_number_layers = (unsigned)encoder->layers;
	config->ts_periodicity = 1u << (encoder->layers - 1);
	for (int i = 0; i < encoder->layers; i++)
		config->ts_rate_decimator[i] = 1u << (encoder->layers - 1 - i);
	memcpy(config->ts_layer_id, ids[encoder->layers - 1], sizeof ids[0]);
	if (encoder->vp9)
		config->temporal_layering_mode = encoder->layers > 1 ? VP9E_TEMPORAL_LAYERING_MODE_BYPASS
								     : VP9E_TEMPORAL_LAYERING_MODE_NOLAYERING;
}

static void set_config(struct qv_videoencoder *encoder, int width, int height)
{
	vpx_codec_enc_cfg_t *config = &encoder->config;
	config->g_w = (unsigned)width;
	config->g_h = (unsigned)height;
	config->g_timebase = (vpx_rational_t){ 1, TICKS };
	config->g_threads = (unsigned)encoder->threads;
	config->g_error_resilient = encoder->references.resilient ? VPX_ERROR_RESILIENT_DEFAULT : 0;
	config->g_lag_in_frames = 0;
	config->g_pass = VPX_RC_ONE_PASS;
	config->rc_end_usage = VPX_CBR;
	config->rc_min_quantizer = QUANTIZER_MIN;
	config->rc_max_quantizer = QUANTIZER_MAX;
	config->rc_undershoot_pct = 100;
	config->rc_overshoot_pct = 15;
	config->rc_buf_initial_sz = BUFFER_INITIAL;
	config->rc_buf_optimal_sz = BUFFER_OPTIMAL;
	config->rc_buf_sz = BUFFER_SIZE;
	config->rc_dropframe_thresh = encoder->drop ? DROP_BELOW : 0;
	config->rc_resize_allowed = 0;
	config->kf_mode = VPX_KF_DISABLED;
	set_layers(encoder);
	set_bitrate(encoder);
}

/* The most that a key picture may take, in percent of an average picture: what fills half of the buffer. */
static unsigned key_share(const struct qv_videoencoder *encoder)
{
	unsigned percent = (unsigned)(BUFFER_OPTIMAL * encoder->fps / 20);
	return percent < 300 ? 300 : percent;
}

static bool set_vp8(struct qv_videoencoder *encoder)
{
	vpx_codec_ctx_t *context = &encoder->context;
	vpx_codec_err_t status = vpx_codec_control(context, VP8E_SET_CPUUSED, -encoder->speed);
	int partitions = encoder->threads > 4   ? VP8_EIGHT_TOKENPARTITION
			 : encoder->threads > 2 ? VP8_FOUR_TOKENPARTITION
			 : encoder->threads > 1 ? VP8_TWO_TOKENPARTITION
						: VP8_ONE_TOKENPARTITION;
	status |= vpx_codec_control(context, VP8E_SET_TOKEN_PARTITIONS, partitions);
	status |= vpx_codec_control(context, VP8E_SET_STATIC_THRESHOLD, encoder->screen ? 100u : 1u);
	status |= vpx_codec_control(context, VP8E_SET_SCREEN_CONTENT_MODE, encoder->screen ? 1u : 0u);
	status |= vpx_codec_control(context, VP8E_SET_NOISE_SENSITIVITY, 0u);
	return status == VPX_CODEC_OK;
}

static bool set_vp9(struct qv_videoencoder *encoder)
{
	vpx_codec_ctx_t *context = &encoder->context;
	int columns = 0;
	while (1 << (columns + 1) <= encoder->threads && columns < 4)
		columns++;
	vpx_codec_err_t status = vpx_codec_control(context, VP8E_SET_CPUUSED, encoder->speed > 9 ? 9 : encoder->speed);
	status |= vpx_codec_control(context, VP9E_SET_AQ_MODE, 3u);
	status |= vpx_codec_control(context, VP9E_SET_TILE_COLUMNS, columns);
	status |= vpx_codec_control(context, VP9E_SET_ROW_MT, encoder->threads > 1 ? 1u : 0u);
	status |= vpx_codec_control(context, VP9E_SET_FRAME_PARALLEL_DECODING, encoder->references.resilient ? 1u : 0u);
	status |= vpx_codec_control(context, VP9E_SET_TUNE_CONTENT,
				    encoder->screen ? VP9E_CONTENT_SCREEN : VP9E_CONTENT_DEFAULT);
	status |= vpx_codec_control(context, VP9E_SET_COLOR_RANGE, encoder->range == QV_RANGE_FULL ? 1 : 0);
	if (encoder->layers > 1) {
		vpx_svc_extra_cfg_t extra = { .temporal_layering_mode = VP9E_TEMPORAL_LAYERING_MODE_BYPASS };
		for (int i = 0; i < encoder->layers; i++) {
			extra.max_quantizers[i] = QUANTIZER_MAX;
			extra.min_quantizers[i] = QUANTIZER_MIN;
		}
		extra.scaling_factor_num[0] = extra.scaling_factor_den[0] = 1;
		status |= vpx_codec_control(context, VP9E_SET_SVC, 1);
		status |= vpx_codec_control(context, VP9E_SET_SVC_PARAMETERS, &extra);
	}
	return status == VPX_CODEC_OK;
}

static int start(struct qv_videoencoder *encoder, int width, int height, struct qv_error *err)
{
	const vpx_codec_iface_t *interface = encoder->vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
	if (encoder->open)
		vpx_codec_destroy(&encoder->context);
	encoder->open = false;
	memset(&encoder->context, 0, sizeof encoder->context);
	if (vpx_codec_enc_config_default(interface, &encoder->config, 0) != VPX_CODEC_OK)
		return qv_fail(err, QV_E_UNSUPPORTED, "this libvpx has no encoder of %s", encoder->vp9 ? "VP9" : "VP8");
	set_config(encoder, width, height);
	if (vpx_codec_enc_init(&encoder->context, interface, &encoder->config, 0) != VPX_CODEC_OK)
		return failed(encoder, "start", err);
	encoder->open = true;
	bool set = encoder->vp9 ? set_vp9(encoder) : set_vp8(encoder);
	if (!set ||
	    vpx_codec_control(&encoder->context, VP8E_SET_MAX_INTRA_BITRATE_PCT, key_share(encoder)) != VPX_CODEC_OK)
		return failed(encoder, "take its settings", err);
	vpx_references_restart(&encoder->references);
	return 0;
}

static int read_options(struct qv_videoencoder *encoder, const struct qv_options *options, struct qv_error *err)
{
	encoder->vp9 = strcmp(qv_options_string(options, "codec"), "vp9") == 0;
	encoder->screen = strcmp(qv_options_string(options, "content"), "screen") == 0;
	encoder->drop = qv_options_bool(options, "frame_drop");
	encoder->bitrate = qv_options_int(options, "bitrate");
	encoder->threads = (int)qv_options_int(options, "threads");
	encoder->layers = (int)qv_options_int(options, "temporal_layers");
	encoder->key_interval = qv_options_int(options, "key_interval") * TICKS;
	encoder->speed = qv_options_has(options, "speed") ? (int)qv_options_int(options, "speed")
			 : encoder->vp9                   ? 7
							  : 6;
	bool resilient = qv_options_bool(options, "error_resilient");
	if (!resilient && encoder->layers > 1)
		return qv_options_fail(options, "error_resilient", err,
				       "temporal_layers above 1 need error_resilient = true");
	vpx_references_init(&encoder->references, encoder->layers, resilient);
	return 0;
}

struct qv_videoencoder *vpx_encoder_open(const struct qv_host *host, const struct qv_options *options,
					 const struct qv_video_format *format, struct qv_error *err)
{
	if (qv_video_format_check(format, err) != 0) {
		qv_error_prefix(err, "vpx encoder");
		return NULL;
	}
	struct qv_videoencoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder) {
		qv_fail(err, QV_E_NOMEM, "no memory for the vpx encoder");
		return NULL;
	}
	encoder->log = host->log;
	encoder->fps = rate_of(format->fps_num, format->fps_den);
	encoder->range = format->range;
	if (read_options(encoder, options, err) != 0 || start(encoder, format->width, format->height, err) != 0) {
		vpx_encoder_close(encoder);
		return NULL;
	}
	return encoder;
}

void vpx_encoder_close(struct qv_videoencoder *encoder)
{
	if (!encoder)
		return;
	if (encoder->open)
		vpx_codec_destroy(&encoder->context);
	free(encoder);
}

static vpx_enc_frame_flags_t flags_of(const struct qv_videoencoder *encoder, const struct vpx_plan *plan)
{
	static const vpx_enc_frame_flags_t no_use[] = { VP8_EFLAG_NO_REF_LAST, VP8_EFLAG_NO_REF_GF,
							VP8_EFLAG_NO_REF_ARF };
	static const vpx_enc_frame_flags_t no_renewal[] = { VP8_EFLAG_NO_UPD_LAST, VP8_EFLAG_NO_UPD_GF,
							    VP8_EFLAG_NO_UPD_ARF };
	vpx_enc_frame_flags_t flags = 0;
	if (plan->key)
		return VPX_EFLAG_FORCE_KF;
	for (int i = 0; i < VPX_BUFFERS; i++) {
		flags |= plan->use & 1u << i ? 0 : no_use[i];
		flags |= plan->renew & 1u << i ? 0 : no_renewal[i];
	}
	return encoder->references.resilient ? flags | VP8_EFLAG_NO_UPD_ENTROPY : flags;
}

/* Time since the last picture, kept sane for the rate control whatever the source says. */
static int64_t step(struct qv_videoencoder *encoder, const struct qv_frame *frame)
{
	int64_t usual = (int64_t)(TICKS / encoder->fps), ticks = usual;
	if (encoder->capture_ns > 0 && frame->capture_ns > encoder->capture_ns)
		ticks = (frame->capture_ns - encoder->capture_ns) / (1000000000 / TICKS);
	encoder->capture_ns = frame->capture_ns;
	ticks = ticks < usual / 2 ? usual / 2 : ticks;
	return ticks > TICKS ? TICKS : ticks;
}

static vpx_image_t image_of(const struct qv_frame *frame)
{
	vpx_image_t image = { .fmt = VPX_IMG_FMT_I420,
			      .cs = VPX_CS_BT_601,
			      .range = frame->format.range == QV_RANGE_FULL ? VPX_CR_FULL_RANGE : VPX_CR_STUDIO_RANGE,
			      .bit_depth = 8,
			      .w = (unsigned)frame->format.width,
			      .h = (unsigned)frame->format.height,
			      .d_w = (unsigned)frame->format.width,
			      .d_h = (unsigned)frame->format.height,
			      .x_chroma_shift = 1,
			      .y_chroma_shift = 1,
			      .bps = 12 };
	for (int i = 0; i < 3; i++) {
		/* libvpx only reads from it. */
		image.planes[i] = (uint8_t *)(uintptr_t)frame->plane[i];
		image.stride[i] = frame->stride[i];
	}
	return image;
}

static bool set_layer(struct qv_videoencoder *encoder, int layer)
{
	if (encoder->layers == 1)
		return true;
	if (!encoder->vp9)
		return vpx_codec_control(&encoder->context, VP8E_SET_TEMPORAL_LAYER_ID, layer) == VPX_CODEC_OK;
	vpx_svc_layer_id_t id = { .temporal_layer_id = layer, .temporal_layer_id_per_spatial = { layer } };
	return vpx_codec_control(&encoder->context, VP9E_SET_SVC_LAYER_ID, &id) == VPX_CODEC_OK;
}

static int take_packet(struct qv_videoencoder *encoder, const struct vpx_plan *plan, const struct qv_frame *frame,
		       struct qv_packet *packet, struct qv_error *err)
{
	vpx_codec_iter_t position = NULL;
	const vpx_codec_cx_pkt_t *made;
	struct qv_packet out = { .capture_ns = frame->capture_ns };
	bool key = false;
	while ((made = vpx_codec_get_cx_data(&encoder->context, &position))) {
		if (made->kind != VPX_CODEC_CX_FRAME_PKT || made->data.frame.sz == 0)
			continue;
		if (out.data)
			return qv_fail(err, QV_E_INTERNAL, "libvpx made two pictures of one");
		out.data = made->data.frame.buf;
		out.size = made->data.frame.sz;
		key = made->data.frame.flags & VPX_FRAME_IS_KEY;
	}
	if (!out.data)
		return 0;
	if (out.size > QV_PACKET_MAX)
		return qv_fail(err, QV_E_INVALID, "a picture of %zu bytes is over the %u of a packet", out.size,
			       QV_PACKET_MAX);
	if (key)
		encoder->key_ticks = encoder->ticks;
	vpx_references_made(&encoder->references, plan, key, &out);
	*packet = out;
	return 1;
}

int vpx_encode(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
	       struct qv_error *err)
{
	if (qv_frame_check(frame, err) != 0)
		return qv_error_prefix(err, "vpx encoder");
	if (frame->format.pixel != QV_PIXEL_I420)
		return qv_fail(err, QV_E_UNSUPPORTED, "the vpx encoder takes i420, not %s",
			       qv_pixel_name(frame->format.pixel));
	bool fits = (unsigned)frame->format.width == encoder->config.g_w &&
		    (unsigned)frame->format.height == encoder->config.g_h;
	if ((!fits || !encoder->open) && start(encoder, frame->format.width, frame->format.height, err) != 0)
		return -1;
	int64_t ticks = step(encoder, frame);
	if (encoder->key_interval > 0 && encoder->ticks - encoder->key_ticks >= encoder->key_interval)
		encoder->references.want_key = true;
	struct vpx_plan plan = vpx_references_plan(&encoder->references);
	vpx_image_t image = image_of(frame);
	if (!set_layer(encoder, plan.layer) ||
	    vpx_codec_encode(&encoder->context, &image, encoder->ticks, (unsigned long)ticks, flags_of(encoder, &plan),
			     VPX_DL_REALTIME) != VPX_CODEC_OK)
		return failed(encoder, "encode", err);
	int got = take_packet(encoder, &plan, frame, packet, err);
	encoder->ticks += ticks;
	return got;
}

int vpx_adjust(struct qv_videoencoder *encoder, const struct qv_video_target *target, struct qv_error *err)
{
	if (target->bitrate > 0) {
		encoder->bitrate = target->bitrate < BITRATE_MIN ? BITRATE_MIN : target->bitrate;
		encoder->bitrate = encoder->bitrate > BITRATE_MAX ? BITRATE_MAX : encoder->bitrate;
	}
	if (target->fps_num > 0 && target->fps_den > 0)
		encoder->fps = rate_of(target->fps_num, target->fps_den);
	set_bitrate(encoder);
	if (encoder->open && vpx_codec_enc_config_set(&encoder->context, &encoder->config) != VPX_CODEC_OK)
		return failed(encoder, "change its bitrate", err);
	return 0;
}

void vpx_request_key(struct qv_videoencoder *encoder)
{
	encoder->references.want_key = true;
}

void vpx_feedback(struct qv_videoencoder *encoder, uint64_t sequence, enum qv_picture_fate fate)
{
	vpx_references_feedback(&encoder->references, sequence, fate);
}
