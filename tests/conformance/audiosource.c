/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <qvisio/audiosource.h>

#define BLOCKS       8
#define BLOCK_FRAMES 480
#define PATIENCE_MS  10000

static const struct qv_audio_format formats[] = { { 48000, 2 }, { 16000, 1 }, { 48000, 1 }, { 44100, 2 }, { 8000, 1 } };

/* Opens with the first format that the source takes. */
static struct qv_audiosource *open_with(struct check *check, const struct qv_options *options,
					struct qv_audio_format *format, struct qv_error *err)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		struct qv_audiosource *source =
			qv_audiosource_class(check->class)->open(&check->host, options, &formats[i], BLOCK_FRAMES, err);
		*format = formats[i];
		if (source && qv_audiosource_class(check->class)->format)
			qv_audiosource_class(check->class)->format(source, format);
		if (source || err->code != QV_E_UNSUPPORTED)
			return source;
	}
	return NULL;
}

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	struct qv_audiosource *sources[2] = { NULL, NULL };
	struct qv_audio_format format;
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		sources[i] = open_with(check, options, &format, err);
		result = sources[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		qv_audiosource_class(check->class)->close(sources[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_audiosource_class(class)->close(NULL);
}

static struct qv_audiosource *open_source(struct check *check, struct qv_audio_format *format)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	struct qv_audiosource *source = open_with(check, options, format, &err);
	qv_options_free(options);
	if (!source)
		check_not_opened(check, &err);
	return source;
}

static bool next(struct check *check, struct qv_audiosource *source, struct qv_audio_block *block)
{
	struct qv_error err = QV_ERROR_INIT;
	int got = qv_audiosource_class(check->class)->read(source, block, PATIENCE_MS, &err);
	if (got < 0) {
		check_error_filled(check, "read", &err);
		REQUIRE(check, err.code == QV_E_END, "read: %s", err.message);
		return false;
	}
	REQUIRE(check, got == 1, "no block came within %d ms", PATIENCE_MS);
	return true;
}

static void blocks_are_sound(struct check *check)
{
	struct qv_audio_format format;
	struct qv_audiosource *source = open_source(check, &format);
	struct qv_audio_block block;
	uint64_t position = 0;
	int64_t before = 0;
	volatile int16_t sink = 0;
	/* As long as was asked for, also at a rate of the source's own. */
	size_t most = (size_t)BLOCK_FRAMES * (size_t)format.rate / (size_t)formats[0].rate;
	if (most < BLOCK_FRAMES)
		most = BLOCK_FRAMES;
	for (int i = 0; i < BLOCKS && next(check, source, &block); i++) {
		REQUIRE(check, block.format.rate == format.rate && block.format.channels == format.channels,
			"block %d is of %d Hz and %d channels, not of what it said", i, block.format.rate,
			block.format.channels);
		REQUIRE(check, block.samples && block.frames > 0 && block.frames <= most, "block %d has %zu frames", i,
			block.frames);
		for (size_t j = 0; j < block.frames * (size_t)format.channels; j++)
			sink = (int16_t)(sink ^ block.samples[j]);
		REQUIRE(check, block.position >= position, "block %d overlaps the one before", i);
		REQUIRE(check, i > 0 || block.position == 0, "the first block is not at position 0");
		REQUIRE(check, block.capture_ns > before, "the capture time of block %d is not after the one before",
			i);
		REQUIRE(check, block.capture_ns <= qv_clock_now(check->host.clock), "block %d is from the future", i);
		position = block.position + block.frames;
		before = block.capture_ns;
	}
	REQUIRE(check, before != 0, "it ended before the first block");
	qv_audiosource_class(check->class)->close(source);
}

static void refuses_false_formats(struct check *check)
{
	static const struct qv_audio_format bad[] = {
		{ 0, 1 }, { 48000, 0 }, { 48000, 99 }, { -1, 2 }, { 1000000000, 2 }
	};
	struct qv_options *options = check_options(check, NULL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		REQUIRE(check,
			!qv_audiosource_class(check->class)->open(&check->host, options, &bad[i], BLOCK_FRAMES, &err),
			"it opens for %d Hz and %d channels", bad[i].rate, bad[i].channels);
		check_error_filled(check, "open", &err);
	}
	qv_options_free(options);
}

static void refuses_false_lengths(struct check *check)
{
	static const size_t bad[] = { 0, QV_AUDIO_BLOCK_FRAMES_MAX + 1, SIZE_MAX };
	const struct qv_audiosource_class *class = qv_audiosource_class(check->class);
	struct qv_options *options = check_options(check, NULL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		REQUIRE(check, !class->open(&check->host, options, &formats[0], bad[i], &err),
			"it opens for blocks of %zu samples", bad[i]);
		check_error_filled(check, "open", &err);
		REQUIRE(check, err.code == QV_E_INVALID, "blocks of %zu samples: %s", bad[i], err.message);
	}
	qv_options_free(options);
}

static void no_wait_returns(struct check *check)
{
	struct qv_audio_format format;
	struct qv_audiosource *source = open_source(check, &format);
	for (int i = 0; i < 50; i++) {
		struct qv_audio_block block;
		struct qv_error err = QV_ERROR_INIT;
		int got = qv_audiosource_class(check->class)->read(source, &block, 0, &err);
		REQUIRE(check, got >= 0 || err.code == QV_E_END, "read: %s", err.message);
	}
	qv_audiosource_class(check->class)->close(source);
}

static void cancel_is_heard(struct check *check)
{
	struct qv_audio_format format;
	struct qv_audiosource *source = open_source(check, &format);
	struct qv_audio_block block;
	struct qv_error err = QV_ERROR_INIT;
	check_cancel(check);
	int got = 1;
	/* What was captured before may still come. */
	for (int i = 0; i < 256 && got == 1; i++)
		got = qv_audiosource_class(check->class)->read(source, &block, 10 * PATIENCE_MS, &err);
	REQUIRE(check, got < 0, "it was cancelled and still returns %d", got);
	check_error_filled(check, "read", &err);
	REQUIRE(check, err.code == QV_E_CANCELLED || err.code == QV_E_END, "it was cancelled and says: %s",
		err.message);
	qv_audiosource_class(check->class)->close(source);
}

static const struct check_case cases[] = {
	{ "blocks are sound, in order, not from the future", blocks_are_sound },
	{ "formats that cannot be are refused", refuses_false_formats },
	{ "blocks that cannot be are refused", refuses_false_lengths },
	{ "a read without waiting returns", no_wait_returns },
	{ "a cancelled read ends", cancel_is_heard },
	{ NULL, NULL },
};

const struct check_suite check_audiosource = { "audiosource", open_close, close_null, cases, NULL };
