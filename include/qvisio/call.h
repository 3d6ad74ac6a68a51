/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One side of a call: capture, encode and send, or receive, decode, show and play, over a finished TLS session.
 *
 * qv_call_send and qv_call_receive block the thread they are called on (which does all network work) until the call
 * is over, and own the threads that capture, encode, decode, show and play; these are joined before they return.
 * Nothing waits for an acknowledgement; no old picture is ever queued behind a new one.
 */
#ifndef QVISIO_CALL_H
#define QVISIO_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <qvisio/audiofilter.h>
#include <qvisio/keysource.h>
#include <qvisio/loader.h>
#include <qvisio/module.h>
#include <qvisio/secure.h>
#include <qvisio/session.h>
#include <qvisio/tls.h>
#include <qvisio/videosink.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* A TLS session after its handshake. All borrowed; after the call, its owner frees the session and closes fd. */
struct qv_link {
	const struct qv_tls_class *tls;
	struct qv_tls_session *session;
	int fd; /* the connected, non-blocking stream socket below the session */
};

/* Where the time from capture to display went. They add up to the whole. */
enum qv_call_stage {
	QV_STAGE_CAPTURE, /* exposure until the program had the frame */
	QV_STAGE_ENCODE,
	QV_STAGE_QUEUE,   /* waiting for the connection to take it */
	QV_STAGE_NETWORK, /* first byte handed to TLS until the last byte came out of it at the other end */
	QV_STAGE_WAIT,    /* waiting for the decoder */
	QV_STAGE_DECODE,
	QV_STAGE_SHOW,  /* until the sink's show returned */
	QV_STAGE_TOTAL, /* capture to display */
	QV_STAGE_COUNT
};
const char *qv_call_stage_name(enum qv_call_stage stage); /* "capture"… Never NULL. */

/* Microseconds over all frames shown; zero count: none. Quantiles are within 2 %. */
struct qv_call_latency {
	uint64_t count;
	int64_t mean_us, median_us, p95_us, p99_us, max_us;
};

/* Totals since the call began. A side fills what it can see; the rest is 0. */
struct qv_call_video_totals {
	uint64_t captured; /* frames the source delivered */
	uint64_t missed;   /* frames the source lost (gaps in its sequence) */
	uint64_t skipped;  /* captured, not encoded because an encoded one was waiting */
	uint64_t encoded;
	uint64_t dropped_outbox; /* encoded, replaced by a newer one before it was sent */
	uint64_t sent;
	uint64_t received;      /* complete access units */
	uint64_t lost;          /* gaps in the sender's sequence: dropped there */
	uint64_t dropped_inbox; /* received, replaced by a newer one before it was decoded */
	uint64_t damaged;       /* the decoder refused them */
	uint64_t decoded;
	uint64_t shown;
	uint64_t bytes; /* of access units sent or received */
};

struct qv_call_audio_totals {
	uint64_t captured; /* samples per channel */
	uint64_t missed;   /* samples per channel that the source lost */
	uint64_t packets_encoded;
	uint64_t dropped_outbox; /* packets, the oldest when the queue was full */
	uint64_t packets_sent;
	uint64_t packets_received;
	uint64_t dropped_inbox; /* packets, by the jitter buffer: to catch up, late, or more than it may hold */
	uint64_t damaged;       /* packets the decoder refused */
	uint64_t played;        /* samples per channel handed to the sink, concealed ones too */
	uint64_t concealed;     /* samples per channel of silence (or the codec's guess) for missing sound */
	uint64_t underruns;     /* times the jitter buffer ran dry */
	uint64_t bytes;         /* of access units sent or received */
};

struct qv_call_totals {
	struct qv_call_video_totals video;
	struct qv_call_audio_totals audio;
	uint64_t bytes_sent, bytes_received; /* of session records, all types */
	/* RTP packets that were lost on the way, and came by repair packets, or again when they were asked for. */
	uint64_t rebuilt, resent;
};

/* How a call is secured now. A program fills what a session says, by qv_call_security_of; the call the rest. */
struct qv_call_security {
	enum qv_secured secured;
	char key_id[QV_KEY_ID_MAX + 1]; /* "" unless keyed by QKD */
	enum qv_key_route route;        /* likewise */
	char peer_sae[QV_SAE_ID_MAX + 1];
	char cipher[160];    /* "TLSv1.3 TLS_AES_256_GCM_SHA384 and X25519"; "": not known */
	char transport[64];  /* of the media: "stream", "srtp"…; "": none yet */
	int64_t key_age_ms;  /* since the key came into use; -1: not yet */
	int64_t next_key_ms; /* until it is to be replaced for its age; -1: not known, or it is late */
	char no_key[200];    /* why the last new key could not be had; "": it could */
	bool no_link;        /* the connection is lost, and the peer is looked for; no session has a key in use */
	bool udp_goes_on;    /* then: media still go over UDP, under the key that the lost session gave */
	bool otp, otp_dry;   /* sound is under one-time pads; and muted, because no key is left for them */
	char sound[160];     /* likewise, in words; "": it is not */
	char text[768];      /* all of it in words, one line, for people */
};

/* What is known after a handshake. */
void qv_call_security_of(const struct qv_secure_session *session, struct qv_call_security *security);

/* What a change of it means to a person. */
enum qv_security_change {
	QV_SECURITY_SAME,
	QV_SECURITY_BETTER, /* or at least not worse: it may be told for a while */
	QV_SECURITY_WORSE   /* it must be told until somebody has seen it */
};

/* How loud sound was during the last interval, in dBFS (a square wave of full scale is 0); -120: silence, or none. */
struct qv_sound_level {
	double rms, peak;
};

/* Sound under one-time pads. */
struct qv_call_otp_state {
	bool on;            /* all sound of the call, both ways, is sealed with pads */
	bool dry;           /* no key is left for the sound of this end: it is muted */
	double needed;      /* bytes of key a second for the sound of this end */
	double link_needed; /* what that and the peer's draw from a link that they share; otherwise as `needed` */
	bool rate_known;    /* what follows is known: as configured, or seen of late */
	double kme_rate;    /* bytes of key a second that the KME gives, without stock that comes in all at once */
	double seconds;     /* for which the key at hand lasts; -1: no sound is sent */
	double stock;       /* for which it lasts with what the KME has, if no more came; -1: unknown */
	double budget;      /* for which it lasts with what the KME has, as that falls; -1: it does not, or unknown */
	uint64_t left;      /* bytes of key at hand for what this end sends */
	uint64_t used, received; /* bytes of key used to seal, and to open */
	uint64_t refused;        /* packets that did not open */
	/* "sound: one-time pad, 41 s of key left, 95 s with the KME's; it gives 1500 of 2800 B/s: lasts 205 s"; "" when off */
	char text[160];
};

/* The state of a call, once a second. */
struct qv_call_stats {
	int64_t elapsed_ns;              /* since the call began */
	double fps;                      /* shown during the last interval, or sent where nothing is received */
	double fps_sent;                 /* sent during the last interval */
	int sent_width, sent_height;     /* of the last picture that was encoded; 0: none yet */
	double kbit_sent, kbit_received; /* kbit/s during the last interval, all records */
	double latency_ms;               /* capture to display, median of the last interval; -1: not known (yet) */
	double jitter_buffer_ms;         /* sound waiting here or, when sending, at the receiver; -1: none */
	double rtt_ms;                   /* shortest of the last pings; -1: not known yet */
	/*
	 * By how much sound was heard before the picture of its time, negative: after it; of the pictures shown during the
	 * last interval. Known only where both are received and played on a device.
	 */
	bool skew_valid;
	double skew_ms, skew_least_ms, skew_most_ms;
	struct qv_call_security security;
	struct qv_call_totals totals;
	struct qv_call_otp_state otp;
	bool report_valid;                           /* sending: the receiver has reported */
	struct qv_receiver_report report;            /* its last report */
	enum qv_transport transport, peer_transport; /* of our media, and of the peer's */
	int64_t rate_target;                         /* bit/s that the path is thought to carry; 0: not known */
	double loss;                                 /* share of our packets that were lost lately, 0 to 1 */
	double redundancy;                           /* repair packets that are sent to each packet of pictures */
	struct qv_sound_level captured;              /* as it was filtered, and also while it is muted */
	struct qv_sound_level played;
	bool filtered; /* what is captured passes an audio filter, which says: */
	struct qv_audiofilter_meters filter;
};

/* What both sides agreed on. */
struct qv_call_opened {
	const char *peer_program;                    /* as it calls itself; hostile text, made printable */
	const struct qv_stream_offer *video, *audio; /* received, or sent where nothing is; NULL: not in this call */
	const struct qv_stream_offer *sent_video, *sent_audio;
	const uint8_t *conference; /* caller: ID of the one that the answerer is in; NULL: not told */
};

/* Something happened in a call. */
enum qv_call_happening {
	QV_CALL_RINGING,      /* caller: somebody is asked; answerer: qv_call_control_answer is waited for */
	QV_CALL_REKEYED,      /* a session with a new key has taken over; `security` */
	QV_CALL_REKEY_FAILED, /* it could not be had, `text` says why; the call goes on with the key that it has */
	QV_CALL_PEER_STATE,   /* `kind` of the peer's streams is `muted` or not, has `ended` or not */
	QV_CALL_DEVICE_GONE,  /* our `kind` of source, or sink of sound, failed; `text`; it is looked for */
	QV_CALL_DEVICE_BACK,
	QV_CALL_KEY,           /* somebody pressed a key in the window: `key` */
	QV_CALL_RECORD_FAILED, /* the recording has stopped by itself; `text` says why */
	QV_CALL_ROSTER,        /* whom the peer has calls with in its conference: `roster`, which may say anything */
	QV_CALL_SECURITY,      /* how the call is secured has changed: `change`, `text` says what, `security` */
	QV_CALL_SNAPSHOT,      /* qv_call_control_snapshot is done; `text`: what failed */
	QV_CALL_TRANSPORT,     /* our media (`of_peer`: the peer's) go over another `transport` now; `text` says why */
	QV_CALL_OTP,           /* `text` says what has become of the one-time pad of sound; nobody must miss it */
	QV_CALL_LINK_LOST,     /* the connection; `text` says why; the peer is looked for, `security` */
	QV_CALL_LINK_BACK,     /* the call goes on in a session with a new key, `security` */
	QV_CALL_HAPPENINGS
};
const char *qv_call_happening_name(enum qv_call_happening happening); /* "ringing"… Never NULL. */

struct qv_call_event {
	enum qv_call_happening happening;
	enum qv_stream_kind kind;
	bool muted, ended;
	bool of_peer;
	enum qv_transport transport;
	int key;          /* see qv_videosink_class.key */
	const char *text; /* NULL: none */
	const char *peer_program;
	const struct qv_call_security *security;
	const struct qv_roster *roster;
	enum qv_security_change change;
};

/* Each caller defines its observer around this. Callbacks come on the thread of the call, are short, may be NULL. */
struct qv_call_observer {
	void (*opened)(struct qv_call_observer *observer, const struct qv_call_opened *opened);
	void (*stats)(struct qv_call_observer *observer, const struct qv_call_stats *stats);
	void (*event)(struct qv_call_observer *observer, const struct qv_call_event *event);
};

enum qv_call_end {
	QV_CALL_SOURCES_ENDED, /* all our sources came to their end and everything was sent */
	QV_CALL_CANCELLED,     /* host->cancel_fd */
	QV_CALL_WINDOW_CLOSED, /* our sink said QV_E_END */
	QV_CALL_PEER_BYE,      /* the peer ended it: peer_bye says why */
	QV_CALL_FAILED         /* the call returned -1 */
};
const char *qv_call_end_name(enum qv_call_end end); /* "sources-ended"… Never NULL. */

struct qv_call_result {
	enum qv_call_end end;
	struct qv_reason peer_bye; /* with QV_CALL_PEER_BYE */
	char peer_program[QV_SESSION_NAME_MAX + 1];
	bool opened;               /* HELLO and WELCOME were exchanged */
	bool has_video, has_audio; /* agreed on; with these formats: received, or sent where nothing is */
	struct qv_stream_offer video, audio;
	bool sends_video, sends_audio; /* likewise, sent */
	struct qv_stream_offer sent_video, sent_audio;
	uint64_t rekeyed, rekey_failures; /* sessions that took over, and that could not be had */
	uint64_t resumed;                 /* likewise, after the one before was lost */
	struct qv_call_otp_state otp;
	struct qv_call_totals totals;
	bool report_valid;                              /* sending: the receiver reported */
	struct qv_receiver_report report;               /* its last report */
	struct qv_call_latency latency[QV_STAGE_COUNT]; /* receiving; on a sender CAPTURE, ENCODE and QUEUE only */
	int64_t duration_ns;                            /* since the call opened */
	int64_t first_frame_ns, last_frame_ns; /* CLOCK_MONOTONIC of the first and last frame sent or shown; 0: none */
	double rtt_ms;                         /* -1: never measured */
	struct qv_error video_error,
		audio_error; /* code not QV_OK: the medium failed while the call went on, or at last */
};

/* Times in ms; 0 takes the default. */
struct qv_call_limits {
	int hello_timeout_ms; /* for HELLO and WELCOME; 5000 */
	int peer_timeout_ms;  /* for a peer that sends nothing, or takes nothing; 10000 */
	int bye_timeout_ms;   /* for the last records and the peer's close; 2000 */
	int ring_timeout_ms;  /* for a person to answer; 60000 */
};

/* Codecs that a side offers for one kind of stream. */
#define QV_CALL_CODECS_MAX 4

/*
 * What to send. A role that is NULL is absent; a source needs a codec. Codecs stand in the order of preference: the peer
 * takes the first that it can decode.
 */
struct qv_send_plan {
	const char *program; /* our name for the peer, "visio_client 0.1.0", at most QV_SESSION_NAME_MAX bytes */
	const struct qv_role *video_source, *audio_source;
	const struct qv_role *video_codecs, *audio_codecs;
	size_t video_codec_count, audio_codec_count; /* 1…QV_CALL_CODECS_MAX */
	struct qv_call_limits limits;
	/* What captured sound goes through, with what this call plays taken for the echo in it. */
	const struct qv_role *audio_filter;
	bool adapt_size; /* pictures are sent smaller where the rate is too low for the camera's size, if the codec can */
};

/* What to do with what comes. */
struct qv_receive_plan {
	const char *program;
	const struct qv_role *video_sinks;  /* that all get the picture */
	size_t video_sink_count;            /* 0: video is not accepted */
	const struct qv_role *audio_sinks;  /* that all get the sound */
	size_t audio_sink_count;            /* 0: sound is not accepted */
	const struct qv_role *video_codecs; /* that may decode, found by their wire_name */
	size_t video_codec_count;
	const struct qv_role *audio_codecs;
	size_t audio_codec_count;
	const char *title;        /* of the window */
	enum qv_secured secured;  /* and words, for the window: see qv_videosink_class.status */
	const char *secured_text; /* NULL: none; a two-way call's plan may say more */
	struct qv_call_limits limits;
};

/*
 * Runs the caller's side: opens the sources, says HELLO and sends until the sources end, the peer says BYE,
 * `host->cancel_fd` becomes readable, or something fails. `observer` may be NULL. `result` is always filled.
 * 0 after a regular end (result->end), -1 otherwise: QV_E_BUSY (the peer is in another call), QV_E_DENIED and
 * QV_E_UNSUPPORTED (it refused), QV_E_PROTOCOL, QV_E_TIMEOUT, QV_E_TRUNCATED, QV_E_GONE, or what a module said.
 * A source that fails during the call is logged and told in `result`; the call goes on with the other one.
 */
int qv_call_send(const struct qv_link *link, const struct qv_send_plan *plan, const struct qv_host *host,
		 struct qv_call_observer *observer, struct qv_call_result *result, struct qv_error *err);

/* Runs the answerer's side, likewise. The video sinks are opened, used and closed on one thread of the call's own. One
 * that fails during the call is given up while another is left. */
int qv_call_receive(const struct qv_link *link, const struct qv_receive_plan *plan, const struct qv_host *host,
		    struct qv_call_observer *observer, struct qv_call_result *result, struct qv_error *err);

/*
 * Fresh keys during a call, make before break. The caller makes a second session with a new key while the first one
 * works; then each side goes over to it between two records, so that nothing is lost or comes twice. Each program
 * defines its renewal around this.
 */
struct qv_call_renewal {
	/*
	 * Caller: connects to the same peer with a new key and fills `link` and `security`. On a thread of the call's own;
	 * gives up when `host->cancel_fd` becomes readable. NULL: the peer is to do it (the answerer). QV_E_GONE: the host is
	 * there, and says that nobody listens; a lost call ends when it has said so for two seconds.
	 */
	int (*renew)(struct qv_call_renewal *renewal, const struct qv_host *host, struct qv_link *link,
		     struct qv_call_security *security, struct qv_error *err);
	/*
	 * Frees the session and closes the socket of a link that the call is done with. Called for every link that came
	 * from `renew` or qv_call_control_attach, and for the link that the call began with once another one follows it.
	 */
	void (*release)(struct qv_call_renewal *renewal, struct qv_link *link);
	int interval_ms;  /* age at which a key is to be replaced; 0: never for its age */
	uint64_t bytes;   /* that one key may protect, both ways together; 0: any number */
	int retry_ms;     /* after a failure; 0: as interval_ms, at most 10000 */
	bool end_without; /* without a new key the call ends (QV_E_NO_KEY) rather than go on with a warning */
	/*
	 * For so long a call whose connection is lost looks for its peer, to go on in a session with a new key; 0: it ends.
	 * Not for a peer before 1.2. One-time pads begin afresh then, with other keys.
	 */
	int reconnect_ms;
};

enum qv_otp_policy {
	QV_OTP_OFF,
	QV_OTP_PREFER, /* when the peer does it too and the KME gives enough; otherwise without, and that is told */
	QV_OTP_REQUIRE /* no sound without */
};

/*
 * Sound under one-time pads (<qvisio/pad.h>) from keys of their own, inside TLS or SRTP. The key source is opened for
 * the call. Where it gives too little, and what it has stored does not last, the call does not begin (QV_E_NO_KEY), or goes
 * without. While it is on there is never any other sound: without key, sound is muted, or the call ends. That the key lasts
 * for less than a minute is told once before.
 */
struct qv_call_otp {
	enum qv_otp_policy policy;
	bool end_when_dry; /* QV_E_NO_KEY; otherwise sound is muted until there is key */
	const struct qv_role *key_source;
	const char *peer; /* SAE ID that the session vouches for; NULL or "": not known, and there can be no pad */
	double reserve;   /* seconds for which key is fetched ahead */
	double kme_rate;  /* bytes of key a second that the KME gives; 0: as its status tells */
	bool shared;      /* what the peer draws for its sound comes from the same store of the same link */
	double minimum;   /* with kme_rate 0: seconds for which what it has must last at least, unless its rate does */
};

/* The two-way call. */
enum qv_call_role { QV_CALL_CALLER, QV_CALL_ANSWERER };

struct qv_call_control; /* see <qvisio/call_control.h> */
struct qv_greeting;

struct qv_call_plan {
	const struct qv_send_plan *send;         /* NULL: nothing is sent */
	const struct qv_receive_plan *receive;   /* NULL: nothing is received */
	const struct qv_call_security *security; /* of the session; NULL: what `receive` says */
	struct qv_call_control *control;         /* NULL: nobody steers the call */
	struct qv_call_renewal *renewal;         /* NULL: one session, one key */
	const struct qv_call_otp *otp;           /* NULL: QV_OTP_OFF */
	const struct qv_greeting *greeting;      /* answerer: what has been read of the session; NULL: nothing */
	bool ask;                                /* answerer: only qv_call_control_answer takes the call */
	bool keep_devices;         /* a source, or paced sink of sound, that fails is opened again until it works */
	const uint8_t *conference; /* QV_CONFERENCE_ID bytes, which the peer is told; NULL: a call of two */
	/*
	 * Kind "srtp": media go over UDP where that passes both ways, and in the session otherwise. NULL: in the session.
	 * The UDP port is one of these; 0: any.
	 */
	const struct qv_role *srtp;
	uint16_t udp_port_first, udp_port_last;
};

/*
 * Runs one side of a call in which both may send and receive; program name and limits are those of `send`, or of
 * `receive` if that is NULL. With a peer of version 1.0 it is the one-way call that such a peer knows. Ends as
 * qv_call_send does, when our sources and the peer's have ended, or as qv_call_control_hang_up says.
 */
int qv_call_run(const struct qv_link *link, enum qv_call_role role, const struct qv_call_plan *plan,
		const struct qv_host *host, struct qv_call_observer *observer, struct qv_call_result *result,
		struct qv_error *err);

/*
 * Answers a caller with REFUSE and closes the session; at most a second. `text` is for the person at the other end,
 * NULL for a usual one.
 */
int qv_call_refuse(const struct qv_link *link, enum qv_refusal code, const char *text, const struct qv_host *host,
		   struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
