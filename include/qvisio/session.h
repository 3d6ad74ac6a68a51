/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session protocol: records in a TLS stream, and what stands in them. doc/PROTOCOL.md gives every byte. All
 * functions here are pure functions over bytes, safe on any thread; every parser takes hostile bytes and fails with
 * QV_E_PROTOCOL. Numbers are big-endian, texts UTF-8, times nanoseconds of the sender's monotonic clock.
 */
#ifndef QVISIO_SESSION_H
#define QVISIO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/keysource.h>
#include <qvisio/media.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_SESSION_MAJOR 1
#define QV_SESSION_MINOR 2

#define QV_RECORD_HEADER      8
#define QV_RECORD_SIZE_MAX    16384 /* header and payload: one TLS record, RFC 8446 section 5.1 */
#define QV_RECORD_PAYLOAD_MAX (QV_RECORD_SIZE_MAX - QV_RECORD_HEADER)

enum qv_record_type {
	QV_RECORD_HELLO = 1,
	QV_RECORD_WELCOME = 2,
	QV_RECORD_REFUSE = 3,
	QV_RECORD_VIDEO = 4,
	QV_RECORD_AUDIO = 5,
	QV_RECORD_PING = 6,
	QV_RECORD_PONG = 7,
	QV_RECORD_STATS = 8,
	QV_RECORD_BYE = 9,
	/* Since 1.1, and only to a peer of 1.1 or later: */
	QV_RECORD_RINGING = 10,  /* the answerer asks a person */
	QV_RECORD_STATE = 11,    /* of a stream that this side sends: muted, ended */
	QV_RECORD_REFRESH = 12,  /* a stream that this side receives needs a key picture */
	QV_RECORD_RENEW = 13,    /* the answerer asks the caller for a session with a new key */
	QV_RECORD_ATTACH = 14,   /* first of a new session: it continues the call that the token names */
	QV_RECORD_ATTACHED = 15, /* in answer to ATTACH */
	QV_RECORD_SWITCH = 16,   /* last of a session in this direction: what follows comes in the new one */
	/* Since 1.2, and only to a peer of 1.2 or later: */
	QV_RECORD_TRANSPORT = 17, /* over what its sender's media go from now on */
	QV_RECORD_ROSTER = 18,    /* the participants of a conference that this side has calls with */
	QV_RECORD_PAD = 19        /* keys for one-time pads: <qvisio/pad.h> */
};

#define QV_RECORD_IGNORABLE 0x80u /* a receiver that does not know the type skips the record */
#define QV_RECORD_KEY       0x01u /* VIDEO, AUDIO: the access unit can be decoded without others */

struct qv_record {
	uint8_t type;           /* enum qv_record_type, or one of a later version */
	uint8_t flags;          /* QV_RECORD_… */
	uint16_t stream;        /* VIDEO, AUDIO: number given in HELLO or WELCOME; 0 otherwise */
	const uint8_t *payload; /* points into what was parsed */
	size_t size;            /* of the payload */
};

/*
 * Reads the record at the start of `bytes`. 1: `record` is filled and QV_RECORD_HEADER + record->size bytes are used up;
 * 0: more bytes are needed; -1.
 */
int qv_record_parse(const uint8_t *bytes, size_t size, struct qv_record *record, struct qv_error *err);

/* Writes a record header. `size` is at most QV_RECORD_PAYLOAD_MAX. */
void qv_record_put_header(uint8_t bytes[QV_RECORD_HEADER], uint8_t type, uint8_t flags, uint16_t stream, size_t size);

/* HELLO (the caller's) and WELCOME (the answer) have the same form. */
#define QV_SESSION_NAME_MAX    63 /* bytes of a program or codec name */
#define QV_SESSION_STREAMS_MAX 8  /* that a side offers */

enum qv_stream_kind { QV_STREAM_VIDEO = 1, QV_STREAM_AUDIO = 2 };

/* A stream that a side offers to send. */
struct qv_stream_offer {
	enum qv_stream_kind kind;
	uint16_t stream;                     /* not 0; unique among the offers of a side */
	char codec[QV_SESSION_NAME_MAX + 1]; /* its wire name */
	struct qv_video_format video;        /* kind video; the pixel format is not sent and reads as QV_PIXEL_I420 */
	struct qv_audio_format audio;        /* kind audio */
	uint32_t block_frames;               /* kind audio: samples per channel and packet, 1…rate */
};

/* What a caller can decode and show, so that the answerer knows what it may offer in return. Since 1.1. */
#define QV_SESSION_TAKES_MAX 8
struct qv_stream_take {
	enum qv_stream_kind kind;
	char codec[QV_SESSION_NAME_MAX + 1]; /* its wire name */
	int width, height;                   /* kind video: the largest picture, 1…QV_VIDEO_SIDE_MAX */
	int fps;                             /* kind video: the highest rate; 0: any */
	int rate, channels;                  /* kind audio: the most of each */
};
/* Whether a stream fits into what is taken. */
bool qv_stream_take_fits(const struct qv_stream_take *take, const struct qv_stream_offer *offer);

/* A conference is a full mesh of calls of two; who knows its random ID was told by a participant. */
#define QV_CONFERENCE_ID 16 /* bytes */

/* Sound under one-time pads. A WELCOME that says other than NONE to a HELLO that does so turns it on. */
enum qv_hello_otp {
	QV_HELLO_OTP_NONE = 0,
	QV_HELLO_OTP_PREFER = 1, /* wanted */
	QV_HELLO_OTP_REQUIRE = 2 /* no sound without */
};

struct qv_hello {
	uint16_t major, minor;                 /* of the protocol */
	char program[QV_SESSION_NAME_MAX + 1]; /* "visio_client 0.1.0"; "" when not told */
	size_t offers;
	struct qv_stream_offer offer[QV_SESSION_STREAMS_MAX];
	size_t accepts; /* WELCOME: streams of the HELLO that the answerer wants */
	uint16_t accept[QV_SESSION_STREAMS_MAX];
	size_t takes; /* HELLO */
	struct qv_stream_take take[QV_SESSION_TAKES_MAX];
	bool in_conference; /* the call is part of this conference; since 1.2 */
	uint8_t conference[QV_CONFERENCE_ID];
	uint16_t srtp_port; /* UDP, where SRTP is taken; 0: it is not. Since 1.2 */
	uint8_t otp;        /* enum qv_hello_otp; since 1.2 */
	bool repairs;       /* repair packets of code 1 are understood; since 1.2 */
	uint32_t resume_ms; /* so long a lost peer is looked for, or waited for; 0: a lost call ends. Since 1.2 */
};

/* Return the payload's size, or -1 QV_E_INVALID when `hello` cannot be sent. */
int qv_hello_encode(const struct qv_hello *hello, uint8_t *bytes, size_t room, struct qv_error *err);
/* Of another major version only major and minor are filled (the rest may mean anything then); still 0. */
int qv_hello_decode(const uint8_t *bytes, size_t size, struct qv_hello *hello, struct qv_error *err);

/* REFUSE and BYE: a number for programs, a text for people. */
enum qv_refusal {
	QV_REFUSE_BUSY = 1,    /* in a call with somebody else */
	QV_REFUSE_VERSION = 2, /* another major version of the protocol */
	QV_REFUSE_MEDIA = 3,   /* none of the offered streams can be decoded here */
	QV_REFUSE_DENIED = 4,  /* the caller is not welcome */
	QV_REFUSE_ERROR = 5    /* the answerer cannot serve now */
};

enum qv_bye {
	QV_BYE_ENDED = 0,    /* every source came to its end */
	QV_BYE_STOPPED = 1,  /* somebody stopped the program */
	QV_BYE_CLOSED = 2,   /* somebody closed the window */
	QV_BYE_FAILED = 3,   /* no medium is left, or another local failure */
	QV_BYE_PROTOCOL = 4, /* the peer broke the protocol */
	QV_BYE_TIMEOUT = 5   /* the peer was silent for too long */
};

#define QV_REASON_TEXT_MAX 255

struct qv_reason {
	uint16_t code;                     /* enum qv_refusal or enum qv_bye, or one of a later version */
	char text[QV_REASON_TEXT_MAX + 1]; /* decoded: printable, invalid UTF-8 and controls are replaced by '?' */
};
int qv_reason_encode(const struct qv_reason *reason, uint8_t *bytes, size_t room, struct qv_error *err);
int qv_reason_decode(const uint8_t *bytes, size_t size, struct qv_reason *reason, struct qv_error *err);

/* VIDEO and AUDIO: a fragment of an access unit. Every fragment has sequence and offset, the first one all the rest. */
#define QV_FRAGMENT_HEADER     12
#define QV_FRAGMENT_HEADER_MAX 48
#define QV_AUDIO_UNIT_MAX      (256u * 1024u) /* largest access unit of sound; QV_PACKET_MAX is that of pictures */

struct qv_unit {
	uint64_t sequence; /* counts access units of the stream that were made; gaps are drops at the sender */
	uint32_t size;     /* of the whole access unit */
	int64_t capture_ns;
	uint32_t capture_us; /* from capture until the program had it */
	uint32_t encode_us;  /* spent on encoding */
	uint32_t queue_us;   /* from then until its first byte was handed to TLS */
	uint64_t position;   /* AUDIO: index of the first sample per channel; VIDEO: the source's frame number */
	uint32_t frames;     /* AUDIO: samples per channel; VIDEO: 0 */
};

struct qv_fragment {
	struct qv_unit unit; /* whole when offset is 0, otherwise only `sequence` */
	uint32_t offset;     /* of `data` in the access unit */
	const uint8_t *data; /* points into the payload */
	size_t size;         /* of data, not 0 */
};

/* Writes the header of a fragment (all but its data) and returns its size, QV_FRAGMENT_HEADER or …_HEADER_MAX. */
size_t qv_fragment_put_header(uint8_t bytes[QV_FRAGMENT_HEADER_MAX], const struct qv_unit *unit, uint32_t offset);
/* `type` is QV_RECORD_VIDEO or QV_RECORD_AUDIO; checks the fragment against the limits of a unit of that type. */
int qv_fragment_decode(uint8_t type, const uint8_t *bytes, size_t size, struct qv_fragment *fragment,
		       struct qv_error *err);

/* PING and PONG: keep-alive, round trip and clock offset. */
#define QV_PING_SIZE 12
#define QV_PONG_SIZE 28

struct qv_ping {
	uint32_t number;
	int64_t sent_ns; /* by the asker's clock */
};
struct qv_pong {
	struct qv_ping ping; /* as it came */
	int64_t received_ns; /* by the answerer's clock */
	int64_t sent_ns;     /* by the answerer's clock */
};
void qv_ping_encode(const struct qv_ping *ping, uint8_t bytes[QV_PING_SIZE]);
int qv_ping_decode(const uint8_t *bytes, size_t size, struct qv_ping *ping, struct qv_error *err);
void qv_pong_encode(const struct qv_pong *pong, uint8_t bytes[QV_PONG_SIZE]);
int qv_pong_decode(const uint8_t *bytes, size_t size, struct qv_pong *pong, struct qv_error *err);

/* STATS: what a receiver has seen since the session began. */
#define QV_STATS_SIZE 72

struct qv_receiver_report {
	uint64_t bytes;          /* of records received */
	uint64_t video_received; /* access units complete */
	uint64_t video_shown;
	uint64_t video_dropped;    /* received, never shown */
	uint64_t audio_received;   /* access units complete */
	uint64_t audio_played;     /* samples per channel, concealed ones too */
	uint64_t audio_concealed;  /* samples per channel that were missing */
	int64_t latency_us;        /* capture to display, median of the last second; -1 unknown */
	uint32_t jitter_buffer_us; /* sound waiting to be played */
	uint32_t reserved;         /* 0 */
};
void qv_stats_encode(const struct qv_receiver_report *report, uint8_t bytes[QV_STATS_SIZE]);
int qv_stats_decode(const uint8_t *bytes, size_t size, struct qv_receiver_report *report, struct qv_error *err);

/* STATE and REFRESH. */
#define QV_STREAM_MUTED 0x01u /* nothing of the microphone or camera is in it */
#define QV_STREAM_ENDED 0x02u /* its source came to its end */

#define QV_STATE_SIZE   3
#define QV_REFRESH_SIZE 2

struct qv_stream_state {
	uint16_t stream;
	uint8_t bits; /* QV_STREAM_…; others belong to later versions */
};
void qv_state_encode(const struct qv_stream_state *state, uint8_t bytes[QV_STATE_SIZE]);
int qv_state_decode(const uint8_t *bytes, size_t size, struct qv_stream_state *state, struct qv_error *err);
void qv_refresh_encode(uint16_t stream, uint8_t bytes[QV_REFRESH_SIZE]);
int qv_refresh_decode(const uint8_t *bytes, size_t size, uint16_t *stream, struct qv_error *err);

/* TRANSPORT: in words for people, with a code for programs. */
enum qv_transport { QV_TRANSPORT_STREAM = 0, QV_TRANSPORT_SRTP = 1 };

struct qv_transport_state {
	enum qv_transport transport;       /* another one, of a later version, reads as QV_TRANSPORT_STREAM */
	char text[QV_REASON_TEXT_MAX + 1]; /* why; as in struct qv_reason */
};
int qv_transport_encode(const struct qv_transport_state *state, uint8_t *bytes, size_t room, struct qv_error *err);
int qv_transport_decode(const uint8_t *bytes, size_t size, struct qv_transport_state *state, struct qv_error *err);

/* ATTACH: who knows the token is an end of the running call. */
#define QV_ATTACH_TOKEN 32 /* bytes; from the exporter of the session that is to be followed */
#define QV_ATTACH_SIZE  (8 + QV_ATTACH_TOKEN)
#define QV_ATTACH_LABEL "EXPORTER-qvisio-attach"
/* Record flag of an ATTACH whose caller has lost the old session: the call goes on in the new one at once. */
#define QV_RECORD_GIVES_UP    0x02u
#define QV_ATTACH_RESUME_SIZE (QV_ATTACH_SIZE + 4)

void qv_attach_encode(const uint8_t token[QV_ATTACH_TOKEN], uint8_t bytes[QV_ATTACH_SIZE]);
/* `token` points into `bytes`. */
int qv_attach_decode(const uint8_t *bytes, size_t size, const uint8_t **token, struct qv_error *err);

/* With QV_RECORD_GIVES_UP the token is followed by the generation of keys for SRTP that the new session gives; 0: none. */
void qv_attach_encode_resume(const uint8_t token[QV_ATTACH_TOKEN], uint32_t generation,
			     uint8_t bytes[QV_ATTACH_RESUME_SIZE]);
int qv_attach_decode_resume(const uint8_t *bytes, size_t size, const uint8_t **token, uint32_t *generation,
			    struct qv_error *err);

/* ROSTER. */
#define QV_ROSTER_MAX      5 /* participants, besides the one who tells: six in all */
#define QV_ROSTER_SIZE_MAX (1 + QV_ROSTER_MAX * (1 + QV_SAE_ID_MAX) + QV_CONFERENCE_ID)

struct qv_roster {
	size_t count;
	char sae[QV_ROSTER_MAX][QV_SAE_ID_MAX + 1]; /* printable ASCII without blanks */
	bool named;                                 /* the conference is: */
	uint8_t conference[QV_CONFERENCE_ID];
};
/* Return the payload's size, or -1 QV_E_INVALID when `roster` cannot be sent. */
int qv_roster_encode(const struct qv_roster *roster, uint8_t *bytes, size_t room, struct qv_error *err);
/* What stands behind the list belongs to later versions. */
int qv_roster_decode(const uint8_t *bytes, size_t size, struct qv_roster *roster, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
