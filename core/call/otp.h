/* SPDX-License-Identifier: Apache-2.0 */
/* Sound of a call under one-time pads: both pads, what they need of key, and what happens when there is none. */
#ifndef QV_CALL_OTP_H
#define QV_CALL_OTP_H

#include "key_budget.h"
#include "pad_worker.h"
#include "sound_pads.h"
#include "unit_buffer.h"

#define OTP_FLIGHTS 64  /* batches told to the peer, of which it has not said yet what it holds */
#define OTP_EARLY   256 /* batches taken before the call */

struct side;

struct otp {
	const struct qv_call_otp *plan; /* NULL: not wanted at all */
	const struct media *media;
	bool can; /* the key source is there and gives enough */
	bool on;  /* both sides want it: all sound of the call is sealed */
	struct pad_source source;
	struct pad_worker takes, claims;
	bool sends, receives; /* sound */
	struct sound_pads pads;
	unsigned pad; /* how often they began afresh */
	double rate;  /* bytes of key a second that the KME gives, negative when others take more */
	bool rate_known;
	int64_t stored;                     /* bytes that the KME had before the call; -1: it does not say */
	struct pad_batch *early[OTP_EARLY]; /* taken before the call, to see how fast the KME gives more */
	size_t early_next, early_count;     /* of these the first were told to the peer */
	struct key_budget budget;
	double drawn;                 /* bytes of key that were taken */
	double peer_drawn, peer_lost; /* bytes of key that the peer told of, and that no pad has got */
	int64_t status_ns;            /* the KME is not asked for its status before */
	bool told_short;              /* that the key lasts for less than a minute */
	unsigned key_bits;            /* of a key that is asked for; 0: the source's default */
	size_t key_bytes;
	size_t batch_keys;
	uint64_t told_end, heard_end;          /* of the pads, with keys that are still on their way */
	struct pad_batch *flight[OTP_FLIGHTS]; /* ring, in the order in which they were told */
	size_t flight_first, flight_count;
	struct pad_batch *to_tell, *to_answer; /* when too many records wait to be sent */
	size_t flight_bytes, asked_bytes;      /* told, and wanted of the key source */
	int64_t retry_ns, opened_ns;
	bool filled, dry;        /* there has been key; sound is muted until there is some */
	struct unit_buffer made; /* of a unit, by sealing or opening */
	struct qv_call_otp_state state;
	struct qv_error failure; /* why the last keys could not be had; code QV_OK: they could */
	struct qv_error refusal; /* code not QV_OK: why this end does not do it at all */
};

/* Opens the key source and judges what it gives. -1: a caller whose policy is to go without in no case. */
int otp_prepare(struct side *side, struct qv_error *err);
/* Whether the key source gives what the sound of this end needs. */
int otp_judge(struct side *side, struct qv_error *err);
/* Likewise, of the codec that the peer has chosen. */
int otp_count_need(struct side *side, struct qv_error *err);
/* The KME's status, and bytes of so many of the keys that it counts there. */
int otp_status(const struct otp *otp, struct qv_keysource_status *status, struct qv_error *err);
double otp_bytes_of(const struct qv_keysource_status *status, int64_t keys);
/*
 * Looks for at most some seconds how fast keys come, and fills in `rate` and the newest `stored`. From a store that is
 * full keys are drawn for that. False: it cannot be seen, or need not, for there are `enough` bytes in the store.
 */
bool otp_measure(struct side *side, struct qv_keysource_status *status, double need, double enough);
/* Asks for the status of the key source, when it is time; takes what it says; and tells when the key will not last. */
void otp_ask_status(struct otp *otp);
void otp_take_status(struct side *side, const struct pad_batch *batch);
/* What a greeting says of it. */
uint8_t otp_word(const struct otp *otp);
/*
 * The peer's greeting has come and its streams are known. 0: `on` is set or not; -1 when that does not agree with the
 * policy of one side: the call is not to be.
 */
int otp_agree(struct side *side, uint8_t peer_word, struct qv_error *err);
/* The call has opened. */
int otp_start(struct side *side, struct qv_error *err);

/* The call goes on in another session: both ends begin fresh pads, and agree on keys for them anew. */
void otp_resume(struct otp *otp);

/* A PAD record. */
int otp_record(struct side *side, const struct qv_record *record, struct qv_error *err);
/* Woken, or a second has passed: fetches, tells and answers. -1: the pad ran dry, and the plan ends the call then. */
int otp_look(struct side *side, struct qv_error *err);
/* Updates the state that is told, once a second. */
void otp_second(struct otp *otp);
/* Says something that must not be missed. */
void otp_say(struct side *side, const char *text);
/* Nothing of the microphone goes out because no key is left for it. */
bool otp_silent(const struct otp *otp);

/* Seals a unit for the session in place. False: there is no key for it, and it must not be sent. */
bool otp_seal(struct otp *otp, struct unit_buffer *unit);
/* What seals and opens the payloads of RTP; NULL: nothing does. */
struct sound_pads *otp_pads(struct otp *otp);
/* A packet was not sealed for want of key: that is looked at soon. */
void otp_note_starved(struct otp *otp);
/* Opens a unit in place. 1; 0: it came twice; -1. */
int otp_open(struct otp *otp, struct unit_buffer *unit, struct qv_error *err);

/* Gives up what is between the key source and the peer. */
void otp_drop_flights(struct otp *otp);

/* Joins the threads, which media->stop must have stopped. */
void otp_clear(struct otp *otp);

#endif
