/* SPDX-License-Identifier: Apache-2.0 */
/* Audio source "file": a WAV file (or any other that libsndfile reads) as if it were heard now. */
#include <qvisio/audiosource.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../pace.h"
#include "wav_reader.h"

struct qv_audiosource {
	struct qv_host host;
	struct pace pace;
	struct qv_audio_format format;
	size_t block_frames;
	bool loop;
	char *path;
	int fd;
	struct wav_reader *reader;
	size_t ready; /* samples per channel read and not yet due */
	bool ended;
	uint64_t position;
	int16_t *samples;
};

static const char *const paces[] = { "clock", "none", NULL };

static const struct qv_option options[] = {
	{ .name = "path", .type = QV_OPTION_PATH, .required = true, .help = "The WAV file." },
	{ .name = "loop",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Start again at the end, without a gap, for ever." },
	{ .name = "pace",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "clock",
	  .choices = paces,
	  .help = "clock delivers sound as it would be heard, none as fast as it is read." },
	{ .name = NULL },
};

static void file_close(struct qv_audiosource *source)
{
	if (!source)
		return;
	wav_reader_close(source->reader);
	if (source->fd >= 0)
		close(source->fd);
	free(source->path);
	free(source->samples);
	free(source);
}

static int open_file(struct qv_audiosource *source, const struct qv_options *values, struct qv_error *err)
{
	/* O_NONBLOCK: a named pipe must not hold up the start until somebody writes to it. */
	source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (source->fd < 0)
		return qv_options_fail(values, "path", err, "%s: %s", source->path, strerror(errno));
	struct stat st;
	if (fstat(source->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return qv_options_fail(values, "path", err, "%s: not a regular file", source->path);
	source->reader = wav_reader_open(source->fd, source->path, &source->format, err);
	if (!source->reader)
		return qv_error_prefix(err, "%s", qv_options_where(values, "path"));
	return 0;
}

/* A block at the file's rate lasts as long as one at the rate that was asked for. */
static int make_block(struct qv_audiosource *source, size_t block_frames, int rate, struct qv_error *err)
{
	size_t frames = block_frames * (size_t)source->format.rate / (size_t)rate;
	source->block_frames = frames > 0 ? frames : 1;
	source->samples = calloc(source->block_frames * (size_t)source->format.channels, sizeof source->samples[0]);
	return source->samples ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for an audio block");
}

static void file_format(const struct qv_audiosource *source, struct qv_audio_format *format)
{
	*format = source->format;
}

static struct qv_audiosource *file_open(const struct qv_host *host, const struct qv_options *values,
					const struct qv_audio_format *format, size_t block_frames, struct qv_error *err)
{
	if (qv_audio_blocks_check(format, block_frames, err) != 0)
		return NULL;
	struct qv_audiosource *source = calloc(1, sizeof *source);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio source");
		return NULL;
	}
	source->host = *host;
	source->format = *format;
	source->loop = qv_options_bool(values, "loop");
	source->fd = -1;
	source->path = strdup(qv_options_string(values, "path"));
	if (!source->path)
		qv_fail(err, QV_E_NOMEM, "no memory for a file name");
	if (!source->path || open_file(source, values, err) != 0 ||
	    make_block(source, block_frames, format->rate, err) != 0) {
		file_close(source);
		return NULL;
	}
	source->pace = pace_make(host, source->format.rate, strcmp(qv_options_string(values, "pace"), "none") == 0);
	return source;
}

/* Reads the next block ahead of its time; over the end into the start when looping. */
static int fill(struct qv_audiosource *source, struct qv_error *err)
{
	bool rewound = false;
	while (source->ready < source->block_frames && !source->ended) {
		int64_t got = wav_reader_read(source->reader,
					      source->samples + source->ready * (size_t)source->format.channels,
					      source->block_frames - source->ready, err);
		if (got < 0)
			return qv_error_prefix(err, "%s", source->path);
		source->ready += (size_t)got;
		if (source->ready == source->block_frames)
			break;
		/* A file without a single sample must not be wound back for ever. */
		if (!source->loop || (rewound && got == 0)) {
			source->ended = true;
			break;
		}
		if (wav_reader_rewind(source->reader, err) != 0)
			return qv_error_prefix(err, "%s", source->path);
		rewound = true;
	}
	return 0;
}

static int file_read(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms, struct qv_error *err)
{
	if (fill(source, err) != 0)
		return -1;
	if (source->ready == 0)
		return qv_fail(err, QV_E_END, "%s has ended", source->path);
	pace_start(&source->pace);
	/* A file waits for a reader that was stopped: nothing is lost, and no burst follows. */
	int64_t late = pace_late(&source->pace, source->position + source->ready);
	if (late > PACE_LATE_MAX_NS)
		source->pace.start_ns += late;
	int heard = pace_wait(&source->pace, source->position + source->ready, timeout_ms, err);
	if (heard <= 0)
		return heard;
	*block = (struct qv_audio_block){ .format = source->format,
					  .samples = source->samples,
					  .frames = source->ready,
					  .capture_ns = pace_time(&source->pace, source->position),
					  .position = source->position };
	source->position += source->ready;
	source->ready = 0;
	return 1;
}

static const struct qv_audiosource_class file = {
	.head = { .kind = "audiosource",
		  .name = "file",
		  .summary = "plays a WAV file into a call",
		  .abi_major = QV_AUDIOSOURCE_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSOURCE_ABI_MINOR,
		  .size = sizeof(struct qv_audiosource_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = file_open,
	.close = file_close,
	.read = file_read,
	.format = file_format,
};

static const struct qv_class *const classes[] = { &file.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0 AND LGPL-2.1-or-later",
	.classes = classes,
};
