/* SPDX-License-Identifier: Apache-2.0 */
#include "head.h"

#include <string.h>

#define ID_EBML             0x1a45dfa3
#define ID_EBML_VERSION     0x4286
#define ID_EBML_READ        0x42f7
#define ID_EBML_ID_LENGTH   0x42f2
#define ID_EBML_SIZE_LENGTH 0x42f3
#define ID_DOCTYPE          0x4282
#define ID_DOCTYPE_VERSION  0x4287
#define ID_DOCTYPE_READ     0x4285
#define ID_SEGMENT          0x18538067
#define ID_SEEK_HEAD        0x114d9b74
#define ID_SEEK             0x4dbb
#define ID_SEEK_ID          0x53ab
#define ID_SEEK_POSITION    0x53ac
#define ID_INFO             0x1549a966
#define ID_TIMESTAMP_SCALE  0x2ad7b1
#define ID_DURATION         0x4489
#define ID_DATE             0x4461
#define ID_TITLE            0x7ba9
#define ID_MUXING_APP       0x4d80
#define ID_WRITING_APP      0x5741
#define ID_TRACKS           0x1654ae6b
#define ID_TRACK            0xae
#define ID_TRACK_NUMBER     0xd7
#define ID_TRACK_UID        0x73c5
#define ID_TRACK_TYPE       0x83
#define ID_FLAG_DEFAULT     0x88
#define ID_FLAG_LACING      0x9c
#define ID_FRAME_TIME       0x23e383
#define ID_NAME             0x536e
#define ID_LANGUAGE         0x22b59c
#define ID_CODEC            0x86
#define ID_CODEC_PRIVATE    0x63a2
#define ID_CODEC_DELAY      0x56aa
#define ID_SEEK_PRE_ROLL    0x56bb
#define ID_VIDEO            0xe0
#define ID_WIDTH            0xb0
#define ID_HEIGHT           0xba
#define ID_COLOUR           0x55b0
#define ID_COLOUR_MATRIX    0x55b1
#define ID_COLOUR_RANGE     0x55b9
#define ID_AUDIO            0xe1
#define ID_RATE             0xb5
#define ID_CHANNELS         0x9f
#define ID_BIT_DEPTH        0x6264
#define ID_CUES             0x1c53bb6b
#define ID_CUE              0xbb
#define ID_CUE_TIME         0xb3
#define ID_CUE_POSITIONS    0xb7
#define ID_CUE_TRACK        0xf7
#define ID_CUE_CLUSTER      0xf1

#define APPLICATION "Qvisio"
#define VOID_MAX    100 /* of ebml_void */
/* BT.601 (ITU-T H.273, MatrixCoefficients 6), as all pictures here. */
#define MATRIX_BT601 6

/* libopus's look-ahead at its usual setting, which the packets do not tell; RFC 7845, section 4.6, for the other. */
#define OPUS_RATE         48000
#define OPUS_SKIP         312
#define OPUS_PRE_ROLL_NS  (80 * QV_NS_PER_MS)
#define OPUS_CHANNELS_MAX 2

static const struct {
	const char *wire_name, *id;
	enum qv_stream_kind kind;
} codecs[] = {
	{ "mjpeg", "V_MJPEG", QV_STREAM_VIDEO },
	{ "vp8", "V_VP8", QV_STREAM_VIDEO },
	{ "vp9", "V_VP9", QV_STREAM_VIDEO },
	{ "opus", "A_OPUS", QV_STREAM_AUDIO },
	{ "pcm-s16le", "A_PCM/INT/LIT", QV_STREAM_AUDIO },
};

static const char *codec_id(const struct qv_recorder_track *track)
{
	for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
		if (track->kind == codecs[i].kind && strcmp(track->codec, codecs[i].wire_name) == 0)
			return codecs[i].id;
	return NULL;
}

static bool is_opus(const struct qv_recorder_track *track)
{
	return track->kind == QV_STREAM_AUDIO && strcmp(track->codec, "opus") == 0;
}

static int check_track(const struct qv_recorder_track *track, struct qv_error *err)
{
	if (!codec_id(track))
		return qv_fail(err, QV_E_UNSUPPORTED, "a Matroska file of this module cannot hold the codec \"%s\"",
			       track->codec);
	if (track->kind == QV_STREAM_VIDEO)
		return qv_video_format_check(&track->video, err);
	if (is_opus(track) && track->audio.channels > OPUS_CHANNELS_MAX)
		return qv_fail(err, QV_E_UNSUPPORTED, "Opus of %d channels cannot be recorded", track->audio.channels);
	return qv_audio_format_check(&track->audio, err);
}

static void put_header(struct ebml *ebml)
{
	size_t header = ebml_begin(ebml, ID_EBML);
	ebml_uint(ebml, ID_EBML_VERSION, 1);
	ebml_uint(ebml, ID_EBML_READ, 1);
	ebml_uint(ebml, ID_EBML_ID_LENGTH, 4);
	ebml_uint(ebml, ID_EBML_SIZE_LENGTH, 8);
	ebml_string(ebml, ID_DOCTYPE, "matroska");
	ebml_uint(ebml, ID_DOCTYPE_VERSION, 4);
	ebml_uint(ebml, ID_DOCTYPE_READ, 2);
	ebml_end(ebml, header);
}

static void put_info(struct ebml *ebml, const char *title, int64_t date_ns, struct head_places *places)
{
	places->info = ebml->size;
	size_t info = ebml_begin(ebml, ID_INFO);
	ebml_uint(ebml, ID_TIMESTAMP_SCALE, QV_NS_PER_MS);
	places->duration = ebml->size;
	ebml_void(ebml, HEAD_DURATION);
	ebml_int8(ebml, ID_DATE, date_ns);
	if (title)
		ebml_string(ebml, ID_TITLE, title);
	ebml_string(ebml, ID_MUXING_APP, APPLICATION);
	ebml_string(ebml, ID_WRITING_APP, APPLICATION);
	ebml_end(ebml, info);
}

static void put_video(struct ebml *ebml, const struct qv_video_format *format)
{
	size_t video = ebml_begin(ebml, ID_VIDEO);
	ebml_uint(ebml, ID_WIDTH, (uint64_t)format->width);
	ebml_uint(ebml, ID_HEIGHT, (uint64_t)format->height);
	size_t colour = ebml_begin(ebml, ID_COLOUR);
	ebml_uint(ebml, ID_COLOUR_MATRIX, MATRIX_BT601);
	ebml_uint(ebml, ID_COLOUR_RANGE, format->range == QV_RANGE_FULL ? 2 : 1);
	ebml_end(ebml, colour);
	ebml_end(ebml, video);
}

/* RFC 7845, section 5.1. */
static void put_opus(struct ebml *ebml, const struct qv_audio_format *format)
{
	uint32_t rate = (uint32_t)format->rate;
	const uint8_t head[19] = { 'O',
				   'p',
				   'u',
				   's',
				   'H',
				   'e',
				   'a',
				   'd',
				   1,
				   (uint8_t)format->channels,
				   OPUS_SKIP & 0xff,
				   OPUS_SKIP >> 8,
				   (uint8_t)rate,
				   (uint8_t)(rate >> 8),
				   (uint8_t)(rate >> 16),
				   (uint8_t)(rate >> 24) };
	ebml_binary(ebml, ID_CODEC_PRIVATE, head, sizeof head);
	ebml_uint(ebml, ID_CODEC_DELAY, (uint64_t)OPUS_SKIP * (uint64_t)QV_NS_PER_SECOND / OPUS_RATE);
	ebml_uint(ebml, ID_SEEK_PRE_ROLL, OPUS_PRE_ROLL_NS);
}

static void put_audio(struct ebml *ebml, const struct qv_recorder_track *track)
{
	size_t audio = ebml_begin(ebml, ID_AUDIO);
	ebml_float(ebml, ID_RATE, is_opus(track) ? OPUS_RATE : track->audio.rate);
	ebml_uint(ebml, ID_CHANNELS, (uint64_t)track->audio.channels);
	if (!is_opus(track))
		ebml_uint(ebml, ID_BIT_DEPTH, 16);
	ebml_end(ebml, audio);
}

/* Which of several pictures or sounds a player takes first is the last one's choice: what came from the other side. */
static void put_track(struct ebml *ebml, const struct qv_recorder_track *tracks, size_t index, size_t count)
{
	const struct qv_recorder_track *track = &tracks[index];
	bool last = true;
	for (size_t i = index + 1; i < count; i++)
		last = last && (tracks[i].kind != track->kind || !tracks[i].codec);
	size_t entry = ebml_begin(ebml, ID_TRACK);
	ebml_uint(ebml, ID_TRACK_NUMBER, index + 1);
	ebml_uint(ebml, ID_TRACK_UID, index + 1);
	ebml_uint(ebml, ID_TRACK_TYPE, track->kind == QV_STREAM_VIDEO ? 1 : 2);
	ebml_uint(ebml, ID_FLAG_DEFAULT, last);
	ebml_uint(ebml, ID_FLAG_LACING, 0);
	if (track->name)
		ebml_string(ebml, ID_NAME, track->name);
	ebml_string(ebml, ID_LANGUAGE, "und");
	ebml_string(ebml, ID_CODEC, codec_id(track));
	if (is_opus(track))
		put_opus(ebml, &track->audio);
	if (track->kind == QV_STREAM_VIDEO && track->video.fps_num > 0)
		ebml_uint(ebml, ID_FRAME_TIME,
			  (uint64_t)QV_NS_PER_SECOND * (uint64_t)track->video.fps_den / (uint64_t)track->video.fps_num);
	if (track->kind == QV_STREAM_VIDEO)
		put_video(ebml, &track->video);
	else
		put_audio(ebml, track);
	ebml_end(ebml, entry);
}

/* In pieces, of which none may be a single byte. */
static void put_void(struct ebml *ebml, size_t total)
{
	while (total > VOID_MAX) {
		size_t piece = total - VOID_MAX == 1 ? VOID_MAX - 1 : VOID_MAX;
		ebml_void(ebml, piece);
		total -= piece;
	}
	ebml_void(ebml, total);
}

int head_put_tracks(struct ebml *ebml, const struct qv_recorder_track *tracks, size_t count, struct qv_error *err)
{
	size_t begun = ebml->size;
	for (size_t i = 0; i < count; i++)
		if (tracks[i].codec && check_track(&tracks[i], err) != 0)
			return -1;
	size_t list = ebml_begin(ebml, ID_TRACKS);
	for (size_t i = 0; i < count; i++)
		if (tracks[i].codec)
			put_track(ebml, tracks, i, count);
	ebml_end(ebml, list);
	size_t used = ebml->size - begun;
	if (used > HEAD_TRACKS - 2)
		return qv_fail(err, QV_E_UNSUPPORTED, "the names of %zu streams have no room in the file", count);
	put_void(ebml, HEAD_TRACKS - used);
	return ebml->failed ? qv_fail(err, QV_E_NOMEM, "no memory for a recording") : 0;
}

int head_put(struct ebml *ebml, const struct qv_recorder_track *tracks, size_t count, const char *title,
	     int64_t date_ns, struct head_places *places, struct qv_error *err)
{
	put_header(ebml);
	/* Open-ended until the file is finished: whatever is there by then counts. */
	places->segment = ebml_begin(ebml, ID_SEGMENT);
	places->segment_size = places->segment - 8;
	places->seek = ebml->size;
	ebml_void(ebml, HEAD_SEEK);
	put_info(ebml, title, date_ns, places);
	places->tracks = ebml->size;
	if (head_put_tracks(ebml, tracks, count, err) != 0)
		return -1;
	return ebml->failed ? qv_fail(err, QV_E_NOMEM, "no memory for a recording") : 0;
}

void head_put_cues(struct ebml *ebml, const struct cue *cues, size_t count)
{
	size_t list = ebml_begin(ebml, ID_CUES);
	for (size_t i = 0; i < count; i++) {
		size_t cue = ebml_begin(ebml, ID_CUE);
		ebml_uint(ebml, ID_CUE_TIME, cues[i].time_ms);
		size_t position = ebml_begin(ebml, ID_CUE_POSITIONS);
		ebml_uint(ebml, ID_CUE_TRACK, cues[i].track + 1);
		ebml_uint(ebml, ID_CUE_CLUSTER, cues[i].cluster);
		ebml_end(ebml, position);
		ebml_end(ebml, cue);
	}
	ebml_end(ebml, list);
}

static void put_seek(struct ebml *ebml, uint32_t id, uint64_t position)
{
	size_t seek = ebml_begin(ebml, ID_SEEK);
	const uint8_t bytes[4] = { (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };
	ebml_binary(ebml, ID_SEEK_ID, bytes, sizeof bytes);
	ebml_uint(ebml, ID_SEEK_POSITION, position);
	ebml_end(ebml, seek);
}

void head_put_seek(struct ebml *ebml, const struct head_places *places, uint64_t cues_at)
{
	size_t begun = ebml->size;
	size_t head = ebml_begin(ebml, ID_SEEK_HEAD);
	put_seek(ebml, ID_INFO, places->info - places->segment);
	put_seek(ebml, ID_TRACKS, places->tracks - places->segment);
	put_seek(ebml, ID_CUES, cues_at);
	ebml_end(ebml, head);
	ebml_void(ebml, HEAD_SEEK - (ebml->size - begun));
}

void head_put_duration(struct ebml *ebml, uint64_t ms)
{
	ebml_float(ebml, ID_DURATION, (double)ms);
}
