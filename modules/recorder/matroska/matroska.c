/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <qvisio/recorder.h>

#include "head.h"
#include "shelf.h"

/* A cluster holds this much, and is written when so much more has come: the other side's blocks are then there too. */
#define CLUSTER_MS 1000
#define LATE_MS    1000
/* However little time has passed, more than this does not wait. */
#define WAITING_MAX ((size_t)32 * 1024 * 1024)
#define CUES_MAX    1000000
/* From 1970, of which clocks count, to 2001, of which Matroska's date does. */
#define EPOCH_2001_S INT64_C(978307200)

struct qv_recorder {
	const struct qv_host *host;
	int fd;
	char *path;
	uint64_t size; /* of what was written */
	struct head_places places;
	int64_t started_ns, newest_ms;
	struct shelf shelf;
	struct ebml cluster;
	struct qv_recorder_track tracks[QV_RECORDER_TRACKS_MAX]; /* strings are owned */
	size_t track_count, cue_track;
	struct cue *cues;
	size_t cue_count, cue_room;
	bool failed;
};

static const struct qv_option options_table[] = {
	{ .name = "overwrite",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Replaces a file that exists; false refuses to." },
	{ .name = "title", .type = QV_OPTION_STRING, .help = "Title of the recording, kept in the file." },
	{ .name = NULL },
};

static int write_at(const struct qv_recorder *recorder, const struct ebml *bytes, uint64_t at, struct qv_error *err)
{
	size_t done = 0;
	if (bytes->failed)
		return qv_fail(err, QV_E_NOMEM, "%s: no memory", recorder->path);
	while (done < bytes->size) {
		ssize_t put = pwrite(recorder->fd, bytes->data + done, bytes->size - done, (off_t)(at + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return qv_fail_errno(err, QV_E_IO, errno, "writing %s", recorder->path);
		done += (size_t)put;
	}
	return 0;
}

/* All of it, or the file ends where it did before. */
static int append(struct qv_recorder *recorder, const struct ebml *bytes, struct qv_error *err)
{
	if (write_at(recorder, bytes, recorder->size, err) != 0) {
		int cut = ftruncate(recorder->fd, (off_t)recorder->size);
		(void)cut;
		recorder->failed = true;
		return -1;
	}
	recorder->size += bytes->size;
	return 0;
}

static int open_file(const struct qv_options *options, const char *path, struct qv_error *err)
{
	bool overwrite = qv_options_bool(options, "overwrite");
	int how = overwrite ? O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY : O_EXCL;
	/* What was said in a call is nobody else's. */
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | how, S_IRUSR | S_IWUSR);
	struct stat status;
	if (fd < 0 && errno == EEXIST)
		return qv_fail(err, QV_E_BUSY, "%s exists, and is not overwritten: name another file", path);
	if (fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "cannot make %s", path);
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return qv_fail(err, QV_E_IO, "%s is not a regular file", path);
}

static size_t cue_track(const struct qv_recorder_track *tracks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (tracks[i].kind == QV_STREAM_VIDEO)
			return i;
	return 0;
}

static int keep_track(struct qv_recorder *recorder, const struct qv_recorder_track *track, struct qv_error *err)
{
	struct qv_recorder_track *kept = &recorder->tracks[recorder->track_count++];
	*kept = *track;
	kept->codec = strdup(track->codec);
	kept->name = track->name ? strdup(track->name) : NULL;
	return kept->codec && (kept->name || !track->name) ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for a recording");
}

/* Its number is not given to another one. */
static void forget_track(struct qv_recorder_track *track)
{
	free((char *)track->codec);
	free((char *)track->name);
	track->codec = track->name = NULL;
}

static void recorder_free(struct qv_recorder *recorder)
{
	for (size_t i = 0; i < recorder->track_count; i++)
		forget_track(&recorder->tracks[i]);
	if (recorder->fd >= 0)
		close(recorder->fd);
	shelf_clear(&recorder->shelf);
	ebml_free(&recorder->cluster);
	free(recorder->cues);
	free(recorder->path);
	free(recorder);
}

static int64_t date_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - EPOCH_2001_S) * QV_NS_PER_SECOND + now.tv_nsec;
}

static struct qv_recorder *matroska_open(const struct qv_host *host, const struct qv_options *options, const char *path,
					 const struct qv_recorder_track *tracks, size_t count, int64_t started_ns,
					 struct qv_error *err)
{
	struct qv_recorder *recorder = calloc(1, sizeof *recorder);
	struct ebml head = { 0 };
	if (!recorder || !(recorder->path = strdup(path))) {
		free(recorder);
		qv_fail(err, QV_E_NOMEM, "no memory to record to %s", path);
		return NULL;
	}
	recorder->host = host;
	recorder->fd = -1;
	recorder->started_ns = started_ns;
	recorder->cue_track = cue_track(tracks, count);
	bool right = count >= 1 && count <= QV_RECORDER_TRACKS_MAX;
	if (!right)
		qv_fail(err, QV_E_INVALID, "a recording of %zu streams", count);
	for (size_t i = 0; right && i < count; i++)
		right = keep_track(recorder, &tracks[i], err) == 0;
	if (right &&
	    head_put(&head, tracks, count, qv_options_string(options, "title"), date_ns(), &recorder->places, err) == 0)
		recorder->fd = open_file(options, path, err);
	if (recorder->fd >= 0 && append(recorder, &head, err) == 0) {
		ebml_free(&head);
		return recorder;
	}
	if (recorder->fd >= 0)
		unlink(path);
	ebml_free(&head);
	recorder_free(recorder);
	return NULL;
}

static void put_block(struct ebml *cluster, const struct block *block, int64_t begin_ms)
{
	uint16_t after = (uint16_t)(block->time_ms - begin_ms);
	const uint8_t head[4] = { (uint8_t)(0x80 | (block->track + 1)), (uint8_t)(after >> 8), (uint8_t)after,
				  (uint8_t)((block->key ? 0x80 : 0) | (block->discardable ? 0x01 : 0)) };
	ebml_id(cluster, ID_SIMPLE_BLOCK);
	ebml_size(cluster, sizeof head + block->size);
	ebml_raw(cluster, head, sizeof head);
	ebml_raw(cluster, block->data, block->size);
}

static void note_cue(struct qv_recorder *recorder, int64_t begin_ms)
{
	if (recorder->cue_count == recorder->cue_room) {
		size_t room = recorder->cue_room ? 2 * recorder->cue_room : 64;
		struct cue *cues = room <= CUES_MAX ? realloc(recorder->cues, room * sizeof *cues) : NULL;
		if (!cues)
			return; /* one jumps less far, then */
		recorder->cues = cues;
		recorder->cue_room = room;
	}
	recorder->cues[recorder->cue_count++] = (struct cue){ .time_ms = (uint64_t)begin_ms,
							      .cluster = recorder->size - recorder->places.segment,
							      .track = recorder->cue_track };
}

/* Writes the earliest second of what waits. */
static int write_cluster(struct qv_recorder *recorder, struct qv_error *err)
{
	int64_t begin_ms = recorder->shelf.first->time_ms, cue_ms = -1;
	struct ebml *cluster = &recorder->cluster;
	struct block *block;
	cluster->size = 0;
	size_t begun = ebml_begin(cluster, ID_CLUSTER);
	ebml_uint(cluster, ID_TIMESTAMP, (uint64_t)begin_ms);
	while ((block = shelf_take(&recorder->shelf, begin_ms + CLUSTER_MS))) {
		if (cue_ms < 0 && block->track == recorder->cue_track && block->key)
			cue_ms = block->time_ms;
		put_block(cluster, block, begin_ms);
		free(block);
	}
	ebml_end(cluster, begun);
	if (cue_ms >= 0)
		note_cue(recorder, cue_ms);
	return append(recorder, cluster, err);
}

static int matroska_write(struct qv_recorder *recorder, size_t track, const struct qv_packet *packet,
			  struct qv_error *err)
{
	int64_t after_ns = packet->capture_ns - recorder->started_ns;
	struct block block = { .time_ms = after_ns / QV_NS_PER_MS,
			       .track = track,
			       .key = packet->key,
			       .discardable = packet->told && packet->discardable,
			       .size = packet->size };
	if (recorder->failed)
		return qv_fail(err, QV_E_IO, "%s could not be written before", recorder->path);
	if (after_ns < 0)
		return qv_fail(err, QV_E_INVALID, "a packet from before the recording began");
	if (shelf_put(&recorder->shelf, &block, packet->data) != 0)
		return qv_fail(err, QV_E_NOMEM, "%s: no memory", recorder->path);
	if (block.time_ms > recorder->newest_ms)
		recorder->newest_ms = block.time_ms;
	while (recorder->shelf.first && (recorder->shelf.bytes > WAITING_MAX ||
					 recorder->shelf.first->time_ms + CLUSTER_MS + LATE_MS <= recorder->newest_ms))
		if (write_cluster(recorder, err) != 0)
			return -1;
	return 0;
}

static int patch(const struct qv_recorder *recorder, struct ebml *bytes, uint64_t at, struct qv_error *err)
{
	int status = write_at(recorder, bytes, at, err);
	ebml_free(bytes);
	return status;
}

/* Now that the end is known: where to jump to, how long it is, and where it ends. */
static int write_end(struct qv_recorder *recorder, struct qv_error *err)
{
	const struct head_places *places = &recorder->places;
	uint64_t cues_at = recorder->size - places->segment;
	struct ebml cues = { 0 }, seek = { 0 }, duration = { 0 }, size = { 0 };
	if (recorder->cue_count > 0) {
		head_put_cues(&cues, recorder->cues, recorder->cue_count);
		int status = append(recorder, &cues, err);
		ebml_free(&cues);
		if (status != 0)
			return -1;
		head_put_seek(&seek, places, cues_at);
	}
	head_put_duration(&duration, (uint64_t)recorder->newest_ms);
	ebml_size8(&size, recorder->size - places->segment);
	int status = patch(recorder, &seek, places->seek, err);
	if (patch(recorder, &duration, places->duration, status == 0 ? err : NULL) != 0)
		status = -1;
	if (patch(recorder, &size, places->segment_size, status == 0 ? err : NULL) != 0)
		status = -1;
	return status;
}

static int matroska_close(struct qv_recorder *recorder, struct qv_error *err)
{
	if (!recorder)
		return 0;
	int status = recorder->failed ? qv_fail(err, QV_E_IO, "%s could not be written to its end", recorder->path) : 0;
	while (status == 0 && recorder->shelf.first)
		status = write_cluster(recorder, err);
	if (status == 0)
		status = write_end(recorder, err);
	if (status == 0 && fdatasync(recorder->fd) != 0)
		status = qv_fail_errno(err, QV_E_IO, errno, "writing %s", recorder->path);
	recorder_free(recorder);
	return status;
}

/* The list of tracks has room to grow, so that what comes later is in a file that is whole at any time. */
static int matroska_add(struct qv_recorder *recorder, const struct qv_recorder_track *track, struct qv_error *err)
{
	struct ebml list = { 0 };
	if (recorder->track_count == QV_RECORDER_TRACKS_MAX)
		return qv_fail(err, QV_E_UNSUPPORTED, "%s has %d streams, which is all that it can", recorder->path,
			       QV_RECORDER_TRACKS_MAX);
	int status = keep_track(recorder, track, err);
	if (status == 0)
		status = head_put_tracks(&list, recorder->tracks, recorder->track_count, err);
	if (status == 0)
		status = write_at(recorder, &list, recorder->places.tracks, err);
	ebml_free(&list);
	if (status != 0)
		forget_track(&recorder->tracks[recorder->track_count - 1]);
	return status;
}

static const struct qv_recorder_class class = {
	.head = {
		.kind = "recorder",
		.name = "matroska",
		.summary = "a Matroska file with what both sides sent, as it was encoded",
		.abi_major = QV_RECORDER_ABI_MAJOR,
		.abi_minor = QV_RECORDER_ABI_MINOR,
		.size = sizeof(struct qv_recorder_class),
		.option_size = sizeof(struct qv_option),
		.options = options_table,
	},
	.open = matroska_open,
	.write = matroska_write,
	.close = matroska_close,
	.add = matroska_add,
};

static const struct qv_class *const classes[] = { &class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
