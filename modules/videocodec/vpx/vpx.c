/* SPDX-License-Identifier: Apache-2.0 */
/* Video codec "vpx": VP8 (RFC 6386) and VP9 in real time with libvpx, from and to planar 4:2:0. */
#include "vpx.h"

static const char *const codecs[] = { "vp8", "vp9", NULL };
static const char *const contents[] = { "camera", "screen", NULL };

static const struct qv_option options[] = {
	{ .name = "codec",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "vp8",
	  .choices = codecs,
	  .help = "What is sent: vp8 is cheaper to make, vp9 needs less bitrate. Both are received." },
	{ .name = "bitrate",
	  .type = QV_OPTION_INT,
	  .fallback = "1500000",
	  .min = 10000,
	  .max = 100000000,
	  .unit = "bit/s",
	  .help = "Rate to begin with, of all layers together." },
	{ .name = "speed",
	  .type = QV_OPTION_INT,
	  .min = 0,
	  .max = 16,
	  .help = "More for less time on a picture and less quality; by default 6 for vp8 and 7 for vp9, whose "
		  "highest is 9." },
	{ .name = "key_interval",
	  .type = QV_OPTION_INT,
	  .fallback = "5",
	  .min = 0,
	  .max = 3600,
	  .unit = "s",
	  .help = "Time from a key picture to the next; 0 for none but those that are asked for." },
	{ .name = "temporal_layers",
	  .type = QV_OPTION_INT,
	  .fallback = "1",
	  .min = 1,
	  .max = 3,
	  .help = "Layers of pictures, of which all above the base can be lost without harm to later ones." },
	{ .name = "error_resilient",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "Makes a picture independent of how the one before was coded, so that a loss can be repaired "
		  "without a key picture, for a few percent of bitrate." },
	{ .name = "frame_drop",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "Leaves a picture out where it would take more than the bitrate." },
	{ .name = "threads",
	  .type = QV_OPTION_INT,
	  .fallback = "1",
	  .min = 1,
	  .max = 16,
	  .help = "Threads of an encoder, and of a decoder." },
	{ .name = "content",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "camera",
	  .choices = contents,
	  .help = "What is to be seen." },
	{ .name = "max_pixels",
	  .type = QV_OPTION_INT,
	  .fallback = "16777216",
	  .min = 1,
	  .max = 67108864,
	  .unit = "px",
	  .help = "Largest received picture that is decoded, as width times height." },
	{ .name = NULL },
};

static const char *made(const struct qv_options *values)
{
	return qv_options_string(values, "codec");
}

static const struct qv_videocodec_class vpx = {
	.head = { .kind = "videocodec",
		  .name = "vpx",
		  .summary = "VP8 and VP9 in real time (libvpx)",
		  .abi_major = QV_VIDEOCODEC_ABI_MAJOR,
		  .abi_minor = QV_VIDEOCODEC_ABI_MINOR,
		  .size = sizeof(struct qv_videocodec_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.wire_names = codecs,
	.wire_name = made,
	.pixels = QV_PIXEL_BIT(QV_PIXEL_I420),
	.encoder_open = vpx_encoder_open,
	.encoder_close = vpx_encoder_close,
	.encode = vpx_encode,
	.adjust = vpx_adjust,
	.request_key = vpx_request_key,
	.feedback = vpx_feedback,
	.decoder_open = vpx_decoder_open,
	.decoder_close = vpx_decoder_close,
	.decode = vpx_decode,
	.need = vpx_need,
};

static const struct qv_class *const classes[] = { &vpx.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND BSD-3-Clause",
	.classes = classes,
};
