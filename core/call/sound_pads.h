/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one-time pads of a call's sound, as its packets meet them: whole units in the session, payloads of RTP over UDP. A
 * packet says where in the pad it stands, so that each opens by itself, in any order, once.
 */
#ifndef QV_CALL_SOUND_PADS_H
#define QV_CALL_SOUND_PADS_H

#include <qvisio/pad.h>
#include <qvisio/session.h>

struct sound_pads {
	struct qv_pad *seals, *opens;
	bool ready;       /* there is key to seal with */
	bool starved;     /* a packet found none */
	uint64_t refused; /* packets that did not open */
};

/*
 * `packet` has room for size + QV_PAD_OVERHEAD bytes and does not overlap. The tag covers sequence, position and frames of
 * the unit. QV_E_NO_KEY.
 */
int sound_pads_seal(struct sound_pads *pads, const struct qv_unit *unit, const uint8_t *plain, size_t size,
		    uint8_t *packet, struct qv_error *err);

/* The size of what was sealed; -1: see qv_pad_open. */
int sound_pads_open(struct sound_pads *pads, const struct qv_unit *unit, const uint8_t *packet, size_t size,
		    uint8_t *plain, struct qv_error *err);

/*
 * What the tag of a payload of RTP covers: the numbers as the packet tells them, and no samples, of which a unit in the
 * session has one at least. So neither can be taken for the other.
 */
struct qv_unit sound_pads_payload(const struct qv_unit *unit);

#endif
