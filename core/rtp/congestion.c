/* SPDX-License-Identifier: Apache-2.0 */
/* The rate to send with: draft-ietf-rmcat-gcc-02 sections 5.5 and 6. */
#include <qvisio/rtp_flow.h>

#include <stdlib.h>

#include <qvisio/clock.h>

#include "loss_bound.h"
#include "path_queue.h"
#include "probe.h"
#include "rtcp.h"
#include "trend.h"

#define SLOTS             4096 /* packets in flight that are remembered; a power of two */
#define BETA              0.85
#define CUT               0.9  /* of what came through while packets queued */
#define CUT_MOST          0.3  /* is left, at least: others may have had the path for a moment */
#define FIRST_RISE        0.6  /* of the rate a second, until the path was full for the first time */
#define RISE              0.08 /* … where its capacity is not known */
#define NEAR_RISE         0.05
#define CAPACITY_PASSED   1.3 /* times what was found, without a queue: the path is another */
#define PROBE_FIRST       8   /* times the rate to begin with, with few bytes: the path may be narrow */
#define PROBE_FIRST_BYTES 4000
#define PROBE_RISE        2.0
#define PROBE_NS          25e6 /* that a cluster takes to leave */
#define PROBE_LEAST       2000 /* bytes */
#define PROBE_ALL         0.9  /* of the rate that was sent: it carries all of it */
#define PROBE_GAIN        1.05
#define PROBE_SOON_NS     (100 * QV_NS_PER_MS)
#define PROBE_BLANKS      3   /* clusters in a row of which too little came to tell, before one waits */
#define PROBE_WORTH       0.9 /* of the highest rate: more is not worth it */
#define PROBE_WAIT_NS     (5 * QV_NS_PER_SECOND)
#define PROBE_WAIT_MOST   (20 * QV_NS_PER_SECOND)
#define PROBE_CALM_NS     (10 * QV_NS_PER_SECOND) /* since a queue lowered the rate */
#define RATE_WINDOW_NS    (500 * QV_NS_PER_MS)
#define RATE_SAMPLES      1024
#define BUSY_WINDOW_NS    (250 * QV_NS_PER_MS)
#define BUSY_LEAST_NS     (80 * QV_NS_PER_MS)
#define BUSY_PACKETS      7
#define GROWTH_NS         (30 * QV_NS_PER_MS) /* too quick to wait for a trend */
#define LARGE_BITS        (1200 * 8)
#define STANDING_NS       (8 * QV_NS_PER_MS)   /* a queue that is of the rate, not of bursts and clocks */
#define DRAIN_NS          (300 * QV_NS_PER_MS) /* in which a queue is to be gone */
#define DRAIN_MAX_NS      (3 * QV_NS_PER_SECOND)
#define QUEUE_SMALL_NS    (25 * QV_NS_PER_MS)
#define DRAIN_MIN         0.2                    /* of the capacity that is used while draining, at least */
#define DELAYED_NS        (500 * QV_NS_PER_MS)   /* for which loss may be of a queue that was seen */
#define OUTAGE_NS         (1 * QV_NS_PER_SECOND) /* without feedback: what was lost meanwhile is no share of the rate */
#define RTT_WINDOW_NS     (10 * QV_NS_PER_SECOND)
#define FEEDBACK_NS       (50 * QV_NS_PER_MS) /* that the peer waits with what it has to tell, at most */
#define SILENCE_NS        (2 * QV_NS_PER_SECOND)
#define PACE              1.25
#define PACE_QUICK        2.5
#define PACE_FULL         1.02 /* what the path is known to carry is not passed otherwise */
#define QUICK_LOSS        0.05
#define QUICK_NS          (15 * QV_NS_PER_MS)
#define WAIT_DECREASE_NS  (200 * QV_NS_PER_MS)

struct sent {
	int64_t at;
	uint32_t size;
	uint16_t transport;
	bool open; /* nothing is known of it yet */
};

struct sample {
	int64_t arrived;
	uint32_t size;
};

struct qv_rtp_congestion {
	struct qv_rtp_rates rates;
	struct sent sent[SLOTS];
	uint16_t expected; /* everything before was spoken of, or was to be */
	uint16_t told_end; /* of the packets that the last feedback spoke of */
	uint8_t number;    /* of that feedback */
	bool any_sent, any_feedback;
	int64_t last_told_us, wraps_ns; /* to unwrap the receiver's times */
	struct trend trend;
	struct sample samples[RATE_SAMPLES];
	size_t sample_at, sample_count;
	int64_t received; /* bit/s */
	struct path_queue queue;
	double by_delay; /* bit/s */
	struct loss_bound by_loss;
	double capacity; /* where the path was full; 0: not seen yet */
	double decreased_from;
	int64_t decreased_arrival; /* of the receiver's time */
	int64_t decreased_at, drain_until, updated_at, feedback_at;
	int64_t rtt;
	int64_t rtt_least[2], rtt_since; /* of this window and of the last */
	int64_t in_flight;               /* bytes of which nothing is known yet */
	int64_t heard_at;                /* the last feedback came */
	struct probe probe;
	bool probed;         /* the first one is over */
	unsigned blanks;     /* probes that told nothing, in a row */
	int64_t probe_after; /* the next one waits until then, */
	int64_t probe_wait;  /* and the one after it so long */
	int64_t begun_at;    /* the probe that is on */
	int64_t cut_at;      /* by_delay was lowered to what came through; 0: never */
	int64_t queued_at;   /* a queue was seen last; 0: never */
};

static struct loss_limits limits_of(const struct qv_rtp_congestion *c)
{
	return (struct loss_limits){ (double)c->rates.min, (double)c->rates.max };
}

struct qv_rtp_congestion *qv_rtp_congestion_new(const struct qv_rtp_rates *rates, struct qv_error *err)
{
	struct qv_rtp_congestion *c = NULL;
	if (rates->min < 1000 || rates->start < rates->min || rates->max < rates->start ||
	    rates->max > INT64_C(10000000000))
		qv_fail(err, QV_E_INVALID, "rates of %lld, %lld and %lld bit/s are not in order", (long long)rates->min,
			(long long)rates->start, (long long)rates->max);
	else if (!(c = calloc(1, sizeof *c)))
		qv_fail(err, QV_E_NOMEM, "no memory for a congestion controller");
	if (!c)
		return NULL;
	c->rates = *rates;
	c->probe_wait = PROBE_WAIT_NS;
	c->by_delay = (double)rates->start;
	struct loss_limits limits = limits_of(c);
	loss_bound_start(&c->by_loss, &limits);
	path_queue_start(&c->queue);
	trend_start(&c->trend);
	return c;
}

void qv_rtp_congestion_free(struct qv_rtp_congestion *c)
{
	free(c);
}

static void close_slot(struct qv_rtp_congestion *c, struct sent *sent)
{
	if (sent->open)
		c->in_flight -= sent->size;
	sent->open = false;
}

void qv_rtp_congestion_sent(struct qv_rtp_congestion *c, uint16_t transport, size_t size, int64_t now)
{
	if (!c->any_sent) {
		c->any_sent = true;
		c->expected = transport;
		c->updated_at = c->feedback_at = c->heard_at = now;
	}
	close_slot(c, &c->sent[transport % SLOTS]);
	c->in_flight += (int64_t)size;
	c->sent[transport % SLOTS] =
		(struct sent){ .at = now, .size = (uint32_t)size, .transport = transport, .open = true };
	probe_sent(&c->probe, transport, size, now);
}

static struct sent *find(struct qv_rtp_congestion *c, uint16_t transport)
{
	struct sent *sent = &c->sent[transport % SLOTS];
	return sent->open && sent->transport == transport ? sent : NULL;
}

static void count(struct qv_rtp_congestion *c, bool lost, int64_t now)
{
	struct loss_limits limits = limits_of(c);
	struct loss_view view = { .now = now,
				  .rtt = c->rtt,
				  .rate = c->by_delay,
				  .delayed = c->queued_at && now - c->queued_at < DELAYED_NS };
	loss_bound_count(&c->by_loss, &limits, lost, &view);
}

/* The bits of the last half second of arrivals. */
static void measure(struct qv_rtp_congestion *c, int64_t arrived, uint32_t size)
{
	c->samples[c->sample_at] = (struct sample){ .arrived = arrived, .size = size };
	c->sample_at = (c->sample_at + 1) % RATE_SAMPLES;
	c->sample_count += c->sample_count < RATE_SAMPLES;
	int64_t bytes = 0, oldest = arrived;
	for (size_t i = 1; i <= c->sample_count; i++) {
		const struct sample *sample = &c->samples[(c->sample_at + RATE_SAMPLES - i) % RATE_SAMPLES];
		if (arrived - sample->arrived > RATE_WINDOW_NS)
			break;
		if (sample->arrived < oldest)
			oldest = sample->arrived;
		bytes += sample->size;
	}
	int64_t span = arrived - oldest;
	if (span >= RATE_WINDOW_NS / 4)
		c->received = bytes * 8 * QV_NS_PER_SECOND / span;
}

/* What a large packet takes on a path that carries no more than is sent. */
static int64_t grain_of(const struct qv_rtp_congestion *c)
{
	return (int64_t)(LARGE_BITS * (double)QV_NS_PER_SECOND / c->by_delay);
}

/* What came of the path while packets queued on it, after this arrival: what it carries. 0: not known. */
static int64_t measure_busy(const struct qv_rtp_congestion *c, int64_t after)
{
	int64_t arrived = c->queue.arrived, since = c->queue.busy_since, bytes = 0;
	size_t packets = 0;
	if (since == 0)
		return 0;
	if (since < after)
		since = after;
	if (arrived - since > BUSY_WINDOW_NS)
		since = arrived - BUSY_WINDOW_NS;
	if (arrived - since < BUSY_LEAST_NS)
		return 0;
	for (size_t i = 1; i <= c->sample_count; i++) {
		const struct sample *sample = &c->samples[(c->sample_at + RATE_SAMPLES - i) % RATE_SAMPLES];
		if (sample->arrived <= since)
			break;
		bytes += sample->size;
		packets++;
	}
	return packets < BUSY_PACKETS ? 0 : bytes * 8 * QV_NS_PER_SECOND / (arrived - since);
}

/* The receiver's time without its wraps. */
static int64_t unwrap(struct qv_rtp_congestion *c, int64_t us)
{
	if (c->any_feedback && us < c->last_told_us - FEEDBACK_WRAP_US / 2)
		c->wraps_ns += FEEDBACK_WRAP_US * 1000;
	if (c->any_feedback && us > c->last_told_us + FEEDBACK_WRAP_US / 2)
		c->wraps_ns -= FEEDBACK_WRAP_US * 1000;
	c->last_told_us = us;
	c->any_feedback = true;
	return us * 1000 + c->wraps_ns;
}

/*
 * What was sent before and was not spoken of is lost; but where a feedback is missing, nothing is known of what it was
 * to tell.
 */
static void pass_over(struct qv_rtp_congestion *c, const struct qv_rtcp_feedback *feedback, int64_t now)
{
	bool missing = c->any_feedback && feedback->number != (uint8_t)(c->number + 1);
	bool outage = now - c->heard_at > OUTAGE_NS;
	int ahead = qv_rtp_sequence_diff(feedback->base, c->expected);
	if (ahead <= 0)
		return;
	for (; ahead < SLOTS && c->expected != feedback->base; c->expected++) {
		struct sent *sent = find(c, c->expected);
		if (!sent)
			continue;
		close_slot(c, sent);
		if (!outage && (!missing || qv_rtp_sequence_diff(c->expected, c->told_end) < 0))
			count(c, true, now);
	}
	c->expected = feedback->base;
}

/* One that comes out of order has told of packets that were passed over. */
static void note_number(struct qv_rtp_congestion *c, const struct qv_rtcp_feedback *feedback)
{
	if (c->any_feedback && (int8_t)(uint8_t)(feedback->number - c->number) <= 0)
		return;
	c->number = feedback->number;
	c->told_end = (uint16_t)(feedback->base + feedback->count);
}

static double lowered(const struct qv_rtp_congestion *c, double carried)
{
	double least = CUT_MOST * c->decreased_from;
	return CUT * carried > least ? CUT * carried : least;
}

static void drain(struct qv_rtp_congestion *c, int64_t now)
{
	c->decreased_arrival = c->queue.arrived;
	c->drain_until = now + DRAIN_MAX_NS;
}

/* To less than what goes through; where that is more than is sent, what queues is of a burst. */
static void decrease(struct qv_rtp_congestion *c, int64_t now)
{
	double carried = (double)measure_busy(c, 0);
	if (carried == 0)
		carried = c->received > 0 ? (double)c->received : c->by_delay;
	if (c->capacity > 0 && now - c->decreased_at < WAIT_DECREASE_NS + c->rtt)
		return;
	c->capacity = carried;
	c->decreased_from = c->by_delay;
	if (c->by_delay > CUT * carried) {
		c->by_delay = lowered(c, carried);
		c->cut_at = now;
	}
	c->decreased_at = now;
	drain(c, now);
}

/* While the queue stands it is measured on, as some of what came before came of another rate. */
static void correct(struct qv_rtp_congestion *c)
{
	double carried = (double)measure_busy(c, c->decreased_arrival);
	if (carried == 0)
		return;
	c->capacity = carried;
	c->by_delay = c->decreased_from > CUT * carried ? lowered(c, carried) : c->decreased_from;
}

/* bit/s, near what was found: a packet in each response time. */
static double near_step(const struct qv_rtp_congestion *c)
{
	double packets = 1200 * 8 * (double)QV_NS_PER_SECOND / (double)(c->rtt + 100 * QV_NS_PER_MS);
	return packets > NEAR_RISE * c->by_delay ? packets : NEAR_RISE * c->by_delay;
}

static void increase(struct qv_rtp_congestion *c, int64_t now)
{
	double seconds = (double)(now - c->updated_at) / (double)QV_NS_PER_SECOND;
	double limit = 1.5 * (double)c->received + 10000, before = c->by_delay;
	if (seconds > 1)
		seconds = 1;
	if (c->by_delay > CAPACITY_PASSED * c->capacity)
		c->capacity = 0;
	if (c->capacity == 0)
		c->by_delay *= 1 + FIRST_RISE * seconds;
	else if (c->by_delay < 1.05 * c->capacity)
		c->by_delay += seconds * near_step(c);
	else
		c->by_delay *= 1 + RISE * seconds;
	/* Without a source that fills the rate nothing is known of what is above. */
	if (c->received > 0 && c->by_delay > limit)
		c->by_delay = before > limit ? before : limit;
}

static void update(struct qv_rtp_congestion *c, int64_t now)
{
	int64_t standing = path_queue_standing(&c->queue);
	bool over = (c->trend.state == TREND_OVERUSE && standing >= STANDING_NS) ||
		    path_queue_growth(&c->queue) >= GROWTH_NS;
	if (over)
		decrease(c, now);
	else if (c->trend.state != TREND_UNDERUSE && now >= c->drain_until)
		increase(c, now);
	if (now < c->drain_until)
		correct(c);
	if (standing >= QUEUE_SMALL_NS || over)
		c->queued_at = now;
	if (standing < QUEUE_SMALL_NS && !over)
		c->drain_until = now;
	c->updated_at = now;
	if (c->by_delay < (double)c->rates.min)
		c->by_delay = (double)c->rates.min;
	if (c->by_delay > (double)c->rates.max)
		c->by_delay = (double)c->rates.max;
}

/* The first one may lower the rate too: that was a guess. */
static void take_result(struct qv_rtp_congestion *c, const struct probe_result *result, int64_t now)
{
	bool all = result->came >= PROBE_ALL * result->sent;
	double rate = result->came == 0 ? 0 : all ? result->sent : result->came;
	bool gained = BETA * rate > PROBE_GAIN * c->by_delay;
	if (rate == 0 && c->blanks++ < PROBE_BLANKS) {
		c->probe_after = now + PROBE_SOON_NS;
		return;
	}
	c->blanks = 0;
	c->probe_wait = gained ? PROBE_WAIT_NS : c->probe_wait < PROBE_WAIT_MOST ? 2 * c->probe_wait : c->probe_wait;
	c->probe_after = gained || !c->probed ? now + PROBE_SOON_NS : now + c->probe_wait;
	if (rate > 0 && c->decreased_at <= c->begun_at && (gained || !c->probed)) {
		c->by_delay = c->decreased_from = BETA * rate;
		c->capacity = all ? 0 : rate;
		if (!all)
			drain(c, now);
	}
	c->probed = true;
}

static void look_at_probe(struct qv_rtp_congestion *c, int64_t now)
{
	struct probe_result result;
	uint16_t told = c->any_feedback ? c->told_end : c->probe.first;
	if (!probe_done(&c->probe, told, now, c->rtt, &result))
		return;
	take_result(c, &result, now);
	if (c->by_delay < (double)c->rates.min)
		c->by_delay = (double)c->rates.min;
	if (c->by_delay > (double)c->rates.max)
		c->by_delay = (double)c->rates.max;
}

/* Not where the path is full now, or was lately, as what it carries is known then; nor where more is of no use. */
static bool may_probe(const struct qv_rtp_congestion *c, int64_t now)
{
	if (!c->probed || c->probe.on)
		return !c->probe.on && now >= c->probe_after;
	bool full = now < c->drain_until || path_queue_standing(&c->queue) >= STANDING_NS ||
		    (c->cut_at && now - c->cut_at < PROBE_CALM_NS) || c->by_loss.rate < c->by_delay;
	return now >= c->probe_after && !full && c->by_delay < PROBE_WORTH * (double)c->rates.max;
}

bool qv_rtp_congestion_probe(struct qv_rtp_congestion *c, struct qv_rtp_probe *probe, int64_t now)
{
	look_at_probe(c, now);
	if (!may_probe(c, now))
		return false;
	double rate = (c->probed ? PROBE_RISE : PROBE_FIRST) * c->by_delay;
	if (c->probed && rate > (double)c->rates.max / BETA)
		rate = (double)c->rates.max / BETA;
	double bytes = rate / 8 * PROBE_NS / (double)QV_NS_PER_SECOND;
	double least = c->probed ? PROBE_LEAST : PROBE_FIRST_BYTES;
	*probe = (struct qv_rtp_probe){ .rate = (int64_t)rate,
					.bytes = c->probed && bytes > least ? (size_t)bytes : (size_t)least };
	probe_start(&c->probe, probe->bytes);
	c->begun_at = now;
	return true;
}

static void note_least(struct qv_rtp_congestion *c, int64_t rtt, int64_t now)
{
	if (now - c->rtt_since > RTT_WINDOW_NS) {
		c->rtt_least[1] = c->rtt_least[0];
		c->rtt_least[0] = rtt;
		c->rtt_since = now;
	}
	if (rtt < c->rtt_least[0])
		c->rtt_least[0] = rtt;
}

void qv_rtp_congestion_feedback(struct qv_rtp_congestion *c, const struct qv_rtcp_feedback *feedback, int64_t now)
{
	bool any = false;
	if (!c->any_sent || feedback->count == 0)
		return;
	pass_over(c, feedback, now);
	c->heard_at = now;
	note_number(c, feedback);
	for (size_t i = 0; i < feedback->count; i++) {
		uint16_t transport = (uint16_t)(feedback->base + i);
		struct sent *sent = find(c, transport);
		if (!sent)
			continue;
		any = true;
		if (!feedback->arrivals[i].received) {
			/* It may still come, out of order; pass_over counts it when the next feedback is beyond it. */
			continue;
		}
		close_slot(c, sent);
		count(c, false, now);
		int64_t arrived = unwrap(c, feedback->arrivals[i].at_us);
		trend_add(&c->trend, sent->at, arrived);
		probe_came(&c->probe, transport, sent->size, arrived);
		measure(c, arrived, sent->size);
		path_queue_add(&c->queue, arrived - sent->at, arrived, grain_of(c));
		int64_t rtt = now - sent->at;
		c->rtt = c->rtt ? c->rtt + (rtt - c->rtt) / 8 : rtt;
		note_least(c, rtt, now);
	}
	if (!any)
		return;
	c->feedback_at = now;
	update(c, now);
	look_at_probe(c, now);
}

void qv_rtp_congestion_tick(struct qv_rtp_congestion *c, int64_t now)
{
	if (!c->any_sent || now - c->feedback_at < SILENCE_NS)
		return;
	c->feedback_at = now;
	c->by_delay = c->by_delay / 2 > (double)c->rates.min ? c->by_delay / 2 : (double)c->rates.min;
}

/* A picture should leave well within the time to the next, but not queue on the path, nor be dropped there as a burst. */
static int64_t pace_of(const struct qv_rtp_congestion *c, double target, int64_t queued)
{
	bool careful = queued >= QUICK_NS || c->by_loss.full > 0 || c->by_loss.share >= QUICK_LOSS;
	double pace = (careful ? PACE : PACE_QUICK) * target;
	double carried = c->capacity / (1 - (c->by_loss.share < 0.5 ? c->by_loss.share : 0.5)); /* what is lost too */
	if (carried > 0 && carried < pace)
		pace = carried > PACE_FULL * target ? carried : PACE_FULL * target;
	return (int64_t)pace;
}

/*
 * What waits on the path by what is in flight, in ns of what it carries: it needs no feedback of a packet to know that it
 * has been sent.
 */
static int64_t unacknowledged(const struct qv_rtp_congestion *c)
{
	int64_t least = c->rtt_least[0];
	if (c->capacity <= 0)
		return 0;
	if (c->rtt_least[1] && c->rtt_least[1] < least)
		least = c->rtt_least[1];
	int64_t flight = (int64_t)((double)c->in_flight * 8 * (double)QV_NS_PER_SECOND / c->capacity);
	return flight > least + FEEDBACK_NS ? flight - least - FEEDBACK_NS : 0;
}

void qv_rtp_congestion_state(const struct qv_rtp_congestion *c, struct qv_rtp_congestion_state *state)
{
	double target = c->by_delay < c->by_loss.rate ? c->by_delay : c->by_loss.rate;
	*state = (struct qv_rtp_congestion_state){ .received = c->received,
						   .rtt_ns = c->rtt,
						   .queue_ns = path_queue_standing(&c->queue),
						   .loss = c->by_loss.share,
						   .probed = c->probed };
	if (c->updated_at < c->drain_until) {
		double share = 1 - (double)unacknowledged(c) / (double)DRAIN_NS;
		double drained = c->capacity * (share > DRAIN_MIN ? share : DRAIN_MIN);
		target = drained < target ? drained : target;
	}
	if (target < (double)c->rates.min)
		target = (double)c->rates.min;
	state->target = (int64_t)target;
	state->pace = pace_of(c, target, state->queue_ns);
}
