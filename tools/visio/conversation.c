/* SPDX-License-Identifier: Apache-2.0 */
#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "config.h"
#include "farewell.h"
#include "growing.h"
#include "happenings.h"
#include "keys.h"
#include "mesh.h"
#include "otp_settings.h"
#include "socket.h"
#include "steering.h"
#include "succession.h"
#include "taping.h"

#define CONNECT_MS        10000
#define ANSWERER_LATER_MS 2000
#define REPLACE_S         10 /* that a lost call may take to end */

int conversation_connect(const struct settings *settings, const struct qv_host *host, const struct qv_options *contact,
			 struct qv_secure_session *session, int *fd, struct qv_error *err)
{
	const char *name = qv_options_string(contact, "host");
	char port[8];
	snprintf(port, sizeof port, "%d", (int)qv_options_int(contact, "port"));
	*fd = socket_connect(name, port, NULL, CONNECT_MS, host->cancel_fd, err);
	if (*fd < 0)
		return -1;
	/* The host of the key source and of TLS is the program's, which may outlive this wish. */
	int before = qv_cancel_also(host->cancel_fd);
	int status = qv_secure_connect(settings->secure, *fd, name, qv_options_string(contact, "sae_id"), session, err);
	qv_cancel_also(before);
	if (status == 0)
		return 0;
	close(*fd);
	*fd = -1;
	return qv_error_prefix(err, "%s:%s", name, port);
}

static struct conversation *of_renewal(struct qv_call_renewal *renewal)
{
	return (struct conversation *)(void *)((char *)renewal - offsetof(struct conversation, renewal));
}

static int renew(struct qv_call_renewal *renewal, const struct qv_host *host, struct qv_link *link,
		 struct qv_call_security *security, struct qv_error *err)
{
	struct conversation *talk = of_renewal(renewal);
	struct qv_secure_session session;
	int fd;
	if (conversation_connect(&talk->visio->settings, host, talk->contact, &session, &fd, err) != 0)
		return -1;
	if (succession_check(&talk->session, &session, err) != 0) {
		qv_secure_session_clear(&session);
		close(fd);
		return -1;
	}
	qv_call_security_of(&session, security);
	*link = (struct qv_link){ session.tls, session.session, fd };
	return 0;
}

static void release(struct qv_call_renewal *renewal, struct qv_link *link)
{
	struct conversation *talk = of_renewal(renewal);
	if (link->session == talk->session.session)
		talk->session.session = NULL;
	link->tls->free(link->session);
	close(link->fd);
}

/* With the lock held. */
static void note_security(struct conversation *talk, const struct qv_call_security *security)
{
	talk->security = *security;
	snprintf(talk->session.key_id, sizeof talk->session.key_id, "%s", security->key_id);
	snprintf(talk->session.text, sizeof talk->session.text, "%s", security->text);
}

const char *transport_name(enum qv_transport transport)
{
	return transport == QV_TRANSPORT_SRTP ? "srtp" : "stream";
}

/* While contacts are shown by number; NULL: that key is none of these. */
static const char *invitation(struct visio *visio, int key, char *command, size_t room)
{
	pthread_mutex_lock(&visio->lock);
	const char *name = commands_numbered(visio, key - '0');
	int size = name ? snprintf(command, room, "invite %s", name) : 0;
	pthread_mutex_unlock(&visio->lock);
	return size > 0 && (size_t)size < room ? command : NULL;
}

static void obey_key(struct visio *visio, int key)
{
	char text[CONTROL_LINE_MAX];
	const char *command = invitation(visio, key, text, sizeof text);
	command = command ? command : keys_command(key);
	json_t *said = command ? steering_obey(&visio->commander, command) : NULL;
	const char *why = json_string_value(json_object_get(said, "error"));
	if (why)
		qv_log_info(visio->settings.log, "%s", why);
	json_decref(said);
}

static void on_event(struct qv_call_observer *observer, const struct qv_call_event *event)
{
	struct conversation *talk = (struct conversation *)(void *)observer;
	struct visio *visio = talk->visio;
	pthread_mutex_lock(&visio->lock);
	if (event->happening == QV_CALL_RINGING) {
		talk->state = "ringing";
		happening_show_notice(talk);
	}
	if (event->happening == QV_CALL_PEER_STATE)
		talk->peer_muted[event->kind] = event->muted;
	if (event->happening == QV_CALL_REKEY_FAILED)
		talk->rekey_failures++;
	if (event->happening == QV_CALL_TRANSPORT && event->of_peer)
		talk->peer_transport = event->transport;
	if (event->happening == QV_CALL_TRANSPORT && !event->of_peer) {
		talk->transport = event->transport;
		snprintf(talk->transport_text, sizeof talk->transport_text, "%s", event->text);
	}
	if (event->happening == QV_CALL_REKEYED)
		talk->rekeyed++;
	if (event->happening == QV_CALL_LINK_LOST)
		talk->state = "reconnecting";
	if (event->happening == QV_CALL_LINK_BACK) {
		talk->state = "open";
		talk->resumed++;
	}
	if (talk->participant && event->happening == QV_CALL_LINK_LOST)
		meeting_note(talk->participant, "the connection is lost, and looked for");
	if (talk->participant && event->happening == QV_CALL_LINK_BACK)
		meeting_note(talk->participant, "");
	if (event->security)
		note_security(talk, event->security);
	if (event->roster)
		(talk->participant ? mesh_heard : growing_heard)(talk, event->roster);
	if (event->happening == QV_CALL_SECURITY) {
		notice_raise(&talk->notice, event->change, event->text, qv_clock_now(&qv_clock_monotonic));
		happening_show_notice(talk);
	}
	pthread_mutex_unlock(&visio->lock);
	happening_tell(talk, event);
	if (event->happening == QV_CALL_KEY)
		obey_key(visio, event->key);
}

static void on_opened(struct qv_call_observer *observer, const struct qv_call_opened *opened)
{
	struct conversation *talk = (struct conversation *)(void *)observer;
	pthread_mutex_lock(&talk->visio->lock);
	talk->state = "open";
	happening_show_notice(talk);
	snprintf(talk->peer_program, sizeof talk->peer_program, "%s", opened->peer_program);
	if (talk->opened)
		*talk->opened = true;
	if (talk->participant)
		mesh_opened(talk, opened->conference);
	taping_join(talk);
	pthread_mutex_unlock(&talk->visio->lock);
	talk->report.observer.opened(&talk->report.observer, opened);
	control_socket_tell(talk->visio->control, json_pack("{s:s,s:s}", "event", "opened", "peer", talk->peer));
}

static void on_stats(struct qv_call_observer *observer, const struct qv_call_stats *stats)
{
	struct conversation *talk = (struct conversation *)(void *)observer;
	pthread_mutex_lock(&talk->visio->lock);
	talk->stats = *stats;
	note_security(talk, &stats->security);
	if (notice_expire(&talk->notice, qv_clock_now(&qv_clock_monotonic)))
		happening_show_notice(talk);
	pthread_mutex_unlock(&talk->visio->lock);
	talk->report.observer.stats(&talk->report.observer, stats);
}

bool conversation_lost(const struct conversation *talk)
{
	return strcmp(talk->state, "reconnecting") == 0;
}

/* With the lock held: the call with the same peer that looks for it; NULL: there is none. */
static struct conversation *find_lost(const struct conversation *talk)
{
	const struct visio *visio = talk->visio;
	for (size_t i = 0; i < visio->call_count; i++) {
		struct conversation *other = visio->calls[i];
		if (conversation_lost(other) && other->session.peer_sae[0] &&
		    strcmp(other->session.peer_sae, talk->session.peer_sae) == 0)
			return other;
	}
	return NULL;
}

/* With the lock held: a peer who calls anew does not come back to the call that it had. */
static void replace_lost(struct conversation *talk)
{
	int64_t until = qv_clock_now(&qv_clock_monotonic) + REPLACE_S * QV_NS_PER_SECOND;
	struct timespec deadline = { .tv_sec = (time_t)(until / QV_NS_PER_SECOND) };
	struct conversation *lost;
	while (!talk->contact && (lost = find_lost(talk)) && qv_clock_now(&qv_clock_monotonic) < until) {
		qv_call_control_give_up(lost->control);
		pthread_cond_timedwait(&talk->visio->changed, &talk->visio->lock, &deadline);
	}
}

/* Takes a place among the calls. False: there is none for this one. */
static bool enter(struct conversation *talk)
{
	struct visio *visio = talk->visio;
	pthread_mutex_lock(&visio->lock);
	replace_lost(talk);
	struct participant *participant = talk->participant;
	bool mine =
		participant ? !participant->talk && !visio->meeting->ending : visio->call_count == 0 && !visio->meeting;
	if (mine)
		visio->calls[visio->call_count++] = talk;
	if (mine && participant) {
		participant->talk = talk;
		memcpy(talk->conference, visio->meeting->id, sizeof talk->conference);
	}
	if (mine)
		commands_begin(talk);
	pthread_mutex_unlock(&visio->lock);
	return mine;
}

static void leave(struct conversation *talk)
{
	struct visio *visio = talk->visio;
	pthread_mutex_lock(&visio->lock);
	size_t at = 0;
	while (visio->calls[at] != talk)
		at++;
	visio->call_count--;
	memmove(&visio->calls[at], &visio->calls[at + 1], (visio->call_count - at) * sizeof visio->calls[0]);
	if (talk->participant) {
		talk->participant->talk = NULL;
		talk->participant->open = false;
		meeting_changed(visio->meeting);
	} else {
		memset(visio->muted, 0, sizeof visio->muted);
		visio->help = visio->inviting = visio->fullscreen = false;
	}
	pthread_cond_broadcast(&visio->changed);
	pthread_mutex_unlock(&visio->lock);
}

/* The answerer asks for what the caller should have done by then. */
static void set_renewal(struct conversation *talk)
{
	const struct qv_options *rekey = talk->visio->settings.rekey;
	int interval = (int)(qv_options_float(rekey, "interval") * 1000);
	talk->renewal = (struct qv_call_renewal){
		.renew = talk->contact ? renew : NULL,
		.release = release,
		.interval_ms = talk->contact || !interval ? interval : interval + ANSWERER_LATER_MS,
		.bytes = talk->contact ? (uint64_t)qv_options_int(rekey, "bytes") : 0,
		.reconnect_ms = (int)(qv_options_float(talk->visio->settings.top, "reconnect") * 1000),
		.end_without = strcmp(qv_options_string(rekey, "without_key"), "end") == 0,
	};
}

static int talk_on(struct conversation *talk, int fd, const struct conversation_plan *todo, struct qv_error *err)
{
	struct settings *settings = &talk->visio->settings;
	struct devices *video = &settings->video, *audio = &settings->audio;
	/* In a conference the devices are shared, and the call gets its seat's. */
	const struct participant *participant = talk->participant;
	const struct qv_seat_roles *seat = participant ? qv_seat_roles(participant->seat) : NULL;
	struct qv_link link = { talk->session.tls, talk->session.session, fd };
	struct qv_call_security security;
	char title[SOCKET_NAME_MAX + 16];
	qv_call_security_of(&talk->session, &security);
	snprintf(title, sizeof title, "Qvisio: %s", talk->peer);
	struct qv_send_plan send = {
		.program = "visio " PACKAGE_VERSION,
		.video_source = seat ? &seat->video_source : &video->source,
		.video_codecs = video->codecs,
		.video_codec_count = video->codec_count,
		.audio_source = seat ? &seat->audio_source : &audio->source,
		.audio_codecs = audio->codecs,
		.audio_codec_count = audio->codec_count,
		.audio_filter = seat ? NULL : &audio->filter, /* the conference has it */
		.adapt_size = video->adapt_size,
	};
	struct qv_receive_plan receive = {
		.program = "visio " PACKAGE_VERSION,
		.video_sinks = seat ? &seat->video_sink : video->sinks,
		.video_sink_count = seat ? seat->video_sink.class != NULL : video->sink_count,
		.audio_sinks = seat ? &seat->audio_sink : audio->sinks,
		.audio_sink_count = seat ? seat->audio_sink.class != NULL : audio->sink_count,
		.video_codecs = video->codecs,
		.video_codec_count = video->codec_count,
		.audio_codecs = audio->codecs,
		.audio_codec_count = audio->codec_count,
		.title = title,
		.secured = talk->session.secured,
		.secured_text = talk->session.text,
	};
	int64_t first_port = qv_options_int(settings->transport, "port");
	int64_t last_port = first_port ? first_port + qv_options_int(settings->transport, "ports") - 1 : 0;
	struct qv_call_otp otp = otp_settings_plan(settings, talk->session.peer_sae);
	struct qv_call_plan plan = {
		.send = video->source.class || audio->source.class ? &send : NULL,
		.receive = video->sink_count || audio->sink_count ? &receive : NULL,
		.security = &security,
		.control = talk->control,
		.renewal = &talk->renewal,
		.otp = &otp,
		.greeting = todo->greeting,
		.conference = participant ? talk->conference : NULL,
		.ask = !talk->contact && !todo->known && !qv_options_bool(settings->listen, "auto_answer"),
		.keep_devices = true,
		.srtp = settings->srtp.class ? &settings->srtp : NULL,
		.udp_port_first = (uint16_t)first_port,
		.udp_port_last = (uint16_t)(last_port > UINT16_MAX ? UINT16_MAX : last_port),
	};
	struct qv_call_result result;
	int status = qv_call_run(&link, talk->contact ? QV_CALL_CALLER : QV_CALL_ANSWERER, &plan, &settings->host,
				 &talk->observer, &result, err);
	report_summary(&talk->report, &result, status == 0 ? NULL : err);
	if (talk->session.session)
		close(fd);
	return status;
}

void conversation_turn_away(struct visio *visio, struct qv_secure_session *session, int fd)
{
	struct qv_link link = { session->tls, session->session, fd };
	qv_call_refuse(&link, QV_REFUSE_BUSY, NULL, &visio->settings.host, NULL);
	qv_secure_session_clear(session);
	close(fd);
}

int conversation_run(struct visio *visio, const struct conversation_plan *plan, struct qv_secure_session *session,
		     int fd, struct qv_error *err)
{
	struct conversation talk = {
		.observer = { .opened = on_opened, .stats = on_stats, .event = on_event },
		.visio = visio,
		.contact = plan->contact,
		.peer = plan->peer,
		.participant = plan->participant,
		.opened = plan->opened,
		.state = "calling",
		.session = *session,
	};
	qv_call_security_of(session, &talk.security);
	set_renewal(&talk);
	report_init(&talk.report, visio->stats, VISIO_SERVER, &talk.session, plan->peer);
	talk.control = qv_call_control_new(err);
	if (!talk.control || !enter(&talk)) {
		if (talk.control)
			qv_fail(err, QV_E_BUSY, "told that this end is busy");
		if (plan->contact) {
			qv_secure_session_clear(session);
			close(fd);
		} else {
			conversation_turn_away(visio, session, fd);
		}
		qv_call_control_free(talk.control);
		return -1;
	}
	report_secured(&talk.report);
	int status = talk_on(&talk, fd, plan, err);
	leave(&talk);
	farewell_keep(&talk);
	if (talk.participant && !plan->participant)
		growing_over(&talk, status, err);
	taping_end(visio);
	control_socket_tell(visio->control, json_pack("{s:s,s:s,s:o}", "event", "over", "peer", plan->peer, "error",
						      status == 0 ? json_null() : json_string(err->message)));
	qv_secure_session_clear(&talk.session);
	return status;
}

/* With the lock held, so that no call ends meanwhile. The token in the greeting tells which call is meant. */
static int attach_to_one(struct visio *visio, const struct qv_secure_session *session,
			 const struct qv_greeting *greeting, const struct qv_link *link, struct qv_error *err)
{
	struct qv_call_security security;
	qv_call_security_of(session, &security);
	if (visio->call_count == 0)
		return qv_fail(err, QV_E_DENIED, "asks to continue a call, and there is none");
	for (size_t i = 0; i < visio->call_count; i++)
		if (succession_check(&visio->calls[i]->session, session, err) == 0 &&
		    qv_call_control_attach(visio->calls[i]->control, greeting, link, &security, err) == 0)
			return 0;
	return -1;
}

int conversation_attach(struct visio *visio, struct qv_secure_session *session, int fd,
			const struct qv_greeting *greeting, struct qv_error *err)
{
	struct qv_link link = { session->tls, session->session, fd };
	pthread_mutex_lock(&visio->lock);
	int status = attach_to_one(visio, session, greeting, &link, err);
	pthread_mutex_unlock(&visio->lock);
	if (status == 0)
		return 0;
	if (farewell_say(visio, session, fd, greeting, err) == 0)
		*err = (struct qv_error)QV_ERROR_INIT;
	else
		qv_call_refuse(&link, QV_REFUSE_DENIED, NULL, &visio->settings.host, NULL);
	qv_secure_session_clear(session);
	close(fd);
	return -1;
}
