/* SPDX-License-Identifier: Apache-2.0 */
/* What the media threads of one call share, and the services that each gives to its modules. */
#ifndef QV_CALL_MEDIUM_H
#define QV_CALL_MEDIUM_H

#include "connection.h"
#include "ledger.h"

/* Tells all media threads to stop: raised by the call, or by the cancel descriptor of its host. */
struct stop {
	int event_fd;
	int poll_fd; /* readable when raised: the cancel_fd of modules */
};
int stop_init(struct stop *stop, int cancel_fd, struct qv_error *err);
void stop_raise(const struct stop *stop);
bool stop_raised(const struct stop *stop);
void stop_clear(struct stop *stop);

struct board;
struct far_end;
struct lip_sync;
struct otp;
struct qv_call_control;

struct media {
	const struct qv_host *host;
	struct stop stop;
	struct ledger *ledger; /* of one half of the call */
	struct connection *connection;
	struct qv_call_control *control;
	struct board *board;
	struct far_end *far_end;   /* what is played, for a filter of what is captured; NULL: there is none */
	struct lip_sync *lip_sync; /* of the half that receives */
	struct otp *otp;           /* seals and opens sound */
	bool keep_devices;
	bool adapt_size; /* of pictures that are sent */
};
int media_init(struct media *media, const struct qv_link *link, const struct qv_host *host,
	       const struct qv_call_limits *limits, struct qv_error *err);
void media_clear(struct media *media);

/* A host for one module of the call, with its own name in the log. It outlives the module's instance. */
struct module_host {
	struct qv_host host;
	struct qv_log *log;
};
void module_host_init(struct module_host *module, const struct media *media, const char *name);
/* Before each open: the module is that of this role. */
void module_host_take(struct module_host *module, const struct qv_role *role);
void module_host_clear(struct module_host *module);

/* Microseconds between two times as the wire has them. */
uint32_t span_us(int64_t from_ns, int64_t to_ns);

/* A role is present when it names a class. */
static inline bool role_present(const struct qv_role *role)
{
	return role && role->class;
}

/* What the connection knows of a result. */
void media_result(const struct media *media, struct qv_call_result *result);

/* The figures of a second that follow from its totals; `before` keeps these between calls. */
void media_stats(const struct media *media, struct qv_call_totals *before, int64_t *before_ns,
		 struct qv_call_stats *stats);

#endif
