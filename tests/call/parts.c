/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <qvisio/audiocodec.h>
#include <qvisio/audiosink.h>
#include <qvisio/audiosource.h>
#include <qvisio/videocodec.h>
#include <qvisio/videosource.h>

struct parts parts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void parts_lock(void)
{
	pthread_mutex_lock(&lock);
}

void parts_unlock(void)
{
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void parts_reset(void)
{
	parts_lock();
	memset(&parts, 0, sizeof parts);
	parts.video_frames = parts.audio_blocks = 20;
	parts.video_interval_ms = 5;
	parts.audio_interval_ms = 5;
	parts.video_packet = 40000;
	parts.same_sink_thread = true;
	parts_unlock();
}

bool parts_wait(const int *counter, int value)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 10;
	int late = 0;
	pthread_mutex_lock(&lock);
	while (*counter < value && late == 0)
		late = pthread_cond_timedwait(&changed, &lock, &deadline);
	bool reached = *counter >= value;
	pthread_mutex_unlock(&lock);
	return reached;
}

void parts_release(void)
{
	parts_lock();
	parts.show_blocks = false;
	parts_unlock();
}

/* TLS */

struct qv_tls_session {
	int fd;
	bool cut;
};

struct qv_tls_session *plain_session(int fd)
{
	struct qv_tls_session *session = calloc(1, sizeof *session);
	session->fd = fd;
	return session;
}

void plain_cut(struct qv_tls_session *session)
{
	session->cut = true;
}

static int plain_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err)
{
	ssize_t count = recv(session->fd, bytes, size, MSG_DONTWAIT);
	if (count > 0) {
		*got = (size_t)count;
		return QV_TLS_IO_DONE;
	}
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return QV_TLS_IO_WANT_READ;
	if (count == 0 && !session->cut)
		return qv_fail(err, QV_E_END, "close_notify");
	return qv_fail(err, QV_E_TRUNCATED, "the connection was cut off");
}

static int plain_write(struct qv_tls_session *session, const void *bytes, size_t size, size_t *put,
		       struct qv_error *err)
{
	ssize_t count = send(session->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (count >= 0) {
		*put = (size_t)count;
		return QV_TLS_IO_DONE;
	}
	if (errno == EAGAIN || errno == EINTR)
		return QV_TLS_IO_WANT_WRITE;
	return qv_fail_errno(err, QV_E_IO, errno, "send");
}

static bool plain_pending(const struct qv_tls_session *session)
{
	(void)session;
	return false;
}

static int plain_shutdown(struct qv_tls_session *session, struct qv_error *err)
{
	(void)err;
	shutdown(session->fd, SHUT_WR);
	return QV_TLS_IO_DONE;
}

const struct qv_tls_class plain_tls = {
	.head = { .kind = "tls", .name = "plain" },
	.read = plain_read,
	.write = plain_write,
	.pending = plain_pending,
	.shutdown = plain_shutdown,
};

/* Sources */

static int pause_until(const struct qv_host *host, int64_t due, int timeout_ms, struct qv_error *err)
{
	int64_t limit = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	if (qv_clock_sleep_until(due < limit ? due : limit, host->cancel_fd, err) != 0)
		return -1;
	return due <= limit ? 1 : 0;
}

struct qv_videosource {
	const struct qv_host *host;
	int64_t due;
	int number;
	uint8_t luma[16 * 16], chroma[8 * 8];
};

static struct qv_videosource *videosource_open(const struct qv_host *host, const struct qv_options *options,
					       const struct qv_video_want *want, struct qv_error *err)
{
	(void)options;
	(void)want;
	(void)err;
	struct qv_videosource *source = calloc(1, sizeof *source);
	source->host = host;
	source->due = qv_clock_now(&qv_clock_monotonic);
	parts_lock();
	parts.source_opens++;
	parts_unlock();
	return source;
}

static void videosource_close(struct qv_videosource *source)
{
	if (!source)
		return;
	parts_lock();
	parts.source_closes++;
	parts_unlock();
	free(source);
}

static const struct qv_video_format small = { QV_PIXEL_I420, QV_RANGE_FULL, 16, 16, 30, 1 };

static void videosource_format(const struct qv_videosource *source, struct qv_video_format *format)
{
	(void)source;
	*format = small;
}

static int videosource_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	parts_lock();
	int last = parts.video_frames, gone = parts.video_gone_after, interval = parts.video_interval_ms;
	parts_unlock();
	if (gone && source->number >= gone)
		return qv_fail(err, QV_E_GONE, "the camera was unplugged");
	if (last != NO_LIMIT && source->number >= last)
		return qv_fail(err, QV_E_END, "end");
	int ready = pause_until(source->host, source->due, timeout_ms, err);
	if (ready <= 0)
		return ready;
	source->due += interval * QV_NS_PER_MS;
	*frame = (struct qv_frame){ .format = small,
				    .plane = { source->luma, source->chroma, source->chroma },
				    .stride = { 16, 8, 8 },
				    .size = { sizeof source->luma, sizeof source->chroma, sizeof source->chroma },
				    .capture_ns = qv_clock_now(&qv_clock_monotonic),
				    .sequence = (uint64_t)source->number };
	memcpy(source->luma, &source->number, sizeof source->number);
	source->number++;
	parts_lock();
	parts.produced_frames++;
	parts_unlock();
	return 1;
}

static const struct qv_videosource_class videosource = {
	.head = { .kind = "videosource", .name = "counting" },
	.open = videosource_open,
	.close = videosource_close,
	.format = videosource_format,
	.read = videosource_read,
};

struct qv_audiosource {
	const struct qv_host *host;
	int64_t due;
	int number;
	uint64_t position;
	int16_t samples[AUDIO_BLOCK];
};

static struct qv_audiosource *audiosource_open(const struct qv_host *host, const struct qv_options *options,
					       const struct qv_audio_format *format, size_t block_frames,
					       struct qv_error *err)
{
	(void)options;
	(void)format;
	(void)block_frames;
	(void)err;
	struct qv_audiosource *source = calloc(1, sizeof *source);
	source->host = host;
	source->due = qv_clock_now(&qv_clock_monotonic);
	parts_lock();
	parts.source_opens++;
	parts_unlock();
	return source;
}

static void audiosource_close(struct qv_audiosource *source)
{
	if (!source)
		return;
	parts_lock();
	parts.source_closes++;
	parts_unlock();
	free(source);
}

/* Waits, at most `timeout_ms`, until block `number` may be made. */
static bool in_step(int number, int timeout_ms)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec += timeout_ms * 1000000L;
	deadline.tv_sec += deadline.tv_nsec / 1000000000L;
	deadline.tv_nsec %= 1000000000L;
	int late = 0;
	pthread_mutex_lock(&lock);
	while (parts.audio_lockstep && parts.played / AUDIO_BLOCK + 10 < (uint64_t)number && late == 0)
		late = pthread_cond_timedwait(&changed, &lock, &deadline);
	pthread_mutex_unlock(&lock);
	return late == 0;
}

static int audiosource_read(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms,
			    struct qv_error *err)
{
	parts_lock();
	int last = parts.audio_blocks, gone = parts.audio_gone_after, interval = parts.audio_interval_ms;
	int gap = parts.audio_gap_at;
	parts_unlock();
	if (gone && source->number >= gone)
		return qv_fail(err, QV_E_GONE, "the microphone was unplugged");
	if (last != NO_LIMIT && source->number >= last)
		return qv_fail(err, QV_E_END, "end");
	if (!in_step(source->number, timeout_ms))
		return 0;
	int ready = pause_until(source->host, source->due, timeout_ms, err);
	if (ready <= 0)
		return ready;
	source->due += interval * QV_NS_PER_MS;
	if (gap && source->number == gap)
		source->position += AUDIO_BLOCK;
	/* Every sample tells its position. */
	for (int i = 0; i < AUDIO_BLOCK; i++)
		source->samples[i] = (int16_t)((source->position + (uint64_t)i) % 32000 + 1);
	*block = (struct qv_audio_block){ .format = { AUDIO_RATE, 1 },
					  .samples = source->samples,
					  .frames = AUDIO_BLOCK,
					  .capture_ns = qv_clock_now(&qv_clock_monotonic),
					  .position = source->position };
	source->number++;
	source->position += AUDIO_BLOCK;
	parts_lock();
	parts.produced_blocks++;
	parts_unlock();
	return 1;
}

static const struct qv_audiosource_class audiosource = {
	.head = { .kind = "audiosource", .name = "counting" },
	.open = audiosource_open,
	.close = audiosource_close,
	.read = audiosource_read,
};

/* Codecs */

struct qv_videoencoder {
	uint8_t *bytes;
	uint64_t count;
};

static struct qv_videoencoder *encoder_open(const struct qv_host *host, const struct qv_options *options,
					    const struct qv_video_format *format, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)format;
	(void)err;
	struct qv_videoencoder *encoder = calloc(1, sizeof *encoder);
	encoder->bytes = calloc(1, parts.video_packet);
	return encoder;
}

static void encoder_close(struct qv_videoencoder *encoder)
{
	if (encoder)
		free(encoder->bytes);
	free(encoder);
}

static int encode(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
		  struct qv_error *err)
{
	(void)err;
	parts_lock();
	*packet = (struct qv_packet){ .data = encoder->bytes,
				      .size = parts.video_packet,
				      .capture_ns = frame->capture_ns,
				      .sequence = encoder->count,
				      .key = !parts.video_inter_coded || encoder->count % 10 == 0 };
	parts.encoded_frames++;
	parts_unlock();
	encoder->count++;
	memcpy(encoder->bytes, frame->plane[0], 16);
	return 1;
}

struct qv_videodecoder {
	uint8_t luma[16 * 16], chroma[8 * 8];
	int count;
};

static struct qv_videodecoder *decoder_open(const struct qv_host *host, const struct qv_options *options,
					    const struct qv_video_format *format, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)format;
	(void)err;
	return calloc(1, sizeof(struct qv_videodecoder));
}

static void decoder_close(struct qv_videodecoder *decoder)
{
	free(decoder);
}

static int decode(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
		  struct qv_error *err)
{
	parts_lock();
	int every = parts.damaged_every;
	parts_unlock();
	if (packet->size < 16 || (every && ++decoder->count % every == 0))
		return qv_fail(err, QV_E_PROTOCOL, "damaged");
	memcpy(decoder->luma, packet->data, 16);
	*frame = (struct qv_frame){ .format = small,
				    .plane = { decoder->luma, decoder->chroma, decoder->chroma },
				    .stride = { 16, 8, 8 },
				    .size = { sizeof decoder->luma, sizeof decoder->chroma, sizeof decoder->chroma } };
	return 1;
}

static const struct qv_videocodec_class videocodec = {
	.head = { .kind = "videocodec", .name = "stamp" },
	.wire_name = "stamp",
	.pixels = QV_PIXEL_BIT(QV_PIXEL_I420),
	.encoder_open = encoder_open,
	.encoder_close = encoder_close,
	.encode = encode,
	.decoder_open = decoder_open,
	.decoder_close = decoder_close,
	.decode = decode,
};

static int audio_plan(const struct qv_options *options, struct qv_audio_format *format, size_t *block_frames,
		      struct qv_error *err)
{
	(void)options;
	(void)err;
	*format = (struct qv_audio_format){ AUDIO_RATE, 1 };
	*block_frames = AUDIO_BLOCK;
	return 0;
}

struct qv_audioencoder {
	int unused;
};

static struct qv_audioencoder *audioencoder_open(const struct qv_host *host, const struct qv_options *options,
						 const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)format;
	(void)err;
	return calloc(1, sizeof(struct qv_audioencoder));
}

static void audioencoder_close(struct qv_audioencoder *encoder)
{
	free(encoder);
}

static int audio_encode(struct qv_audioencoder *encoder, const struct qv_audio_block *block, struct qv_packet *packet,
			struct qv_error *err)
{
	(void)encoder;
	(void)err;
	*packet = (struct qv_packet){ .data = (const uint8_t *)block->samples,
				      .size = block->frames * sizeof(int16_t),
				      .capture_ns = block->capture_ns,
				      .key = true };
	return 1;
}

struct qv_audiodecoder {
	int16_t samples[AUDIO_BLOCK];
};

static struct qv_audiodecoder *audiodecoder_open(const struct qv_host *host, const struct qv_options *options,
						 const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)format;
	(void)err;
	return calloc(1, sizeof(struct qv_audiodecoder));
}

static void audiodecoder_close(struct qv_audiodecoder *decoder)
{
	free(decoder);
}

static int audio_decode(struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_audio_block *block,
			struct qv_error *err)
{
	if (packet->size != sizeof decoder->samples)
		return qv_fail(err, QV_E_PROTOCOL, "damaged");
	memcpy(decoder->samples, packet->data, packet->size);
	*block = (struct qv_audio_block){ .format = { AUDIO_RATE, 1 },
					  .samples = decoder->samples,
					  .frames = AUDIO_BLOCK };
	return 1;
}

static const struct qv_audiocodec_class audiocodec = {
	.head = { .kind = "audiocodec", .name = "raw" },
	.wire_name = "raw16",
	.plan = audio_plan,
	.encoder_open = audioencoder_open,
	.encoder_close = audioencoder_close,
	.encode = audio_encode,
	.decoder_open = audiodecoder_open,
	.decoder_close = audiodecoder_close,
	.decode = audio_decode,
};

/* Sinks */

struct qv_videosink {
	pthread_t thread;
};

static struct qv_videosink *videosink_open(const struct qv_host *host, const struct qv_options *options,
					   const char *title, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)title;
	parts_lock();
	bool fails = parts.sink_fails_open;
	parts.sink_opens += !fails;
	parts_unlock();
	if (fails) {
		qv_fail(err, QV_E_IO, "no display");
		return NULL;
	}
	struct qv_videosink *sink = calloc(1, sizeof *sink);
	sink->thread = pthread_self();
	return sink;
}

static void videosink_close(struct qv_videosink *sink)
{
	parts_lock();
	parts.sink_closes++;
	parts.same_sink_thread &= pthread_equal(sink->thread, pthread_self()) != 0;
	parts_unlock();
	free(sink);
}

static int videosink_show(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	int number, outcome = 0;
	memcpy(&number, frame->plane[0], sizeof number);
	parts_lock();
	parts.same_sink_thread &= pthread_equal(sink->thread, pthread_self()) != 0;
	if (parts.shown < 4096) {
		parts.shown_number[parts.shown] = (uint64_t)number;
		parts.shown_capture_ns[parts.shown] = frame->capture_ns;
	}
	parts.shown++;
	pthread_cond_broadcast(&changed);
	while (parts.show_blocks)
		pthread_cond_wait(&changed, &lock);
	if (parts.sink_closed_after && parts.shown >= parts.sink_closed_after)
		outcome = qv_fail(err, QV_E_END, "the window was closed");
	else if (parts.sink_fails_after && parts.shown >= parts.sink_fails_after)
		outcome = qv_fail(err, QV_E_IO, "the display failed");
	parts_unlock();
	return outcome;
}

static const struct qv_videosink_class videosink = {
	.head = { .kind = "videosink", .name = "counting" },
	.open = videosink_open,
	.close = videosink_close,
	.show = videosink_show,
};

struct qv_audiosink {
	const struct qv_host *host;
	int64_t heard_until; /* paced: when what was written has been played */
	int written;
};

static struct qv_audiosink *audiosink_open(const struct qv_host *host, const struct qv_options *options,
					   const struct qv_audio_format *format, struct qv_error *err)
{
	(void)options;
	(void)format;
	(void)err;
	struct qv_audiosink *sink = calloc(1, sizeof *sink);
	sink->host = host;
	parts_lock();
	parts.sink_opens++;
	parts_unlock();
	return sink;
}

static void audiosink_close(struct qv_audiosink *sink)
{
	parts_lock();
	parts.sink_closes++;
	parts_unlock();
	free(sink);
}

static int audiosink_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	parts_lock();
	for (size_t i = 0; i < block->frames; i++)
		if (parts.played + i < sizeof parts.samples / sizeof parts.samples[0])
			parts.samples[parts.played + i] = block->samples[i];
	parts.played += block->frames;
	sink->written++;
	bool fails = parts.audio_sink_fails_after && sink->written >= parts.audio_sink_fails_after;
	parts_unlock();
	return fails ? qv_fail(err, QV_E_GONE, "the loudspeaker was unplugged") : 0;
}

static int64_t audiosink_delay(struct qv_audiosink *sink)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	return sink->heard_until > now ? sink->heard_until - now : 0;
}

#define DEVICE_NS (40 * QV_NS_PER_MS) /* what the device holds */

static int paced_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (sink->heard_until < now)
		sink->heard_until = now;
	sink->heard_until += (int64_t)block->frames * QV_NS_PER_SECOND / AUDIO_RATE;
	if (qv_clock_sleep_until(sink->heard_until - DEVICE_NS, sink->host->cancel_fd, err) != 0)
		return -1;
	return audiosink_write(sink, block, err);
}

static const struct qv_audiosink_class audiosink = {
	.head = { .kind = "audiosink", .name = "counting" },
	.open = audiosink_open,
	.close = audiosink_close,
	.write = audiosink_write,
	.delay = audiosink_delay,
};

static const struct qv_audiosink_class paced_audiosink = {
	.head = { .kind = "audiosink", .name = "paced" },
	.open = audiosink_open,
	.close = audiosink_close,
	.write = paced_write,
	.delay = audiosink_delay,
	.paced = true,
};

const struct qv_role video_source_role = { .class = &videosource.head };
const struct qv_role video_codec_role = { .class = &videocodec.head };
const struct qv_role video_sink_role = { .class = &videosink.head };
const struct qv_role audio_source_role = { .class = &audiosource.head };
const struct qv_role audio_codec_role = { .class = &audiocodec.head };
const struct qv_role audio_sink_role = { .class = &audiosink.head };
const struct qv_role audio_paced_sink_role = { .class = &paced_audiosink.head };

/* Ends */

void end_init(struct end *end, int fd)
{
	*end = (struct end){ .link = { &plain_tls, plain_session(fd), fd } };
	end->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	end->host = (struct qv_host){ sizeof end->host, NULL, &qv_clock_monotonic, end->cancel_fd };
	end->send.program = "sender 1";
	end->send.video_source = &video_source_role;
	end->send.video_codec = &video_codec_role;
	end->send.audio_source = &audio_source_role;
	end->send.audio_codec = &audio_codec_role;
	end->receive.program = "receiver 1";
	end->receive.video_sinks = &video_sink_role;
	end->receive.video_sink_count = 1;
	end->receive.audio_sinks = &audio_sink_role;
	end->receive.audio_sink_count = 1;
	end->receive.video_codecs = &video_codec_role;
	end->receive.video_codec_count = 1;
	end->receive.audio_codecs = &audio_codec_role;
	end->receive.audio_codec_count = 1;
}

static void *run_sender(void *argument)
{
	struct end *end = argument;
	end->outcome = qv_call_send(&end->link, &end->send, &end->host, end->observer, &end->result, &end->err);
	return NULL;
}

static void *run_receiver(void *argument)
{
	struct end *end = argument;
	end->outcome = qv_call_receive(&end->link, &end->receive, &end->host, end->observer, &end->result, &end->err);
	return NULL;
}

void end_start_sender(struct end *end)
{
	pthread_create(&end->thread, NULL, run_sender, end);
}

void end_start_receiver(struct end *end)
{
	pthread_create(&end->thread, NULL, run_receiver, end);
}

void end_cancel(struct end *end)
{
	eventfd_write(end->cancel_fd, 1);
}

void end_join(struct end *end)
{
	pthread_join(end->thread, NULL);
}

void end_clear(struct end *end)
{
	free(end->link.session);
	if (end->link.fd >= 0)
		close(end->link.fd);
	close(end->cancel_fd);
}
