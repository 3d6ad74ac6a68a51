/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conference of `visio`: who takes part in it, and with whom there is a call. Functions are called with the lock of
 * struct visio held unless they say otherwise.
 */
#ifndef VISIO_MEETING_H
#define VISIO_MEETING_H

#include <qvisio/conference.h>

#include "conversation.h"
#include "socket.h"

struct participant {
	struct meeting *meeting;     /* NULL: this place is free */
	char sae[QV_SAE_ID_MAX + 1]; /* "": not known, as there are no QKD keys */
	char name[SOCKET_NAME_MAX];
	const struct qv_options *contact; /* NULL: cannot be called */
	struct qv_seat *seat;
	struct conversation *talk; /* NULL: no call */
	bool open, was_open;       /* the call is; was once */
	bool joined;               /* it knows of this conference; a call of two may have to become one */
	bool dialing;              /* a thread calls, or will again */
	bool unwanted;             /* and is to stop that */
	unsigned serving;          /* threads that take a call of it */
	bool heard;                /* there never was a call: a peer tells of it */
	char note[200];            /* why there is no call; as in the tile */
	struct qv_roster roster;   /* as it has last told */
};

struct meeting {
	struct qv_conference_observer observer;
	struct visio *visio;
	uint8_t id[QV_CONFERENCE_ID];
	struct qv_conference *devices;
	bool opening, ending;    /* opening: also while the devices are being closed */
	bool any_open;           /* there was a call */
	struct qv_error failure; /* of the last call that failed */
	double credit;           /* calls that may be made because peers tell of somebody */
	int64_t credited_ns;     /* when that was counted last */
	unsigned users;          /* threads that have it */
	struct participant participants[CALLS_MAX];
	struct qv_role windows[DEVICES_MAX],
		loudspeakers[DEVICES_MAX]; /* where files go on with the call that they are of */
};

/*
 * Takes part in the conference of that ID, which begins if there is none. Without the lock; opens devices. NULL with
 * QV_E_BUSY: there is another one, or a call of two.
 */
struct meeting *meeting_join(struct visio *visio, const uint8_t id[QV_CONFERENCE_ID], struct qv_error *err);
/*
 * Begins one beside a call of two, which has the devices until it is seated. NULL with QV_E_BUSY: there is one already. To
 * be parted with as the other.
 */
struct meeting *meeting_grow(struct visio *visio, const uint8_t id[QV_CONFERENCE_ID], struct qv_error *err);
/* One that has just begun, and nobody takes part in. */
void meeting_drop(struct meeting *meeting);
/* Without the lock. Whoever is last ends it. */
void meeting_part(struct meeting *meeting);

/* Ends all calls, and calls nobody any more. */
void meeting_end(struct meeting *meeting);

/* Another camera or microphone, for all calls. */
void meeting_source(struct meeting *meeting, enum qv_stream_kind kind, const struct qv_role *role);

/* Another loudspeaker, for all that is heard. */
void meeting_sink(struct meeting *meeting, const struct qv_role *role);

/* All tiles, as qv_conference_snapshot. */
bool meeting_snapshot(struct meeting *meeting, struct qv_role *role);

/* Calls nobody of that name any more. False: nobody has it. */
bool meeting_give_up(struct meeting *meeting, const char *name);

struct participant *meeting_find(struct meeting *meeting, const char *sae, const char *name);

/* A place for somebody; who was only heard of gives way. NULL with QV_E_BUSY. */
struct participant *meeting_admit(struct meeting *meeting, const char *sae, const char *name,
				  const struct qv_options *contact, struct qv_error *err);
/* There is no call with it, and nobody makes one. */
bool meeting_idle(const struct participant *participant);
void meeting_dismiss(struct participant *participant);

void meeting_note(struct participant *participant, const char *text);
/* A call with somebody has opened, or is over: the others are told. */
void meeting_changed(struct meeting *meeting);

#endif
