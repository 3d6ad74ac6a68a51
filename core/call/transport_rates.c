/* SPDX-License-Identifier: Apache-2.0 */
/* The estimate of the path, told to the encoders. */
#include "transport.h"

#include "control.h"

#define START_ADAPTIVE INT64_C(300000)   /* unless a probe tells another */
#define START_FIXED    INT64_C(20000000) /* of pictures whose rate is what it is: those that do not fit are left out */
#define HIGHER         INT64_C(1000000)  /* than what encoders take at most, for what is sent again */
#define LEAST          INT64_C(50000)
#define HELD_NS        (700 * QV_NS_PER_MS)
#define MOST_FIXED     INT64_C(400000000)

struct qv_rtp_rates transport_rates(const struct outgoing *out)
{
	if (!out || !out->picture_wish.present || !out->picture_wish.adaptive)
		return (struct qv_rtp_rates){ .start = START_FIXED, .min = LEAST, .max = MOST_FIXED };
	int64_t most = (out->picture_wish.most + out->sound_wish.most) * 3 / 2 + HIGHER;
	return (struct qv_rtp_rates){ .start = START_ADAPTIVE, .min = LEAST, .max = most };
}

void transport_tell_rates(struct transport *transport)
{
	struct call_switches *switches = &transport->media->control->switches;
	struct outgoing *out = transport->outgoing;
	struct qv_rtp_congestion_state state;
	if (!out || !transport_up(transport))
		return;
	qv_rtp_congestion_state(transport->congestion, &state);
	struct shares shares = shares_of(state.target, &out->sound_wish, &out->picture_wish);
	struct redundancy *redundancy = &transport->out[QV_STREAM_VIDEO].redundancy;
	const struct share_wish *pictures = &out->picture_wish;
	if (transport->repairs) {
		redundancy_look(redundancy, state.loss, state.queue_ns, transport->out[QV_STREAM_VIDEO].octets);
		int64_t rate = redundancy_share(redundancy, shares.room, pictures->most, pictures->adaptive);
		if (pictures->adaptive && rate >= LEAST && rate < shares.pictures)
			shares.pictures = rate;
	}
	atomic_store(&switches->bitrate[QV_STREAM_AUDIO], shares.sound);
	atomic_store(&switches->bitrate[QV_STREAM_VIDEO], shares.pictures);
	atomic_store(&switches->loss_percent, (int)(state.loss * 100 + 0.5));
}

/* A first picture of the wrong rate would hold sound up for seconds on a narrow path. */
void transport_hold_pictures(struct transport *transport, int64_t now)
{
	const struct outgoing *out = transport->outgoing;
	if (!out || !out->picture_wish.adaptive || !transport->sends[QV_STREAM_VIDEO])
		return;
	transport->held_until = now + HELD_NS;
}

void transport_release_pictures(struct transport *transport, int64_t now)
{
	struct qv_rtp_congestion_state state;
	if (transport->held_until == 0)
		return;
	qv_rtp_congestion_state(transport->congestion, &state);
	if (transport->running && !state.probed && now < transport->held_until)
		return;
	transport->held_until = 0;
	transport_tell_rates(transport);
	atomic_store(&transport->media->control->switches.held, false);
}
