/* SPDX-License-Identifier: Apache-2.0 */
#include "video_receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/videocodec.h>

#include "board.h"
#include "control.h"
#include "inbox.h"
#include "lip_sync.h"
#include "video_sinks.h"

#define IDLE_MS 40 /* between looks at the window's events */

struct video_receiver {
	struct media *media;
	const struct qv_receive_plan *plan;
	const struct qv_role *codec;
	char wire_name[QV_SESSION_NAME_MAX + 1];
	struct qv_video_format format;
	struct inbox *inbox;
	struct module_host codec_host;
	const struct qv_videocodec_class *codec_class;
	struct video_sinks *sinks;
	struct qv_videodecoder *decoder;
	struct unit_buffer picture;
	unsigned secured;  /* generation of the security state that is shown */
	unsigned sink_set; /* by the call's control, when it was last looked at */
	int64_t work_ns;   /* that decoding and showing take, smoothed */
	bool want_key;     /* after damage, where the decoder does not know its needs itself */
	bool warned;
	bool started;
	pthread_t thread;
};

static int64_t now_ns(void)
{
	return qv_clock_now(&qv_clock_monotonic);
}

static int open_modules(struct video_receiver *receiver, struct qv_error *err)
{
	receiver->decoder = receiver->codec_class->decoder_open(&receiver->codec_host.host, receiver->codec->options,
								receiver->wire_name, &receiver->format, err);
	if (!receiver->decoder)
		return qv_error_prefix(err, "video codec \"%s\"", receiver->codec_class->head.name);
	receiver->sinks = video_sinks_open(receiver->media, receiver->plan, err);
	return receiver->sinks ? 0 : -1;
}

/* 1: a frame to show; 0: none; -1: the decoder cannot go on. */
static int decode(struct video_receiver *receiver, struct qv_frame *frame, struct qv_error *err)
{
	struct ledger *ledger = receiver->media->ledger;
	const struct unit_buffer *picture = &receiver->picture;
	struct qv_packet packet = {
		.data = picture->data,
		.size = picture->size,
		.capture_ns = picture->captured_ns >= 0 ? picture->captured_ns : picture->ready_ns,
		.sequence = picture->unit.sequence,
		.key = picture->key,
		.told = picture->prediction.told,
		.discardable = picture->prediction.discardable,
		.sync = picture->prediction.sync,
		.layer = picture->prediction.layer,
		.references = picture->prediction.references,
	};
	memcpy(packet.reference, picture->prediction.reference, sizeof packet.reference);
	if (receiver->want_key && !packet.key) {
		ledger_add(ledger, &ledger->totals.video.dropped_inbox, 1);
		return 0;
	}
	int made = receiver->codec_class->decode(receiver->decoder, &packet, frame, err);
	receiver->want_key = false;
	board_note_fate(receiver->media->board, packet.sequence, made > 0);
	if (made < 0 && err->code == QV_E_PROTOCOL) {
		ledger_add(ledger, &ledger->totals.video.damaged, 1);
		if (!receiver->warned)
			qv_log_warning(receiver->media->host->log,
				       "a damaged picture was left out (further ones are only counted): %s",
				       err->message);
		receiver->warned = true;
		receiver->want_key = !receiver->codec_class->need;
		*err = (struct qv_error)QV_ERROR_INIT;
		return 0;
	}
	if (made > 0) {
		ledger_add(ledger, &ledger->totals.video.decoded, 1);
		recording_put(&receiver->media->control->recording, TAPE_VIDEO, &packet, packet.capture_ns,
			      packet.sequence);
		frame->capture_ns = packet.capture_ns;
		frame->sequence = picture->unit.position;
	}
	return made;
}

/* Where the time of a frame went that has just been shown. Without the peer's clock only our part is known. */
static void note_times(struct video_receiver *receiver, int64_t taken, int64_t decoded, int64_t shown)
{
	struct ledger *ledger = receiver->media->ledger;
	const struct unit_buffer *picture = &receiver->picture;
	const struct qv_unit *unit = &picture->unit;
	ledger_add(ledger, &ledger->totals.video.shown, 1);
	ledger_frame(ledger, shown);
	ledger_stage(ledger, QV_STAGE_WAIT, taken - picture->ready_ns);
	ledger_stage(ledger, QV_STAGE_DECODE, decoded - taken);
	ledger_stage(ledger, QV_STAGE_SHOW, shown - decoded);
	if (picture->captured_ns < 0)
		return;
	int64_t before = ((int64_t)unit->capture_us + unit->encode_us + unit->queue_us) * 1000;
	ledger_stage(ledger, QV_STAGE_CAPTURE, unit->capture_us * INT64_C(1000));
	ledger_stage(ledger, QV_STAGE_ENCODE, unit->encode_us * INT64_C(1000));
	ledger_stage(ledger, QV_STAGE_QUEUE, unit->queue_us * INT64_C(1000));
	ledger_stage(ledger, QV_STAGE_NETWORK, picture->ready_ns - picture->captured_ns - before);
	ledger_stage(ledger, QV_STAGE_TOTAL, shown - picture->captured_ns);
}

/* The peer is asked for what the decoder waits for; pictures between keys were given up, or are damaged. */
static void note_need(struct video_receiver *receiver)
{
	const struct qv_videocodec_class *class = receiver->codec_class;
	enum qv_picture_need need = class->need          ? class->need(receiver->decoder)
				    : receiver->want_key ? QV_NEED_KEY
							 : QV_NEED_NOTHING;
	if (need == QV_NEED_NOTHING || atomic_exchange(&receiver->media->board->need, (int)need) == (int)need)
		return;
	connection_wake(receiver->media->connection);
}

/* How it stands to the sound of its time; had it not been held, it would have been shown when it came. */
static void note_skew(struct video_receiver *receiver, int64_t taken, int64_t shown)
{
	const struct unit_buffer *picture = &receiver->picture;
	receiver->work_ns += (shown - taken - receiver->work_ns) / 8;
	if (picture->unit.capture_ns)
		lip_sync_shown(receiver->media->lip_sync, picture->unit.capture_ns, picture->ready_ns + (shown - taken),
			       shown);
}

/* When pictures are to be taken so that they are shown with their sound. */
static struct inbox_hold hold_for_sound(struct video_receiver *receiver)
{
	struct inbox_hold hold;
	hold.set = lip_sync_show_at(receiver->media->lip_sync, now_ns(), &hold.at_ns);
	hold.at_ns = (int64_t)((uint64_t)hold.at_ns - (uint64_t)receiver->work_ns);
	return hold;
}

static enum inbox_got next_picture(struct video_receiver *receiver, bool *more)
{
	struct ledger *ledger = receiver->media->ledger;
	struct inbox_hold hold = hold_for_sound(receiver);
	int given_up;
	enum inbox_got got = inbox_take(receiver->inbox, &receiver->picture, &hold, more, &given_up, IDLE_MS);
	if (given_up > 0)
		ledger_add(ledger, &ledger->totals.video.dropped_inbox, (uint64_t)given_up);
	return got;
}

/* Somebody wants to keep what is shown. */
static void take_snapshot(struct video_receiver *receiver, const struct qv_frame *frame)
{
	struct qv_role role;
	struct qv_error why = QV_ERROR_INIT;
	if (!window_take_snapshot(&receiver->media->control->window, &role))
		return;
	const struct qv_videosink_class *class = qv_videosink_class(role.class);
	struct qv_videosink *sink =
		class ? class->open(&receiver->codec_host.host, role.options, "snapshot", &why) : NULL;
	if (sink)
		class->show(sink, frame, &why);
	if (sink)
		class->close(sink);
	qv_role_free(&role);
	board_post(receiver->media->board, QV_CALL_SNAPSHOT, QV_STREAM_VIDEO, 0, why.message);
	connection_wake(receiver->media->connection);
}

static int show_picture(struct video_receiver *receiver, bool more, struct qv_error *err)
{
	struct qv_frame frame = { 0 };
	int64_t taken = now_ns();
	int made = decode(receiver, &frame, err);
	note_need(receiver);
	if (made < 0)
		return qv_error_prefix(err, "video codec \"%s\"", receiver->codec_class->head.name);
	/* With a newer picture waiting this one was decoded only because that one builds on it. */
	if (made == 0 || more)
		return 0;
	int64_t decoded = now_ns();
	if (video_sinks_show(receiver->sinks, &frame, err) != 0)
		return -1;
	int64_t shown = now_ns();
	note_times(receiver, taken, decoded, shown);
	note_skew(receiver, taken, shown);
	take_snapshot(receiver, &frame);
	return 0;
}

static void pass_keys(struct video_receiver *receiver)
{
	for (int key; (key = video_sinks_key(receiver->sinks)) > 0;) {
		board_post(receiver->media->board, QV_CALL_KEY, QV_STREAM_VIDEO, key, NULL);
		connection_wake(receiver->media->connection);
	}
}

/* A new key has come into use. */
static void show_security(struct video_receiver *receiver)
{
	struct board *board = receiver->media->board;
	unsigned now = atomic_load(&board->secured);
	if (now == receiver->secured)
		return;
	receiver->secured = now;
	struct qv_call_security security = board_security(board);
	video_sinks_status(receiver->sinks, security.secured, security.text);
}

/* Another sink comes in place of the windows. */
static int look_for_choice(struct video_receiver *receiver, struct qv_error *err)
{
	struct media *media = receiver->media;
	unsigned set = atomic_load(&media->control->switches.video_sink_set);
	if (set == receiver->sink_set)
		return 0;
	struct qv_call_security security = board_security(media->board);
	struct qv_receive_plan plan = { .title = receiver->plan->title,
					.secured = security.secured,
					.secured_text = security.text };
	receiver->sink_set = set;
	if (video_sinks_replace(receiver->sinks, control_video_sink(media->control), &plan, err) != 0)
		return -1;
	window_again(&media->control->window);
	board_post(media->board, QV_CALL_DEVICE_BACK, QV_STREAM_VIDEO, 0, "the picture is shown elsewhere");
	connection_wake(media->connection);
	return 0;
}

static int show_all(struct video_receiver *receiver, struct qv_error *err)
{
	for (;;) {
		bool more = false;
		if (look_for_choice(receiver, err) != 0)
			return -1;
		show_security(receiver);
		window_obey(&receiver->media->control->window, receiver->sinks);
		pass_keys(receiver);
		switch (next_picture(receiver, &more)) {
		case INBOX_ENDED:
			return 0;
		case INBOX_NOTHING:
			if (video_sinks_poll(receiver->sinks, err) != 0)
				return -1;
			break;
		case INBOX_PICTURE:
			if (show_picture(receiver, more, err) != 0)
				return -1;
			break;
		}
	}
}

static void *run(void *argument)
{
	struct video_receiver *receiver = argument;
	struct ledger *ledger = receiver->media->ledger;
	struct qv_error err = QV_ERROR_INIT;
	if (open_modules(receiver, &err) == 0)
		show_all(receiver, &err);
	bool failed = err.code != QV_OK && err.code != QV_E_END && err.code != QV_E_CANCELLED;
	video_sinks_close(receiver->sinks);
	receiver->codec_class->decoder_close(receiver->decoder);
	if (failed)
		qv_log_error(receiver->media->host->log, "%s; no more video is shown", err.message);
	ledger_finish(ledger, &ledger->video, err.code == QV_E_END, failed ? &err : NULL);
	connection_wake(receiver->media->connection);
	return NULL;
}

struct video_receiver *video_receiver_start(struct media *media, const struct qv_receive_plan *plan,
					    const struct qv_role *codec, const struct qv_stream_offer *offer,
					    struct qv_error *err)
{
	struct video_receiver *receiver = calloc(1, sizeof *receiver);
	if (!receiver) {
		qv_fail(err, QV_E_NOMEM, "no memory for a video receiver");
		return NULL;
	}
	receiver->media = media;
	receiver->plan = plan;
	receiver->codec = codec;
	snprintf(receiver->wire_name, sizeof receiver->wire_name, "%s", offer->codec);
	receiver->format = offer->video;
	receiver->codec_class = qv_videocodec_class(codec->class);
	module_host_init(&receiver->codec_host, media, "video.codec");
	receiver->inbox = inbox_new(err);
	int failed = receiver->inbox ? pthread_create(&receiver->thread, NULL, run, receiver) : 0;
	if (failed)
		qv_fail_errno(err, QV_E_IO, failed, "starting the video thread");
	if (!receiver->inbox || failed) {
		video_receiver_free(receiver);
		return NULL;
	}
	receiver->started = true;
	return receiver;
}

void video_receiver_put(struct video_receiver *receiver, struct unit_buffer *picture)
{
	struct ledger *ledger = receiver->media->ledger;
	int given_up = inbox_put(receiver->inbox, picture);
	if (given_up > 0)
		ledger_add(ledger, &ledger->totals.video.dropped_inbox, (uint64_t)given_up);
}

void video_receiver_end(struct video_receiver *receiver)
{
	if (receiver)
		inbox_end(receiver->inbox);
}

void video_receiver_free(struct video_receiver *receiver)
{
	if (!receiver)
		return;
	if (receiver->started) {
		inbox_stop(receiver->inbox);
		pthread_join(receiver->thread, NULL);
	}
	inbox_free(receiver->inbox);
	unit_buffer_free(&receiver->picture);
	module_host_clear(&receiver->codec_host);
	free(receiver);
}
