/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audio codec "opus": RFC 6716 with libopus (wire name "opus"). A packet is one Opus packet, the payload of RFC 7587; it
 * says its own length and stereo, and can be decoded at any of the rates.
 */
#include "opus_codec.h"

static const char *const applications[] = { "voip", "audio", "lowdelay", NULL };
static const char *const rate_controls[] = { "constrained", "vbr", "cbr", NULL };

static const struct qv_option options[] = {
	{ .name = "rate",
	  .type = QV_OPTION_INT,
	  .fallback = "48000",
	  .min = 8000,
	  .max = 48000,
	  .unit = "Hz",
	  .help = "Samples per second and channel: 8000, 12000, 16000, 24000 or 48000." },
	{ .name = "channels", .type = QV_OPTION_INT, .fallback = "1", .min = 1, .max = 2, .help = "Sound channels." },
	{ .name = "frame",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "20",
	  .min = 2.5,
	  .max = 60,
	  .unit = "ms",
	  .help = "Sound in one packet: 2.5, 5, 10, 20, 40 or 60. Less for less delay, more for fewer packets." },
	{ .name = "application",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "voip",
	  .choices = applications,
	  .help = "What to be good at: speech, music, or delay at the cost of error correction." },
	{ .name = "bitrate",
	  .type = QV_OPTION_INT,
	  .fallback = "32000",
	  .min = 6000,
	  .max = 510000,
	  .unit = "bit/s",
	  .help = "Rate to begin with." },
	{ .name = "rate_control",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "constrained",
	  .choices = rate_controls,
	  .help = "Whether packets differ in size: within limits, freely, or not at all." },
	{ .name = "complexity",
	  .type = QV_OPTION_INT,
	  .fallback = "10",
	  .min = 0,
	  .max = 10,
	  .help = "Effort of the encoder, 10 for the best sound." },
	{ .name = "fec",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "In-band error correction: a packet carries a coarse copy of the one before it." },
	{ .name = "loss",
	  .type = QV_OPTION_INT,
	  .fallback = "5",
	  .min = 0,
	  .max = 100,
	  .unit = "%",
	  .help = "Packets that the network is expected to lose, to begin with; 0 leaves no room for fec." },
	{ .name = "dtx",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Discontinuous transmission: sends next to nothing while nobody speaks." },
	{ .name = NULL },
};

int opus_check_format(const struct qv_audio_format *format, struct qv_error *err)
{
	int rate = format->rate;
	if (rate != 8000 && rate != 12000 && rate != 16000 && rate != 24000 && rate != 48000)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "Opus has no rate of %d Hz, but 8000, 12000, 16000, 24000 and 48000", rate);
	if (format->channels < 1 || format->channels > 2)
		return qv_fail(err, QV_E_UNSUPPORTED, "Opus takes 1 or 2 channels here, not %d", format->channels);
	return 0;
}

static int opus_plan(const struct qv_options *values, struct qv_audio_format *format, size_t *block_frames,
		     struct qv_error *err)
{
	static const double lengths[] = { 2.5, 5, 10, 20, 40, 60 };
	struct qv_error why = QV_ERROR_INIT;
	double frame = qv_options_float(values, "frame");
	size_t i = 0;
	format->rate = (int)qv_options_int(values, "rate");
	format->channels = (int)qv_options_int(values, "channels");
	if (opus_check_format(format, &why) != 0)
		return qv_options_fail(values, "rate", err, "%s", why.message);
	while (i < sizeof lengths / sizeof lengths[0] && (frame < lengths[i] || frame > lengths[i]))
		i++;
	if (i == sizeof lengths / sizeof lengths[0])
		return qv_options_fail(values, "frame", err,
				       "Opus has no frames of %g ms, but of 2.5, 5, 10, 20, 40 and 60", frame);
	*block_frames = (size_t)((double)format->rate * frame / 1000);
	return 0;
}

static int64_t opus_bitrate(const struct qv_options *values, const struct qv_audio_format *format)
{
	(void)format;
	return qv_options_int(values, "bitrate");
}

static const struct qv_audiocodec_class opus = {
	.head = { .kind = "audiocodec",
		  .name = "opus",
		  .summary = "Opus, for speech and music over networks that lose packets (libopus)",
		  .abi_major = QV_AUDIOCODEC_ABI_MAJOR,
		  .abi_minor = QV_AUDIOCODEC_ABI_MINOR,
		  .size = sizeof(struct qv_audiocodec_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.wire_name = "opus",
	.plan = opus_plan,
	.encoder_open = opus_codec_encoder_open,
	.encoder_close = opus_codec_encoder_close,
	.encode = opus_codec_encode,
	.adjust = opus_codec_adjust,
	.lookahead = opus_codec_lookahead,
	.decoder_open = opus_codec_decoder_open,
	.decoder_close = opus_codec_decoder_close,
	.decode = opus_codec_decode,
	.duration = opus_codec_duration,
	.conceal = opus_codec_conceal,
	.recover = opus_codec_recover,
	.bitrate = opus_bitrate,
};

static const struct qv_class *const classes[] = { &opus.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND BSD-3-Clause",
	.classes = classes,
};
