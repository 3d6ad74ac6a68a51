/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/recorder.h>

/* Streams that every recorder can be expected to keep: JPEG pictures and PCM, of both sides. */
static const struct qv_recorder_track tracks[] = {
	{ QV_STREAM_VIDEO, "mjpeg", { QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 }, { 0, 0 }, "sent" },
	{ QV_STREAM_AUDIO, "pcm-s16le", { .fps_den = 1 }, { 16000, 1 }, "sent" },
	{ QV_STREAM_VIDEO, "mjpeg", { QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 0, 1 }, { 0, 0 }, "re\xc3\xa7u" },
	{ QV_STREAM_AUDIO, "pcm-s16le", { .fps_den = 1 }, { 48000, 2 }, NULL },
};
#define TRACKS (sizeof tracks / sizeof tracks[0])

#define BLOCK_NS (20 * QV_NS_PER_MS)
#define START_NS (5 * QV_NS_PER_SECOND)

struct place {
	char folder[40], path[64];
};

static void make_place(struct check *check, struct place *place)
{
	snprintf(place->folder, sizeof place->folder, "/tmp/qvisio-recorder-XXXXXX");
	REQUIRE(check, mkdtemp(place->folder), "no folder for a recording");
	snprintf(place->path, sizeof place->path, "%s/call", place->folder);
}

static void remove_place(const struct place *place)
{
	unlink(place->path);
	rmdir(place->folder);
}

static struct qv_recorder *try_open(struct check *check, const char *path, const struct qv_recorder_track *of,
				    size_t count, struct qv_error *err)
{
	struct qv_options *options = check_options(check, NULL);
	struct qv_recorder *recorder =
		qv_recorder_class(check->class)->open(&check->host, options, path, of, count, START_NS, err);
	qv_options_free(options);
	return recorder;
}

static struct qv_recorder *open_at(struct check *check, const struct place *place)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_recorder *recorder = try_open(check, place->path, tracks, TRACKS, &err);
	if (!recorder)
		check_not_opened(check, &err);
	return recorder;
}

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_recorder_class *class = qv_recorder_class(check->class);
	struct qv_recorder *recorders[2] = { NULL, NULL };
	struct place places[2];
	int result = 0;
	for (unsigned i = 0; i < count; i++)
		make_place(check, &places[i]);
	for (unsigned i = 0; i < count && result == 0; i++) {
		recorders[i] = class->open(&check->host, options, places[i].path, tracks, TRACKS, START_NS, err);
		result = recorders[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++) {
		class->close(recorders[i], NULL);
		remove_place(&places[i]);
	}
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_recorder_class(class)->close(NULL, NULL);
}

static void write_one(struct check *check, struct qv_recorder *recorder, size_t track, int64_t after_ns, size_t size)
{
	struct qv_error err = QV_ERROR_INIT;
	uint8_t *data = malloc(size);
	REQUIRE(check, data, "no memory");
	memset(data, (int)track, size);
	struct qv_packet packet = { .data = data, .size = size, .capture_ns = START_NS + after_ns, .key = true };
	REQUIRE(check, qv_recorder_class(check->class)->write(recorder, track, &packet, &err) == 0,
		"a packet of %zu bytes: %s", size, err.message);
	free(data);
}

/* Packets of both sides; the other's come a tenth of a second later. */
static void write_seconds(struct check *check, struct qv_recorder *recorder, int seconds)
{
	for (int64_t after = 0; after < seconds * QV_NS_PER_SECOND; after += BLOCK_NS)
		for (size_t track = 0; track < TRACKS; track++) {
			int64_t late = track < 2 ? 0 : 5 * BLOCK_NS;
			if (after >= late)
				write_one(check, recorder, track, after - late, 600);
		}
}

static void close_whole(struct check *check, struct qv_recorder *recorder)
{
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(check, qv_recorder_class(check->class)->close(recorder, &err) == 0, "close: %s", err.message);
}

static long long size_of(const struct place *place)
{
	struct stat status;
	return stat(place->path, &status) == 0 ? (long long)status.st_size : -1;
}

static void keeps_what_it_gets(struct check *check)
{
	struct place place;
	make_place(check, &place);
	struct qv_recorder *recorder = open_at(check, &place);
	write_seconds(check, recorder, 10);
	long long before = size_of(&place);
	close_whole(check, recorder);
	long long whole = size_of(&place), given = 4LL * 10 * 50 * 600;
	remove_place(&place);
	REQUIRE(check, whole >= given * 9 / 10, "%lld bytes in the file of %lld given", whole, given);
	REQUIRE(check, before >= given / 2,
		"after ten seconds %lld bytes are in the file of %lld given: a killed program would have lost the rest",
		before, given);
}

static void is_private(struct check *check)
{
	struct place place;
	struct stat status;
	make_place(check, &place);
	struct qv_recorder *recorder = open_at(check, &place);
	bool is = stat(place.path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
	close_whole(check, recorder);
	remove_place(&place);
	REQUIRE(check, is, "others may read what was said");
}

static void takes_all_sizes(struct check *check)
{
	struct place place;
	make_place(check, &place);
	struct qv_recorder *recorder = open_at(check, &place);
	write_one(check, recorder, 0, 0, 1);
	write_one(check, recorder, 0, 40 * QV_NS_PER_MS, QV_PACKET_MAX);
	/* After an hour of nothing, and the other side far behind. */
	write_one(check, recorder, 1, 3600 * QV_NS_PER_SECOND, 640);
	write_one(check, recorder, 2, 3590 * QV_NS_PER_SECOND, 640);
	close_whole(check, recorder);
	long long size = size_of(&place);
	remove_place(&place);
	REQUIRE(check, size > (long long)QV_PACKET_MAX, "%lld bytes in the file", size);
}

static void keeps_nothing(struct check *check)
{
	struct place place;
	make_place(check, &place);
	close_whole(check, open_at(check, &place));
	long long size = size_of(&place);
	remove_place(&place);
	REQUIRE(check, size >= 0, "no file");
}

static void refused(struct check *check, const char *path, const struct qv_recorder_track *of, enum qv_code code,
		    const char *what)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_recorder *recorder = try_open(check, path, of, 1, &err);
	REQUIRE(check, !recorder, "%s was taken", what);
	check_error_filled(check, "open", &err);
	REQUIRE(check, err.code == code, "%s: %s (%s)", what, err.message, qv_code_name(err.code));
}

static void refuses_what_cannot_be(struct check *check)
{
	struct qv_recorder_track strange = tracks[0];
	struct place place;
	make_place(check, &place);
	struct qv_recorder *recorder = open_at(check, &place);
	refused(check, place.path, tracks, QV_E_BUSY, "a file that exists");
	close_whole(check, recorder);
	unlink(place.path);
	strange.codec = "no-such-codec";
	refused(check, place.path, &strange, QV_E_UNSUPPORTED, "an unknown codec");
	REQUIRE(check, size_of(&place) < 0, "what could not be opened left a file behind");
	remove_place(&place);
	refused(check, place.path, tracks, QV_E_IO, "a file in a folder that is not there");
}

static const struct check_case cases[] = {
	{ "what both sides sent is in the file, most of it before the end", keeps_what_it_gets },
	{ "the file is private", is_private },
	{ "packets of any size and time are taken", takes_all_sizes },
	{ "a recording of nothing is a file", keeps_nothing },
	{ "existing files, unknown codecs and absent folders are refused", refuses_what_cannot_be },
	{ NULL, NULL },
};

const struct check_suite check_recorder = { "recorder", open_close, close_null, cases, NULL };
