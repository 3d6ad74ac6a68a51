/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include "damage.h"

#include <qvisio/audiocodec.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAMAGED         300
#define BLOCKS          20
#define CORRELATION_MIN 0.9

struct plan {
	struct qv_audio_format format;
	size_t block_frames;
};

static int plan_with(struct check *check, const struct qv_options *options, struct plan *plan, struct qv_error *err)
{
	return qv_audiocodec_class(check->class)->plan(options, &plan->format, &plan->block_frames, err);
}

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_audiocodec_class *class = qv_audiocodec_class(check->class);
	struct qv_audioencoder *encoders[2] = { NULL, NULL };
	struct qv_audiodecoder *decoders[2] = { NULL, NULL };
	struct plan plan;
	int result = plan_with(check, options, &plan, err);
	for (unsigned i = 0; i < count && result == 0; i++) {
		encoders[i] = class->encoder_open(&check->host, options, &plan.format, err);
		decoders[i] = encoders[i] ? class->decoder_open(&check->host, options, &plan.format, err) : NULL;
		result = decoders[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++) {
		class->encoder_close(encoders[i]);
		class->decoder_close(decoders[i]);
	}
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_audiocodec_class(class)->encoder_close(NULL);
	qv_audiocodec_class(class)->decoder_close(NULL);
}

struct pair {
	struct plan plan;
	struct qv_audioencoder *encoder;
	struct qv_audiodecoder *decoder;
};

static void open_pair(struct check *check, struct pair *pair)
{
	const struct qv_audiocodec_class *class = qv_audiocodec_class(check->class);
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	if (plan_with(check, options, &pair->plan, &err) != 0)
		check_not_opened(check, &err);
	REQUIRE(check, qv_audio_format_check(&pair->plan.format, &err) == 0, "plan asks for an impossible format: %s",
		err.message);
	REQUIRE(check, pair->plan.block_frames > 0 && pair->plan.block_frames <= (size_t)pair->plan.format.rate,
		"plan asks for blocks of %zu frames", pair->plan.block_frames);
	pair->encoder = class->encoder_open(&check->host, options, &pair->plan.format, &err);
	pair->decoder = pair->encoder ? class->decoder_open(&check->host, options, &pair->plan.format, &err) : NULL;
	qv_options_free(options);
	if (!pair->decoder)
		check_not_opened(check, &err);
}

static void close_pair(struct check *check, struct pair *pair)
{
	qv_audiocodec_class(check->class)->encoder_close(pair->encoder);
	qv_audiocodec_class(check->class)->decoder_close(pair->decoder);
}

static void describes_itself(struct check *check)
{
	const char *name = qv_audiocodec_class(check->class)->wire_name;
	REQUIRE(check, name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name),
		"the wire name \"%s\" is not of a-z, 0-9 and -", name);
	struct pair pair;
	open_pair(check, &pair);
	close_pair(check, &pair);
}

/* Sound like speech: two tones that swell, different in each channel. */
static int16_t tone(const struct qv_audio_format *format, size_t frame, int channel)
{
	double t = (double)frame / format->rate;
	double swell = 0.6 + 0.4 * sin(2 * M_PI * 3 * t);
	return (int16_t)(9000 * swell * (sin(2 * M_PI * 220 * (channel + 1) * t) + 0.4 * sin(2 * M_PI * 700 * t)));
}

static int16_t *make_sound(struct check *check, const struct plan *plan, size_t frames)
{
	int16_t *samples = malloc(frames * (size_t)plan->format.channels * sizeof *samples);
	REQUIRE(check, samples, "no memory");
	for (size_t i = 0; i < frames; i++)
		for (int c = 0; c < plan->format.channels; c++)
			samples[i * (size_t)plan->format.channels + (size_t)c] = tone(&plan->format, i, c);
	return samples;
}

static double correlation(const int16_t *a, const int16_t *b, size_t count)
{
	double ab = 0, aa = 0, bb = 0;
	for (size_t i = 0; i < count; i++) {
		ab += (double)a[i] * b[i];
		aa += (double)a[i] * a[i];
		bb += (double)b[i] * b[i];
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* A codec may delay: the best match within a block and its look-ahead counts. */
static double best_correlation(const struct plan *plan, size_t lookahead, const int16_t *in, const int16_t *out,
			       size_t frames)
{
	double best = 0;
	size_t channels = (size_t)plan->format.channels;
	for (size_t lag = 0; lag < plan->block_frames + lookahead && lag < frames; lag++) {
		double now = correlation(in, out + lag * channels, (frames - lag) * channels);
		best = now > best ? now : best;
	}
	return best;
}

static void check_block(struct check *check, const struct plan *plan, const struct qv_audio_block *block)
{
	REQUIRE(check, block->format.rate == plan->format.rate && block->format.channels == plan->format.channels,
		"a decoded block is of %d Hz and %d channels", block->format.rate, block->format.channels);
	REQUIRE(check, block->samples && block->frames > 0 && block->frames <= (size_t)plan->format.rate,
		"a decoded block has %zu frames", block->frames);
	volatile int16_t sink = 0;
	for (size_t i = 0; i < block->frames * (size_t)plan->format.channels; i++)
		sink = (int16_t)(sink ^ block->samples[i]);
}

static bool encode(struct check *check, struct pair *pair, const int16_t *samples, size_t frame,
		   struct qv_packet *packet)
{
	struct qv_audio_block block = { .format = pair->plan.format,
					.samples = samples + frame * (size_t)pair->plan.format.channels,
					.frames = pair->plan.block_frames,
					.capture_ns = (int64_t)frame + 1,
					.position = frame };
	struct qv_error err = QV_ERROR_INIT;
	int got = qv_audiocodec_class(check->class)->encode(pair->encoder, &block, packet, &err);
	REQUIRE(check, got >= 0, "encode: %s", err.message);
	REQUIRE(check, got == 0 || (packet->data && packet->size > 0 && packet->size <= QV_PACKET_MAX),
		"a packet of %zu bytes", packet->size);
	if (got == 1)
		REQUIRE(check,
			packet->frames >= pair->plan.block_frames && packet->frames <= (size_t)pair->plan.format.rate,
			"a packet of a block of %zu samples says it has %u", pair->plan.block_frames, packet->frames);
	return got == 1;
}

static void check_duration(struct check *check, struct pair *pair, const struct qv_packet *packet)
{
	const struct qv_audiocodec_class *class = qv_audiocodec_class(check->class);
	struct qv_error err = QV_ERROR_INIT;
	size_t frames = 0;
	if (!class->duration)
		return;
	REQUIRE(check, class->duration(pair->decoder, packet, &frames, &err) == 0, "duration: %s", err.message);
	REQUIRE(check, frames == packet->frames, "duration says %zu samples of a packet of %u", frames, packet->frames);
}

static void sound_comes_back(struct check *check)
{
	struct pair pair;
	open_pair(check, &pair);
	size_t total = BLOCKS * pair.plan.block_frames, channels = (size_t)pair.plan.format.channels, filled = 0;
	int16_t *in = make_sound(check, &pair.plan, total);
	int16_t *out = calloc(2 * total * channels, sizeof *out);
	REQUIRE(check, out, "no memory");
	for (size_t i = 0; i < BLOCKS; i++) {
		struct qv_packet packet;
		struct qv_audio_block block;
		struct qv_error err = QV_ERROR_INIT;
		if (!encode(check, &pair, in, i * pair.plan.block_frames, &packet))
			continue;
		check_duration(check, &pair, &packet);
		int got = qv_audiocodec_class(check->class)->decode(pair.decoder, &packet, &block, &err);
		REQUIRE(check, got >= 0, "decode: %s", err.message);
		if (got == 0)
			continue;
		check_block(check, &pair.plan, &block);
		REQUIRE(check, block.frames == packet.frames, "a packet of %u samples came back as %zu", packet.frames,
			block.frames);
		REQUIRE(check, filled + block.frames <= 2 * total, "more sound comes out than went in");
		memcpy(out + filled * channels, block.samples, block.frames * channels * sizeof *out);
		filled += block.frames;
	}
	REQUIRE(check, filled * 2 >= total, "of %zu frames only %zu came back", total, filled);
	const struct qv_audiocodec_class *class = qv_audiocodec_class(check->class);
	size_t lookahead = class->lookahead ? class->lookahead(pair.encoder) : 0;
	REQUIRE(check, lookahead <= (size_t)pair.plan.format.rate, "it looks %zu samples ahead", lookahead);
	double found = best_correlation(&pair.plan, lookahead, in, out, filled < total ? filled : total);
	REQUIRE(check, found >= CORRELATION_MIN, "the sound came back with a correlation of %.3f, under %.1f", found,
		CORRELATION_MIN);
	free(in);
	free(out);
	close_pair(check, &pair);
}

static void check_filled(struct check *check, const struct plan *plan, const struct qv_audio_block *block,
			 size_t frames)
{
	check_block(check, plan, block);
	REQUIRE(check, block->frames == frames, "a gap of %zu samples was filled with %zu", frames, block->frames);
}

static void decode_damaged(struct check *check, struct pair *pair, const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	REQUIRE(check, copy, "no memory");
	memcpy(copy, bytes, size);
	struct qv_packet packet = { .data = copy, .size = size, .key = true };
	struct qv_audio_block block;
	struct qv_error err = QV_ERROR_INIT;
	const struct qv_audiocodec_class *class = qv_audiocodec_class(check->class);
	size_t frames = 0;
	int told = class->duration ? class->duration(pair->decoder, &packet, &frames, &err) : -1;
	if (class->duration && told < 0)
		check_error_filled(check, "duration", &err);
	err = (struct qv_error)QV_ERROR_INIT;
	if (class->recover && class->recover(pair->decoder, &packet, pair->plan.block_frames, &block, &err) == 1)
		check_filled(check, &pair->plan, &block, pair->plan.block_frames);
	err = (struct qv_error)QV_ERROR_INIT;
	int got = class->decode(pair->decoder, &packet, &block, &err);
	REQUIRE(check, told < 0 || got != 1 || block.frames == frames, "duration says %zu samples, and %zu came",
		frames, block.frames);
	if (got < 0)
		check_error_filled(check, "decode", &err);
	REQUIRE(check, got >= 0 || err.code == QV_E_PROTOCOL || err.code == QV_E_NOMEM,
		"a damaged packet is QV_E_PROTOCOL, not %s: %s", qv_code_name(err.code), err.message);
	if (got == 1)
		check_block(check, &pair->plan, &block);
	free(copy);
}

static void survives_damage(struct check *check)
{
	struct pair pair;
	struct qv_packet packet;
	open_pair(check, &pair);
	int16_t *in = make_sound(check, &pair.plan, BLOCKS * pair.plan.block_frames);
	size_t at = 0;
	while (at < BLOCKS && !encode(check, &pair, in, at * pair.plan.block_frames, &packet))
		at++;
	REQUIRE(check, at < BLOCKS, "no packet came from %d blocks", BLOCKS);
	struct damage damage = { .state = 1 };
	for (int i = 0; i < DAMAGED; i++) {
		damage_make(check, &damage, packet.data, packet.size);
		decode_damaged(check, &pair, damage.bytes, damage.size);
	}
	struct qv_audio_block block;
	struct qv_error err = QV_ERROR_INIT;
	int got = qv_audiocodec_class(check->class)->decode(pair.decoder, &packet, &block, &err);
	REQUIRE(check, got >= 0, "after damaged packets a good one is refused: %s", err.message);
	damage_free(&damage);
	free(in);
	close_pair(check, &pair);
}

/* Loses every fifth packet; what is played is as long as what was said, and sounds like it. */
static void gaps_are_filled(struct check *check)
{
	const struct qv_audiocodec_class *class = qv_audiocodec_class(check->class);
	if (!class->conceal)
		check_skip(check, "it leaves gaps to the core");
	struct pair pair;
	open_pair(check, &pair);
	size_t block_frames = pair.plan.block_frames, filled = 0;
	int16_t *in = make_sound(check, &pair.plan, BLOCKS * block_frames);
	for (size_t i = 0; i < BLOCKS; i++) {
		struct qv_packet packet;
		struct qv_audio_block block;
		struct qv_error err = QV_ERROR_INIT;
		if (!encode(check, &pair, in, i * block_frames, &packet))
			check_skip(check, "the codec keeps sound back");
		if (i % 5 == 3)
			continue;
		if (i % 5 == 4) {
			int got =
				class->recover ? class->recover(pair.decoder, &packet, block_frames, &block, &err) : 0;
			REQUIRE(check, got >= 0, "recover: %s", err.message);
			if (got == 0)
				got = class->conceal(pair.decoder, QV_GAP_LOST, block_frames, &block, &err);
			REQUIRE(check, got == 1, "conceal: %s", err.message);
			check_filled(check, &pair.plan, &block, block_frames);
			filled += block.frames;
		}
		REQUIRE(check, class->decode(pair.decoder, &packet, &block, &err) == 1, "decode: %s", err.message);
		filled += block.frames;
	}
	REQUIRE(check, filled == BLOCKS * block_frames, "of %zu samples %zu were played", BLOCKS * block_frames,
		filled);
	free(in);
	close_pair(check, &pair);
}

static void adjusts(struct check *check)
{
	static const struct qv_audio_target targets[] = { { 8000, 30 }, { 0, -1 }, { 64000, 0 }, { 24000, 100 } };
	const struct qv_audiocodec_class *class = qv_audiocodec_class(check->class);
	if (!class->adjust)
		check_skip(check, "it follows its options only");
	struct pair pair;
	open_pair(check, &pair);
	int16_t *in = make_sound(check, &pair.plan, BLOCKS * pair.plan.block_frames);
	for (size_t i = 0; i < BLOCKS; i++) {
		struct qv_packet packet;
		struct qv_audio_block block;
		struct qv_error err = QV_ERROR_INIT;
		const struct qv_audio_target *target = &targets[i % (sizeof targets / sizeof targets[0])];
		REQUIRE(check, class->adjust(pair.encoder, target, &err) == 0, "adjust: %s", err.message);
		if (encode(check, &pair, in, i * pair.plan.block_frames, &packet))
			REQUIRE(check, class->decode(pair.decoder, &packet, &block, &err) == 1, "decode: %s",
				err.message);
	}
	free(in);
	close_pair(check, &pair);
}

static void conceals(struct check *check)
{
	const struct qv_audiocodec_class *class = qv_audiocodec_class(check->class);
	if (!class->conceal)
		check_skip(check, "it leaves gaps to the core");
	struct pair pair;
	open_pair(check, &pair);
	size_t second = (size_t)pair.plan.format.rate;
	const size_t lengths[] = { 1, 7, pair.plan.block_frames / 3 + 1, pair.plan.block_frames, second / 8, second };
	for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++) {
		struct qv_audio_block block;
		struct qv_error err = QV_ERROR_INIT;
		enum qv_audio_gap gap = i % 2 ? QV_GAP_SILENT : QV_GAP_LOST;
		int got = class->conceal(pair.decoder, gap, lengths[i / 2], &block, &err);
		REQUIRE(check, got == 1, "conceal: %s", err.message);
		check_filled(check, &pair.plan, &block, lengths[i / 2]);
	}
	close_pair(check, &pair);
}

static const struct check_case cases[] = {
	{ "wire name and plan are valid", describes_itself },
	{ "sound comes back", sound_comes_back },
	{ "damaged packets do no harm, and decoding goes on", survives_damage },
	{ "gaps of any length are concealed", conceals },
	{ "what is lost is recovered or concealed", gaps_are_filled },
	{ "bitrate and protection change on the way", adjusts },
	{ NULL, NULL },
};

const struct check_suite check_audiocodec = { "audiocodec", open_close, close_null, cases, NULL };
