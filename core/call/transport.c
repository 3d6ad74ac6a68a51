/* SPDX-License-Identifier: Apache-2.0 */
#include "transport.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include <qvisio/audiocodec.h>
#include <qvisio/videocodec.h>

#include "control.h"
#include "otp.h"

#define PACER_BYTES     (24u << 20)
#define OLD_KEYS_NS     (3 * QV_NS_PER_SECOND) /* packets of the keys before may still be on the way */
#define TICK_NS         (100 * QV_NS_PER_MS)
#define SETTLED_NS      (300 * QV_NS_PER_MS)
#define STREAM_EMPTY_NS (500 * QV_NS_PER_MS)

static void name_source(struct transport *transport)
{
	uint8_t random[12];
	if (getrandom(random, sizeof random, 0) != sizeof random)
		memset(random, 0, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(transport->cname + 2 * i, 3, "%02x", random[i]);
}

static int prepare(struct transport *transport, const struct qv_call_plan *plan, const struct qv_link *link,
		   struct qv_error *err)
{
	transport->class = qv_srtp_class(plan->srtp->class);
	transport->srtp = transport->class->open(&transport->host.host, plan->srtp->options, err);
	if (!transport->srtp)
		return qv_error_prefix(err, "SRTP \"%s\"", transport->class->head.name);
	uint16_t last = plan->udp_port_last > plan->udp_port_first ? plan->udp_port_last : plan->udp_port_first;
	return udp_open(&transport->udp, link->fd, plan->udp_port_first, last, err);
}

struct transport *transport_open(const struct media *media, const struct qv_call_plan *plan, const struct qv_link *link,
				 bool caller)
{
	struct qv_error why = QV_ERROR_INIT;
	if (!plan->srtp || !plan->srtp->class)
		return NULL;
	struct transport *transport = calloc(1, sizeof *transport);
	if (!transport)
		return NULL;
	transport->media = media;
	transport->caller = caller;
	transport->udp.fd = -1;
	module_host_init(&transport->host, media, "transport");
	name_source(transport);
	if (prepare(transport, plan, link, &why) == 0)
		return transport;
	if (why.code == QV_E_UNSUPPORTED)
		qv_log_debug(media->host->log, "media go in the session, not over UDP: %s", why.message);
	else
		qv_log_warning(media->host->log, "media go in the session, not over UDP: %s", why.message);
	transport_free(transport);
	return NULL;
}

void transport_free(struct transport *transport)
{
	if (!transport)
		return;
	for (int kind = 0; kind < TRANSPORT_KINDS; kind++) {
		rtp_out_close(&transport->out[kind]);
		rtp_in_close(&transport->in[kind]);
	}
	qv_rtp_pacer_free(transport->pacer);
	qv_rtp_congestion_free(transport->congestion);
	qv_rtp_arrivals_free(transport->arrivals);
	unit_buffer_free(&transport->held);
	if (transport->class)
		transport->class->close(transport->srtp);
	udp_close(&transport->udp);
	module_host_clear(&transport->host);
	free(transport);
}

int transport_add_keys(struct transport *transport, const struct qv_link *link, struct qv_error *err)
{
	struct qv_secret *exported = qv_secret_new(QV_SRTP_EXPORTED, err), *send = NULL, *receive = NULL;
	uint32_t next = transport->generation + 1;
	int status = -1;
	if (!exported)
		return -1;
	if (!link->tls->export_key)
		qv_fail(err, QV_E_UNSUPPORTED, "the TLS backend exports no keying material");
	else if (link->tls->export_key(link->session, QV_SRTP_LABEL, exported, err) == 0 &&
		 qv_srtp_masters(exported, transport->caller, &send, &receive, err) == 0) {
		if (next > QV_SRTP_GENERATIONS)
			transport->class->drop_keys(transport->srtp, next - QV_SRTP_GENERATIONS);
		status = transport->class->add_keys(transport->srtp, next, send, receive, err);
	}
	if (status == 0)
		transport->generation = next;
	qv_secret_free(send);
	qv_secret_free(receive);
	qv_secret_free(exported);
	return status;
}

void transport_use_keys(struct transport *transport, int64_t now)
{
	struct qv_error why = QV_ERROR_INIT;
	if (transport->class->use_keys(transport->srtp, transport->generation, &why) != 0)
		qv_log_warning(transport->media->host->log, "new keys for UDP cannot be used: %s", why.message);
	transport->drop_before = transport->generation;
	transport->drop_ns = now + OLD_KEYS_NS;
}

/* As the peer: a change of sessions that was cut short may have left one end a generation behind. */
#define GENERATIONS_AHEAD 1000

int transport_resume(struct transport *transport, const struct qv_link *link, uint32_t generation, struct qv_error *err)
{
	uint32_t last = transport->generation;
	if (generation <= last || generation - last > GENERATIONS_AHEAD)
		return qv_fail(err, QV_E_PROTOCOL, "the peer counts its keys for SRTP otherwise: %u after %u",
			       generation, last);
	for (uint32_t back = 1; back < QV_SRTP_GENERATIONS && back < last; back++)
		transport->class->drop_keys(transport->srtp, last - back);
	transport->generation = generation - 1;
	transport->drop_ns = 0;
	if (transport_add_keys(transport, link, err) != 0 ||
	    transport->class->use_keys(transport->srtp, generation, err) != 0)
		return -1;
	transport->class->drop_keys(transport->srtp, last);
	/* What was sealed with a pad that is no more would not open. */
	if (transport->sends[QV_STREAM_AUDIO] && transport->out[QV_STREAM_AUDIO].pads)
		rtp_out_forget(&transport->out[QV_STREAM_AUDIO]);
	udp_follow(&transport->udp, link->fd);
	return 0;
}

static void drop_old_keys(struct transport *transport, int64_t now)
{
	if (transport->drop_ns == 0 || now < transport->drop_ns)
		return;
	for (uint32_t back = 1; back < QV_SRTP_GENERATIONS && back < transport->drop_before; back++)
		transport->class->drop_keys(transport->srtp, transport->drop_before - back);
	transport->drop_ns = 0;
}

static int open_stream(struct transport *transport, const struct qv_stream_offer *offer, bool sent,
		       struct qv_error *err)
{
	struct rtp_stream stream;
	enum qv_stream_kind kind = offer->kind;
	bool sound = kind == QV_STREAM_AUDIO;
	if (!rtp_stream_of(offer, &stream))
		return 0;
	struct sound_pads *pads = sound ? otp_pads(transport->media->otp) : NULL;
	if (pads)
		stream.payload.payload_max -= QV_PAD_OVERHEAD;
	if (sent) {
		struct rtp_out *out = &transport->out[kind];
		int status = rtp_out_open(out, &stream, sound ? QV_RTP_SOUND : QV_RTP_PICTURE, err);
		out->pads = pads;
		transport->sends[kind] = status == 0;
		return status;
	}
	int status = rtp_in_open(&transport->in[kind], &stream, sound, err);
	transport->in[kind].pads = pads;
	transport->receives[kind] = status == 0;
	return status;
}

static int open_streams(struct transport *transport, struct qv_error *err)
{
	const struct outgoing *out = transport->outgoing;
	const struct incoming *in = transport->incoming;
	if (out && out->sends_video && open_stream(transport, &out->video_offer, true, err) != 0)
		return -1;
	if (out && out->sends_audio && open_stream(transport, &out->audio_offer, true, err) != 0)
		return -1;
	if (in && in->has_video && open_stream(transport, &in->video_format, false, err) != 0)
		return -1;
	return in && in->has_audio ? open_stream(transport, &in->audio_format, false, err) : 0;
}

int transport_start(struct transport *transport, const struct qv_link *link, uint16_t port, struct outgoing *out,
		    struct incoming *in, struct qv_error *err)
{
	struct qv_rtp_rates rates = transport_rates(out);
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	transport->outgoing = out;
	transport->incoming = in;
	if (udp_set_peer(&transport->udp, link->fd, port, err) != 0 || transport_add_keys(transport, link, err) != 0 ||
	    transport->class->use_keys(transport->srtp, transport->generation, err) != 0 ||
	    open_streams(transport, err) != 0)
		return -1;
	transport->pacer = qv_rtp_pacer_new(PACER_BYTES, TRANSPORT_OVERHEAD, err);
	transport->congestion = transport->pacer ? qv_rtp_congestion_new(&rates, err) : NULL;
	transport->arrivals = transport->congestion ? qv_rtp_arrivals_new(err) : NULL;
	if (!transport->arrivals)
		return -1;
	path_start(&transport->path, now);
	transport->running = true;
	transport_hold_pictures(transport, now);
	return 0;
}

bool transport_up(const struct transport *transport)
{
	return transport && transport->running && transport->path.up;
}

bool transport_settled(const struct transport *transport, int64_t now)
{
	if (!transport_up(transport))
		return true;
	if (qv_rtp_pacer_bytes(transport->pacer) > 0)
		return false;
	return transport->told_number == transport->number ||
	       now - transport->sent_ns > SETTLED_NS + 2 * transport->path.rtt_ns;
}

/* What is in the stream should arrive before what goes beside it. */
static bool stream_is_empty(const struct transport *transport, int64_t now)
{
	const struct outgoing *out = transport->outgoing;
	int unsent = 0;
	if (out->picture.active || out->sound.active)
		return false;
	(void)ioctl(transport->media->connection->wire.out_link.fd, SIOCOUTQ, &unsent);
	return unsent == 0 || now - transport->up_ns >= STREAM_EMPTY_NS;
}

/* Media go where UDP passes, once the stream has nothing of them; back at once when it does not. */
static void choose_way(struct transport *transport, int64_t now)
{
	struct outgoing *out = transport->outgoing;
	if (!out)
		return;
	bool up = transport_up(transport);
	bool video = up && transport->sends[QV_STREAM_VIDEO], audio = up && transport->sends[QV_STREAM_AUDIO];
	if (transport->held_until)
		out->video_elsewhere = video; /* no picture has been sent yet */
	if (((video && !out->video_elsewhere) || (audio && !out->audio_elsewhere)) && !stream_is_empty(transport, now))
		return;
	out->video_elsewhere = video;
	out->audio_elsewhere = audio;
}

static enum path_change look_at_path(struct transport *transport, int64_t now)
{
	enum path_change change = path_look(&transport->path, now);
	if (change == PATH_UP)
		transport->up_ns = now;
	if (change == PATH_DOWN) {
		/* What was on its way is lost; the stream begins with a picture that needs nothing of it. */
		struct qv_rtp_pacer *pacer = qv_rtp_pacer_new(PACER_BYTES, TRANSPORT_OVERHEAD, NULL);
		if (pacer) {
			qv_rtp_pacer_free(transport->pacer);
			transport->pacer = pacer;
		}
		atomic_fetch_add(&transport->media->control->switches.refresh, 1);
		for (int kind = 0; kind < TRANSPORT_KINDS; kind++)
			atomic_store(&transport->media->control->switches.bitrate[kind], 0);
	}
	return change;
}

void transport_stop(struct transport *transport)
{
	transport->running = false;
	transport_release_pictures(transport, 0);
	choose_way(transport, 0);
}

enum path_change transport_step(struct transport *transport, int64_t now)
{
	if (!transport->running)
		return PATH_SAME;
	transport_receive(transport, now);
	enum path_change change = look_at_path(transport, now);
	choose_way(transport, now);
	drop_old_keys(transport, now);
	if (path_probe(&transport->path, now))
		transport_report(transport, now);
	transport_nack(transport, now);
	if (transport->feedback_ns && now >= transport->feedback_ns)
		transport_feedback(transport, now);
	if (now >= transport->tick_ns) {
		qv_rtp_congestion_tick(transport->congestion, now);
		transport_tell_rates(transport);
		transport->tick_ns = now + TICK_NS;
	}
	transport_release_pictures(transport, now);
	transport_send(transport, now);
	udp_flush(&transport->udp);
	return change;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t transport_due(const struct transport *transport, int64_t now)
{
	if (!transport->running)
		return INT64_MAX;
	int64_t due = path_due(&transport->path);
	due = sooner(due, sooner(transport->tick_ns, transport->feedback_ns ? transport->feedback_ns : INT64_MAX));
	due = sooner(due, qv_rtp_pacer_due(transport->pacer, now));
	if (transport->drop_ns)
		due = sooner(due, transport->drop_ns);
	if (transport->held_until)
		due = sooner(due, transport->held_until);
	for (int kind = 0; kind < TRANSPORT_KINDS; kind++)
		if (transport->receives[kind])
			due = sooner(due, qv_rtp_receiver_due(transport->in[kind].receiver));
	return due;
}
