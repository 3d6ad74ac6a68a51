/* SPDX-License-Identifier: Apache-2.0 */
#include "medium.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int stop_init(struct stop *stop, int cancel_fd, struct qv_error *err)
{
	struct epoll_event readable = { .events = EPOLLIN };
	stop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stop->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (stop->event_fd >= 0 && stop->poll_fd >= 0 &&
	    epoll_ctl(stop->poll_fd, EPOLL_CTL_ADD, stop->event_fd, &readable) == 0 &&
	    (cancel_fd < 0 || epoll_ctl(stop->poll_fd, EPOLL_CTL_ADD, cancel_fd, &readable) == 0))
		return 0;
	qv_fail_errno(err, QV_E_IO, errno, "making the stop descriptor of a call");
	stop_clear(stop);
	return -1;
}

void stop_raise(const struct stop *stop)
{
	uint64_t one = 1;
	ssize_t written = write(stop->event_fd, &one, sizeof one);
	(void)written;
}

bool stop_raised(const struct stop *stop)
{
	struct pollfd fd = { .fd = stop->poll_fd, .events = POLLIN };
	return poll(&fd, 1, 0) > 0;
}

void stop_clear(struct stop *stop)
{
	if (stop->event_fd >= 0)
		close(stop->event_fd);
	if (stop->poll_fd >= 0)
		close(stop->poll_fd);
	*stop = (struct stop){ -1, -1 };
}

int media_init(struct media *media, const struct qv_link *link, const struct qv_host *host,
	       const struct qv_call_limits *limits, struct qv_error *err)
{
	*media = (struct media){ .host = host, .stop = { -1, -1 } };
	media->connection = connection_new(link, host, limits, err);
	if (media->connection && stop_init(&media->stop, host->cancel_fd, err) == 0)
		return 0;
	media_clear(media);
	return -1;
}

void media_clear(struct media *media)
{
	connection_free(media->connection);
	stop_clear(&media->stop);
	*media = (struct media){ .stop = { -1, -1 } };
}

void module_host_init(struct module_host *module, const struct media *media, const char *name)
{
	module->log = media->host->log ? qv_log_child(media->host->log, name) : NULL;
	module->host = (struct qv_host){
		.size = sizeof module->host,
		.log = module->log,
		.clock = media->host->clock ? media->host->clock : &qv_clock_monotonic,
		.cancel_fd = media->stop.poll_fd,
	};
}

void module_host_take(struct module_host *module, const struct qv_role *role)
{
	module->host.object = role->object;
}

void module_host_clear(struct module_host *module)
{
	qv_log_free(module->log);
	module->log = NULL;
}

uint32_t span_us(int64_t from_ns, int64_t to_ns)
{
	int64_t us = (to_ns - from_ns) / 1000;
	if (us < 0)
		return 0;
	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void media_result(const struct media *media, struct qv_call_result *result)
{
	const struct connection *c = media->connection;
	result->end = c->end;
	result->peer_bye = c->peer_bye;
	result->opened = c->opened_ns != 0;
	if (c->opened_ns)
		result->duration_ns = (c->ended_ns ? c->ended_ns : qv_clock_now(&qv_clock_monotonic)) - c->opened_ns;
	result->rtt_ms = connection_rtt_ms(c);
}

void media_stats(const struct media *media, struct qv_call_totals *before, int64_t *before_ns,
		 struct qv_call_stats *stats)
{
	const struct connection *c = media->connection;
	int64_t now = qv_clock_now(&qv_clock_monotonic), began = *before_ns ? *before_ns : c->opened_ns;
	double seconds = now > began ? (double)(now - began) / 1e9 : 1;
	stats->elapsed_ns = now - c->opened_ns;
	stats->fps_sent = (double)(stats->totals.video.sent - before->video.sent) / seconds;
	stats->fps = (double)(stats->totals.video.shown - before->video.shown) / seconds;
	stats->kbit_sent = (double)(c->wire.bytes_out + c->udp_bytes_out - before->bytes_sent) * 8 / 1000 / seconds;
	stats->kbit_received =
		(double)(c->wire.bytes_in + c->udp_bytes_in - before->bytes_received) * 8 / 1000 / seconds;
	stats->rtt_ms = connection_rtt_ms(c);
	*before = stats->totals;
	*before_ns = now;
}

const char *qv_call_stage_name(enum qv_call_stage stage)
{
	static const char *const names[] = {
		"capture", "encode", "queue", "network", "wait", "decode", "show", "total"
	};
	return (unsigned)stage < sizeof names / sizeof names[0] ? names[stage] : "unknown";
}

const char *qv_call_end_name(enum qv_call_end end)
{
	static const char *const names[] = { "sources-ended", "cancelled", "window-closed", "peer-bye", "failed" };
	return (unsigned)end < sizeof names / sizeof names[0] ? names[end] : "unknown";
}

const char *qv_call_happening_name(enum qv_call_happening happening)
{
	static const char *const names[] = { "ringing",     "rekeyed",   "rekey-failed",  "peer-state", "device-gone",
					     "device-back", "key",       "record-failed", "roster",     "security",
					     "snapshot",    "transport", "otp",           "link-lost",  "link-back" };
	return (unsigned)happening < sizeof names / sizeof names[0] ? names[happening] : "unknown";
}
