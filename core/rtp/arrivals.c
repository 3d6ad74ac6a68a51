/* SPDX-License-Identifier: Apache-2.0 */
/* When packets arrived, by their transport-wide numbers, until feedback has told. */
#include <qvisio/rtp_flow.h>

#include <stdlib.h>

#define SLOTS   2048
#define NOTHING INT64_MIN

struct qv_rtp_arrivals {
	bool started;
	uint16_t first, last; /* what was not told yet: from first up to last */
	bool any;             /* there is such */
	int64_t origin;       /* of the times that are told, so that they are small and not negative */
	uint8_t number;
	int64_t at[SLOTS];
	struct qv_rtcp_feedback feedback;
};

struct qv_rtp_arrivals *qv_rtp_arrivals_new(struct qv_error *err)
{
	struct qv_rtp_arrivals *arrivals = calloc(1, sizeof *arrivals);
	if (!arrivals) {
		qv_fail(err, QV_E_NOMEM, "no memory for feedback");
		return NULL;
	}
	for (size_t i = 0; i < SLOTS; i++)
		arrivals->at[i] = NOTHING;
	return arrivals;
}

void qv_rtp_arrivals_free(struct qv_rtp_arrivals *arrivals)
{
	free(arrivals);
}

static void restart(struct qv_rtp_arrivals *arrivals, uint16_t transport)
{
	for (size_t i = 0; i < SLOTS; i++)
		arrivals->at[i] = NOTHING;
	arrivals->first = arrivals->last = transport;
}

void qv_rtp_arrivals_note(struct qv_rtp_arrivals *arrivals, uint16_t transport, int64_t now)
{
	if (!arrivals->started) {
		arrivals->started = true;
		arrivals->origin = now - 1000000000;
		restart(arrivals, transport);
	}
	int ahead = qv_rtp_sequence_diff(transport, arrivals->first);
	if (ahead < 0 && ahead > -SLOTS)
		return; /* told as lost already */
	if (ahead < 0 || ahead >= SLOTS)
		restart(arrivals, transport);
	if (qv_rtp_sequence_diff(transport, arrivals->last) > 0)
		arrivals->last = transport;
	int64_t *at = &arrivals->at[transport % SLOTS];
	if (*at == NOTHING)
		*at = now;
	arrivals->any = true;
}

/* What is told next: from the first that arrived; packets lost before it are told as lost by its number alone. */
static void fill(struct qv_rtp_arrivals *arrivals)
{
	struct qv_rtcp_feedback *feedback = &arrivals->feedback;
	feedback->base = arrivals->first;
	while (arrivals->at[feedback->base % SLOTS] == NOTHING)
		feedback->base++;
	feedback->number = arrivals->number;
	feedback->count = 0;
	for (uint16_t i = feedback->base; qv_rtp_sequence_diff(i, arrivals->last) <= 0; i++) {
		int64_t at = arrivals->at[i % SLOTS];
		feedback->arrivals[feedback->count++] =
			(struct qv_rtcp_arrival){ .received = at != NOTHING,
						  .at_us = at != NOTHING ? (at - arrivals->origin) / 1000 : 0 };
		if (feedback->count == QV_RTCP_FEEDBACK_MAX)
			break;
	}
}

bool qv_rtp_arrivals_put(struct qv_rtp_arrivals *arrivals, struct qv_rtcp_writer *writer, uint32_t sender,
			 uint32_t media)
{
	size_t put;
	if (!arrivals->any)
		return false;
	fill(arrivals);
	if (!qv_rtcp_put_feedback(writer, sender, media, &arrivals->feedback, &put))
		return false;
	arrivals->number++;
	uint16_t next = (uint16_t)(arrivals->feedback.base + put);
	for (uint16_t i = arrivals->first; i != next; i++)
		arrivals->at[i % SLOTS] = NOTHING;
	arrivals->first = next;
	arrivals->any = qv_rtp_sequence_diff(arrivals->last, next) >= 0;
	while (arrivals->any && arrivals->at[arrivals->first % SLOTS] == NOTHING && arrivals->first != arrivals->last)
		arrivals->first++;
	if (arrivals->any && arrivals->at[arrivals->first % SLOTS] == NOTHING)
		arrivals->any = false;
	return true;
}
