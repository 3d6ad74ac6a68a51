/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audio sink "file": records to WAV. The header is brought up to date after each block, so that the file is whole
 * whenever the process ends, by whatever means.
 */
#include <qvisio/audiosink.h>

#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SILENCE_FRAMES 1024

/* A jump further than this is no gap in the stream but another stream: it is put behind what is there. */
#define GAP_MAX_SECONDS 600

/* Sound that comes again or too late by less than this is left out; by more, it is another stream. */
#define LATE_MAX_SECONDS 1

/* RIFF sizes are 32 bits; this leaves room for the header. */
#define WAV_BYTES_MAX (UINT64_C(0xffffffff) - 65536)

struct qv_audiosink {
	struct qv_host host;
	struct qv_audio_format format;
	char *path;
	int fd;
	SNDFILE *file;
	bool fill_gaps, limited;
	uint64_t bytes;
	bool begun;
	uint64_t next;    /* position that belongs behind what is written */
	uint64_t silence; /* samples per channel filled in */
};

static const char *const containers[] = { "wav", "rf64", NULL };

static const struct qv_option options[] = {
	{ .name = "path",
	  .type = QV_OPTION_PATH,
	  .required = true,
	  .help = "The file to write; one there is replaced." },
	{ .name = "gaps",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "Put silence where sound was lost, so that the recording keeps time." },
	{ .name = "container",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "wav",
	  .choices = containers,
	  .help = "Plain WAV ends at 4 GiB; RF64 does not." },
	{ .name = NULL },
};

static void file_close(struct qv_audiosink *sink)
{
	if (!sink)
		return;
	if (sink->file) {
		sf_close(sink->file);
		if (sink->silence > 0)
			qv_log_info(sink->host.log, "%s holds %.3f s of silence where sound was lost", sink->path,
				    (double)sink->silence / sink->format.rate);
	}
	if (sink->fd >= 0)
		close(sink->fd);
	free(sink->path);
	free(sink);
}

static int create_file(struct qv_audiosink *sink, const struct qv_options *values, struct qv_error *err)
{
	/* O_NONBLOCK: a named pipe without a reader is an error, not a wait; it could not be wound back anyway. */
	sink->fd = open(sink->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
	if (sink->fd < 0)
		return qv_options_fail(values, "path", err, "%s: %s", sink->path, strerror(errno));
	struct stat st;
	if (fstat(sink->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return qv_options_fail(values, "path", err, "%s: not a regular file", sink->path);
	if (ftruncate(sink->fd, 0) != 0)
		return qv_options_fail(values, "path", err, "%s: %s", sink->path, strerror(errno));
	SF_INFO info = { .samplerate = sink->format.rate,
			 .channels = sink->format.channels,
			 .format = (sink->limited ? SF_FORMAT_WAV : SF_FORMAT_RF64) | SF_FORMAT_PCM_16 };
	sink->file = sf_open_fd(sink->fd, SFM_WRITE, &info, SF_FALSE);
	if (!sink->file)
		return qv_options_fail(values, "path", err, "%s: %s", sink->path, sf_strerror(NULL));
	sf_command(sink->file, SFC_SET_UPDATE_HEADER_AUTO, NULL, SF_TRUE);
	return 0;
}

static struct qv_audiosink *file_open(const struct qv_host *host, const struct qv_options *values,
				      const struct qv_audio_format *format, struct qv_error *err)
{
	if (qv_audio_format_check(format, err) != 0)
		return NULL;
	struct qv_audiosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio sink");
		return NULL;
	}
	sink->host = *host;
	sink->format = *format;
	sink->fd = -1;
	sink->fill_gaps = qv_options_bool(values, "gaps");
	sink->limited = strcmp(qv_options_string(values, "container"), "wav") == 0;
	sink->path = strdup(qv_options_string(values, "path"));
	if (!sink->path)
		qv_fail(err, QV_E_NOMEM, "no memory for a file name");
	if (!sink->path || create_file(sink, values, err) != 0) {
		file_close(sink);
		return NULL;
	}
	return sink;
}

static int put(struct qv_audiosink *sink, const int16_t *samples, size_t frames, struct qv_error *err)
{
	if (frames == 0)
		return 0;
	uint64_t bytes = frames * (size_t)sink->format.channels * sizeof samples[0];
	if (sink->limited && sink->bytes + bytes > WAV_BYTES_MAX)
		return qv_fail(err, QV_E_IO, "%s has reached the 4 GiB of a WAV file; record with container = \"rf64\"",
			       sink->path);
	if (sf_writef_short(sink->file, samples, (sf_count_t)frames) != (sf_count_t)frames)
		return qv_fail(err, QV_E_IO, "writing %s: %s", sink->path, sf_strerror(sink->file));
	sink->bytes += bytes;
	return 0;
}

static int put_silence(struct qv_audiosink *sink, uint64_t frames, struct qv_error *err)
{
	static const int16_t zeros[SILENCE_FRAMES * 8];
	sink->silence += frames;
	while (frames > 0) {
		size_t part = frames < SILENCE_FRAMES ? (size_t)frames : SILENCE_FRAMES;
		if (put(sink, zeros, part, err) != 0)
			return -1;
		frames -= part;
	}
	return 0;
}

/* Samples of the block to leave out because their place is taken, after silence was put before it if it is late. */
static int make_place(struct qv_audiosink *sink, const struct qv_audio_block *block, size_t *skip, struct qv_error *err)
{
	*skip = 0;
	uint64_t gap_max = (uint64_t)sink->format.rate * GAP_MAX_SECONDS;
	if (!sink->begun || !sink->fill_gaps)
		return 0;
	if (block->position > sink->next && block->position - sink->next <= gap_max)
		return put_silence(sink, block->position - sink->next, err);
	uint64_t late = sink->next - block->position;
	if (block->position < sink->next && late <= (uint64_t)sink->format.rate * LATE_MAX_SECONDS)
		*skip = late < block->frames ? (size_t)late : block->frames;
	else if (block->position != sink->next)
		qv_log_warning(sink->host.log, "sound jumps from sample %llu to %llu: recorded without a gap",
			       (unsigned long long)sink->next, (unsigned long long)block->position);
	return 0;
}

static int file_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	if (qv_audio_block_check(block, &sink->format, err) != 0)
		return -1;
	size_t skip;
	if (make_place(sink, block, &skip, err) != 0 ||
	    put(sink, block->samples + skip * (size_t)sink->format.channels, block->frames - skip, err) != 0)
		return -1;
	sink->begun = true;
	if (skip < block->frames)
		sink->next = block->position + block->frames;
	return 0;
}

static int64_t file_delay(struct qv_audiosink *sink)
{
	(void)sink;
	return 0;
}

static const struct qv_audiosink_class file = {
	.head = { .kind = "audiosink",
		  .name = "file",
		  .summary = "records sound to a WAV file",
		  .abi_major = QV_AUDIOSINK_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_audiosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = file_open,
	.close = file_close,
	.write = file_write,
	.delay = file_delay,
	.paced = false,
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
