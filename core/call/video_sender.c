/* SPDX-License-Identifier: Apache-2.0 */
#include "video_sender.h"

#include <stdio.h>
#include <stdlib.h>

#include <qvisio/videocodec.h>
#include <qvisio/videosource.h>

#include "board.h"
#include "control.h"
#include "fitting.h"
#include "mirror.h"
#include "shares.h"

#define READ_MS    200
#define RATE_STEPS 20 /* smaller changes of the bitrate, in parts of it, are not worth telling */
/* Between two looks for a camera that is gone, and between two black pictures. */
#define REOPEN_MS 500
#define BLACK_MS  500

struct video_sender {
	struct media *media;
	struct outbox *outbox;
	struct module_host source_host, codec_host;
	const struct qv_videosource_class *source_class;
	const struct qv_videocodec_class *codec_class;
	const struct qv_role *source_role, *codec_role;
	struct qv_videosource *source; /* NULL: gone, or of another role soon */
	struct qv_video_format format;
	struct qv_videoencoder *encoder;
	struct mirror mirror;
	struct fitting fitting;
	struct qv_picture *black;              /* sent in place of what a muted camera gives */
	struct qv_videoencoder *black_encoder; /* where the camera's own takes no such pictures */
	int64_t black_ns;
	uint64_t base;       /* of the encoder's numbers of pictures in those of the stream */
	int64_t bitrate;     /* that the encoder was told; 0: none since it was opened */
	unsigned refresh;    /* requests for a key picture that were seen */
	unsigned source_set; /* by the call's control, when the source was opened */
	uint64_t next_frame; /* of the source's sequence */
	uint64_t encoded;
	bool told_gone;
	bool started;
	pthread_t thread;
};

static int open_encoder(struct video_sender *sender, const struct qv_video_format *format,
			struct qv_videoencoder **encoder, struct qv_error *err)
{
	mirror_clear(&sender->mirror);
	sender->mirror = (struct mirror){ .host = &sender->codec_host.host,
					  .class = sender->codec_class,
					  .codec = sender->codec_role };
	*encoder =
		sender->codec_class->encoder_open(&sender->codec_host.host, sender->codec_role->options, format, err);
	if (encoder == &sender->encoder) {
		bool adapts = sender->media->adapt_size && sender->codec_class->adjust;
		fitting_begin(&sender->fitting, format,
			      adapts ? qv_videocodec_wire_name(sender->codec_class, sender->codec_role->options)
				     : NULL);
		sender->bitrate = 0;
		sender->base = sender->encoded;
	}
	return *encoder ? 0 : qv_error_prefix(err, "video codec \"%s\"", sender->codec_class->head.name);
}

static void forget_black(struct video_sender *sender)
{
	sender->codec_class->encoder_close(sender->black_encoder);
	sender->black_encoder = NULL;
	qv_picture_free(sender->black);
	sender->black = NULL;
}

static bool same_format(const struct qv_video_format *a, const struct qv_video_format *b)
{
	return a->pixel == b->pixel && a->range == b->range && a->width == b->width && a->height == b->height &&
	       a->fps_num == b->fps_num && a->fps_den == b->fps_den;
}

/* Opens the source, and an encoder for what it gives. */
static int open_source(struct video_sender *sender, struct qv_error *err)
{
	struct qv_video_want want = { .pixels = sender->codec_class->pixels };
	struct qv_video_format format;
	sender->source_class = qv_videosource_class(sender->source_role->class);
	module_host_take(&sender->source_host, sender->source_role);
	sender->source =
		sender->source_class->open(&sender->source_host.host, sender->source_role->options, &want, err);
	if (!sender->source)
		return qv_error_prefix(err, "video source \"%s\"", sender->source_class->head.name);
	sender->source_class->format(sender->source, &format);
	if (sender->encoder && same_format(&format, &sender->format))
		return 0;
	sender->format = format;
	sender->codec_class->encoder_close(sender->encoder);
	forget_black(sender);
	return open_encoder(sender, &format, &sender->encoder, err);
}

static void close_source(struct video_sender *sender)
{
	if (sender->source)
		sender->source_class->close(sender->source);
	sender->source = NULL;
	sender->next_frame = 0;
}

struct video_sender *video_sender_open(struct media *media, struct outbox *outbox, const struct qv_role *source,
				       const struct qv_role *codec, struct qv_stream_offer *offer, struct qv_error *err)
{
	struct video_sender *sender = calloc(1, sizeof *sender);
	if (!sender) {
		qv_fail(err, QV_E_NOMEM, "no memory for a video sender");
		return NULL;
	}
	sender->media = media;
	sender->outbox = outbox;
	sender->source_role = source;
	sender->codec_role = codec;
	sender->codec_class = qv_videocodec_class(codec->class);
	module_host_init(&sender->source_host, media, "video.source");
	module_host_init(&sender->codec_host, media, "video.codec");
	if (open_source(sender, err) != 0) {
		video_sender_free(sender);
		return NULL;
	}
	offer->video = sender->format;
	offer->kind = QV_STREAM_VIDEO;
	snprintf(offer->codec, sizeof offer->codec, "%s", qv_videocodec_wire_name(sender->codec_class, codec->options));
	return sender;
}

/* What the network carries now. */
static int follow_rate(struct video_sender *sender, struct qv_error *err)
{
	int64_t bitrate = atomic_load(&sender->media->control->switches.bitrate[QV_STREAM_VIDEO]);
	int64_t step = bitrate > sender->bitrate ? bitrate - sender->bitrate : sender->bitrate - bitrate;
	struct qv_video_target target = { .bitrate = bitrate };
	if (bitrate == 0 || step * RATE_STEPS < bitrate || !sender->codec_class->adjust)
		return 0;
	sender->bitrate = bitrate;
	return sender->codec_class->adjust(sender->encoder, &target, err) == 0 ? 0 : qv_error_prefix(err, "encoding");
}

/* How large pictures are then worth being. A black one of another size is made anew when it is wanted. */
static void follow_size(struct video_sender *sender, int64_t now)
{
	const struct call_switches *switches = &sender->media->control->switches;
	if (atomic_load(&switches->held) ||
	    !picture_size_follow(&sender->fitting.size, atomic_load(&switches->bitrate[QV_STREAM_VIDEO]), now))
		return;
	struct qv_video_format format = fitting_format(&sender->fitting);
	forget_black(sender);
	qv_log_info(sender->media->host->log, "pictures are sent in %dx%d now", format.width, format.height);
}

/* What the peer could and could not decode. */
static void follow_fates(struct video_sender *sender)
{
	struct fate fate;
	while (sender->codec_class->feedback && board_take_fate(sender->media->board, &fate))
		if (fate.sequence >= sender->base)
			sender->codec_class->feedback(sender->encoder, fate.sequence - sender->base,
						      fate.decoded ? QV_PICTURE_DECODED : QV_PICTURE_LOST);
}

/* Encodes a frame and puts it into the outbox. */
static int send_frame(struct video_sender *sender, struct qv_videoencoder *encoder, const struct qv_frame *frame,
		      int64_t read_ns, struct qv_error *err)
{
	struct ledger *ledger = sender->media->ledger;
	struct qv_packet packet = { 0 };
	unsigned refresh = atomic_load(&sender->media->control->switches.refresh);
	if (refresh != sender->refresh && sender->codec_class->request_key)
		sender->codec_class->request_key(encoder);
	sender->refresh = refresh;
	int made = sender->codec_class->encode(encoder, frame, &packet, err);
	int64_t ready = qv_clock_now(&qv_clock_monotonic);
	if (made <= 0)
		return made < 0 ? qv_error_prefix(err, "encoding") : 0;
	if (packet.size < 1 || packet.size > QV_PACKET_MAX)
		return qv_fail(err, QV_E_INTERNAL, "the encoder made a packet of %zu bytes", packet.size);
	recording_put(&sender->media->control->recording, TAPE_SENT_VIDEO, &packet, frame->capture_ns, frame->sequence);
	struct outbox_item item = {
		.unit = { .sequence = sender->encoded++,
			  .size = (uint32_t)packet.size,
			  .capture_ns = frame->capture_ns > 0 ? frame->capture_ns : 0,
			  .capture_us = span_us(frame->capture_ns, read_ns),
			  .encode_us = span_us(read_ns, ready),
			  .position = frame->sequence },
		.key = packet.key,
		.prediction = prediction_of(&packet),
		.data = packet.data,
		.ready_ns = ready,
	};
	int given_up = outbox_put_video(sender->outbox, &item, err);
	if (given_up < 0)
		return -1;
	ledger_add(ledger, &ledger->totals.video.encoded, 1);
	ledger_picture(ledger, &frame->format);
	if (given_up > 0)
		ledger_add(ledger, &ledger->totals.video.dropped_outbox, (uint64_t)given_up);
	connection_wake(sender->media->connection);
	return 0;
}

/* A black picture in place of the frame, now and then: it says nothing, but that the call is alive. */
static int send_black(struct video_sender *sender, const struct qv_frame *frame, int64_t read_ns, struct qv_error *err)
{
	struct qv_video_format format = fitting_format(&sender->fitting);
	if (sender->black_ns && read_ns < sender->black_ns + BLACK_MS * QV_NS_PER_MS)
		return 0;
	if (format.pixel == QV_PIXEL_JPEG)
		format.pixel = QV_PIXEL_I420;
	if (!sender->black && !(sender->black = qv_picture_new(&format, err)))
		return -1;
	if (format.pixel != sender->format.pixel && !sender->black_encoder &&
	    open_encoder(sender, &format, &sender->black_encoder, err) != 0)
		return -1;
	struct qv_frame black = qv_picture_frame(sender->black);
	black.capture_ns = frame->capture_ns;
	black.sequence = frame->sequence;
	sender->black_ns = read_ns;
	return send_frame(sender, sender->black_encoder ? sender->black_encoder : sender->encoder, &black, read_ns,
			  err);
}

/* Where the rate is too low for all frames, every second one is left out, or three of four; all, while it is looked for. */
static bool is_spared(const struct video_sender *sender, uint64_t sequence)
{
	const struct qv_video_format format = fitting_format(&sender->fitting);
	const struct call_switches *switches = &sender->media->control->switches;
	int64_t bitrate = atomic_load(&switches->bitrate[QV_STREAM_VIDEO]);
	double fps = format.fps_num > 0 && format.fps_den > 0 ? (double)format.fps_num / format.fps_den : 0;
	return atomic_load(&switches->held) ||
	       sequence % shares_frame_step(bitrate, format.width, format.height, fps) != 0;
}

static int pass_frame(struct video_sender *sender, const struct qv_frame *frame, struct qv_error *err)
{
	struct ledger *ledger = sender->media->ledger;
	struct qv_frame fitted;
	int64_t read_ns = qv_clock_now(&qv_clock_monotonic);
	bool muted = atomic_load(&sender->media->control->switches.muted[QV_STREAM_VIDEO]);
	mirror_show(&sender->mirror, &sender->media->control->window, muted ? NULL : frame);
	ledger_add(ledger, &ledger->totals.video.captured, 1);
	if (frame->sequence > sender->next_frame)
		ledger_add(ledger, &ledger->totals.video.missed, frame->sequence - sender->next_frame);
	sender->next_frame = frame->sequence + 1;
	follow_size(sender, read_ns);
	if (is_spared(sender, frame->sequence) || !outbox_video_room(sender->outbox)) {
		ledger_add(ledger, &ledger->totals.video.skipped, 1);
		return 0;
	}
	if (muted)
		return send_black(sender, frame, read_ns, err);
	sender->black_ns = 0;
	follow_fates(sender);
	if (follow_rate(sender, err) != 0)
		return -1;
	if (fitting_frame(&sender->fitting, frame, &fitted, err) != 0)
		return qv_error_prefix(err, "scaling");
	return send_frame(sender, sender->encoder, &fitted, read_ns, err);
}

static void tell(struct video_sender *sender, enum qv_call_happening happening, const char *text)
{
	board_post(sender->media->board, happening, QV_STREAM_VIDEO, 0, text);
	connection_wake(sender->media->connection);
}

/* Somebody chose another source. */
static void look_for_choice(struct video_sender *sender)
{
	struct qv_call_control *control = sender->media->control;
	unsigned set = atomic_load(&control->switches.source_set[QV_STREAM_VIDEO]);
	if (set == sender->source_set)
		return;
	sender->source_set = set;
	close_source(sender);
	sender->source_role = control_source(control, QV_STREAM_VIDEO);
}

/* 1: there is a source; 0: not yet, after a wait; -1: the call is being stopped. */
static int have_source(struct video_sender *sender, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	look_for_choice(sender);
	if (sender->source)
		return 1;
	if (open_source(sender, &why) == 0) {
		sender->told_gone = false;
		tell(sender, QV_CALL_DEVICE_BACK, sender->source_class->head.name);
		return 1;
	}
	close_source(sender);
	if (!sender->told_gone)
		tell(sender, QV_CALL_DEVICE_GONE, why.message);
	sender->told_gone = true;
	int64_t until = qv_clock_now(&qv_clock_monotonic) + REOPEN_MS * QV_NS_PER_MS;
	return qv_clock_sleep_until(until, sender->media->stop.poll_fd, err);
}

static int take_frame(struct video_sender *sender, struct qv_error *err)
{
	struct qv_frame frame;
	int has = have_source(sender, err);
	if (has <= 0)
		return has;
	int got = sender->source_class->read(sender->source, &frame, READ_MS, err);
	if (got > 0)
		return pass_frame(sender, &frame, err);
	if (got == 0 || !sender->media->keep_devices || (err->code != QV_E_GONE && err->code != QV_E_IO))
		return got;
	qv_log_warning(sender->media->host->log, "video source \"%s\": %s; it is looked for",
		       sender->source_class->head.name, err->message);
	tell(sender, QV_CALL_DEVICE_GONE, err->message);
	sender->told_gone = true;
	close_source(sender);
	*err = (struct qv_error)QV_ERROR_INIT;
	return 0;
}

static void *run(void *argument)
{
	struct video_sender *sender = argument;
	struct ledger *ledger = sender->media->ledger;
	struct qv_error err = QV_ERROR_INIT;
	while (!stop_raised(&sender->media->stop))
		if (take_frame(sender, &err) < 0)
			break;
	bool failed = err.code != QV_OK && err.code != QV_E_END && err.code != QV_E_CANCELLED;
	if (failed) {
		qv_error_prefix(&err, "video source \"%s\"", sender->source_class->head.name);
		qv_log_error(sender->media->host->log, "%s; no more video is sent", err.message);
	}
	ledger_finish(ledger, &ledger->video, false, failed ? &err : NULL);
	connection_wake(sender->media->connection);
	return NULL;
}

int video_sender_choose(struct video_sender *sender, const struct qv_role *codec, struct qv_error *err)
{
	uint32_t pixels = sender->codec_class->pixels;
	if (codec == sender->codec_role)
		return 0;
	sender->codec_class->encoder_close(sender->encoder);
	sender->encoder = NULL;
	sender->codec_role = codec;
	sender->codec_class = qv_videocodec_class(codec->class);
	if (sender->codec_class->pixels == pixels)
		return open_encoder(sender, &sender->format, &sender->encoder, err);
	/* A camera may then give pictures that this codec takes as they are. */
	close_source(sender);
	return open_source(sender, err);
}

int video_sender_start(struct video_sender *sender, struct qv_error *err)
{
	int failed = pthread_create(&sender->thread, NULL, run, sender);
	if (failed)
		return qv_fail_errno(err, QV_E_IO, failed, "starting the video thread");
	sender->started = true;
	return 0;
}

void video_sender_free(struct video_sender *sender)
{
	if (!sender)
		return;
	if (sender->started)
		pthread_join(sender->thread, NULL);
	close_source(sender);
	sender->codec_class->encoder_close(sender->encoder);
	forget_black(sender);
	mirror_clear(&sender->mirror);
	fitting_clear(&sender->fitting);
	module_host_clear(&sender->source_host);
	module_host_clear(&sender->codec_host);
	free(sender);
}
