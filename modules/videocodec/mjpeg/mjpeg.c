/* SPDX-License-Identifier: Apache-2.0 */
/* Video codec "mjpeg": each frame is one JPEG image, made and read by libjpeg-turbo without leaving planar YCbCr. */
#include "mjpeg.h"

static const struct qv_option options[] = {
	{ .name = "quality",
	  .type = QV_OPTION_INT,
	  .fallback = "25",
	  .min = 1,
	  .max = 100,
	  .help = "Quality of the pictures sent, on libjpeg's scale; pictures that the camera encoded keep their "
		  "own." },
	{ .name = "max_pixels",
	  .type = QV_OPTION_INT,
	  .fallback = "16777216",
	  .min = 1,
	  .max = 67108864,
	  .unit = "px",
	  .help = "Largest received picture that is decoded, as width times height." },
	{ .name = NULL },
};

static const char *const wire_names[] = { "mjpeg", NULL };

static const struct qv_videocodec_class mjpeg = {
	.head = { .kind = "videocodec",
		  .name = "mjpeg",
		  .summary = "Motion JPEG (libjpeg-turbo)",
		  .abi_major = QV_VIDEOCODEC_ABI_MAJOR,
		  .abi_minor = QV_VIDEOCODEC_ABI_MINOR,
		  .size = sizeof(struct qv_videocodec_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.wire_names = wire_names,
	.pixels = QV_PIXELS_PLANAR | QV_PIXEL_BIT(QV_PIXEL_JPEG),
	.encoder_open = mjpeg_encoder_open,
	.encoder_close = mjpeg_encoder_close,
	.encode = mjpeg_encode,
	.decoder_open = mjpeg_decoder_open,
	.decoder_close = mjpeg_decoder_close,
	.decode = mjpeg_decode,
};

static const struct qv_class *const classes[] = { &mjpeg.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND BSD-3-Clause AND IJG",
	.classes = classes,
};
