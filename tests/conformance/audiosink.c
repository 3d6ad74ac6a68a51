/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <qvisio/audiosink.h>

#define BLOCK_FRAMES 480

static const struct qv_audio_format formats[] = { { 48000, 2 }, { 16000, 1 }, { 48000, 1 }, { 44100, 2 }, { 8000, 1 } };

static struct qv_audiosink *open_with(struct check *check, const struct qv_options *options,
				      struct qv_audio_format *format, struct qv_error *err)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		struct qv_audiosink *sink =
			qv_audiosink_class(check->class)->open(&check->host, options, &formats[i], err);
		*format = formats[i];
		if (sink && qv_audiosink_class(check->class)->format)
			qv_audiosink_class(check->class)->format(sink, format);
		if (sink || err->code != QV_E_UNSUPPORTED)
			return sink;
	}
	return NULL;
}

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	struct qv_audiosink *sinks[2] = { NULL, NULL };
	struct qv_audio_format format;
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		sinks[i] = open_with(check, options, &format, err);
		result = sinks[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		qv_audiosink_class(check->class)->close(sinks[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_audiosink_class(class)->close(NULL);
}

static struct qv_audiosink *open_sink(struct check *check, struct qv_audio_format *format)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	struct qv_audiosink *sink = open_with(check, options, format, &err);
	qv_options_free(options);
	if (!sink)
		check_not_opened(check, &err);
	return sink;
}

static struct qv_audio_block block_of(const struct qv_audio_format *format, size_t frames, uint64_t position)
{
	static int16_t samples[BLOCK_FRAMES * 8];
	for (size_t i = 0; i < BLOCK_FRAMES * 8; i++)
		samples[i] = (int16_t)((i * 200 + position * 31) % 8000 - 4000);
	return (struct qv_audio_block){ .format = *format, .samples = samples, .frames = frames, .position = position };
}

static void takes_blocks(struct check *check)
{
	static const size_t sizes[] = { BLOCK_FRAMES, BLOCK_FRAMES, 1, 100, BLOCK_FRAMES, 7, BLOCK_FRAMES };
	const struct qv_audiosink_class *class = qv_audiosink_class(check->class);
	struct qv_audio_format format;
	struct qv_audiosink *sink = open_sink(check, &format);
	uint64_t position = 0;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct qv_audio_block block = block_of(&format, sizes[i], position);
		struct qv_error err = QV_ERROR_INIT;
		REQUIRE(check, class->write(sink, &block, &err) == 0, "write: %s", err.message);
		int64_t delay = class->delay(sink);
		REQUIRE(check, delay >= 0 && delay < 60 * QV_NS_PER_SECOND, "a delay of %lld ns", (long long)delay);
		position += sizes[i];
	}
	class->close(sink);
}

static void refuses_other_formats(struct check *check)
{
	const struct qv_audiosink_class *class = qv_audiosink_class(check->class);
	struct qv_audio_format format;
	struct qv_audiosink *sink = open_sink(check, &format);
	struct qv_audio_format other = { format.rate, format.channels + 1 };
	struct qv_audio_block block = block_of(&other, 10, 0);
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(check, class->write(sink, &block, &err) != 0, "a block of another format than opened for was taken");
	check_error_filled(check, "write", &err);
	block = block_of(&format, 10, 0);
	REQUIRE(check, class->write(sink, &block, &err) == 0, "after that, a good block is refused: %s", err.message);
	class->close(sink);
}

static void refuses_false_formats(struct check *check)
{
	static const struct qv_audio_format bad[] = {
		{ 0, 1 }, { 48000, 0 }, { 48000, 99 }, { -1, 2 }, { 1000000000, 2 }
	};
	struct qv_options *options = check_options(check, NULL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		REQUIRE(check, !qv_audiosink_class(check->class)->open(&check->host, options, &bad[i], &err),
			"it opens for %d Hz and %d channels", bad[i].rate, bad[i].channels);
		check_error_filled(check, "open", &err);
	}
	qv_options_free(options);
}

static void cancel_is_heard(struct check *check)
{
	const struct qv_audiosink_class *class = qv_audiosink_class(check->class);
	struct qv_audio_format format;
	struct qv_audiosink *sink = open_sink(check, &format);
	struct qv_error err = QV_ERROR_INIT;
	if (!class->paced)
		check_skip(check, "its write does not wait");
	check_cancel(check);
	int result = 0;
	/* What fits the device's buffer may still be taken: at most a minute of sound. */
	for (int i = 0; i < 60 * format.rate / BLOCK_FRAMES && result == 0; i++) {
		struct qv_audio_block block = block_of(&format, BLOCK_FRAMES, (uint64_t)i * BLOCK_FRAMES);
		result = class->write(sink, &block, &err);
	}
	REQUIRE(check, result != 0, "it was cancelled and still takes sound");
	REQUIRE(check, err.code == QV_E_CANCELLED, "it was cancelled and says: %s", err.message);
	class->close(sink);
}

static const struct check_case cases[] = {
	{ "blocks of any length are taken", takes_blocks },
	{ "a block of another format is refused", refuses_other_formats },
	{ "formats that cannot be are refused", refuses_false_formats },
	{ "a cancelled write ends", cancel_is_heard },
	{ NULL, NULL },
};

const struct check_suite check_audiosink = { "audiosink", open_close, close_null, cases, NULL };
