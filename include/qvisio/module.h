/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module ABI. A module is a shared object named <kind>-<name>.so that exports one data symbol, `qv_module`.
 *
 *   dlopen -> read qv_module -> check ABI -> copy each class, min(size) -> check required callbacks
 *          -> [check options -> open -> kind's callbacks … -> close]* -> dlclose at process end
 *
 * A module keeps no global state: one class may be opened several times, on several threads. What it must know about a
 * library that itself exists once per process lies in statics named library_…, behind a lock.
 */
#ifndef QVISIO_MODULE_H
#define QVISIO_MODULE_H

#include <stddef.h>
#include <stdint.h>

#include <qvisio/clock.h>
#include <qvisio/error.h>
#include <qvisio/log.h>
#include <qvisio/option.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The descriptor ABI: majors must match, any minor loads. */
#define QV_MODULE_ABI_MAJOR 1
#define QV_MODULE_ABI_MINOR 0

/*
 * What every class of every kind starts with. A kind's class struct has this as its first member `head` and typed
 * callbacks behind it; new callbacks are only ever added at its end.
 */
struct qv_class {
	const char *kind;    /* "keysource", "tls", … */
	const char *name;    /* as in `module = "name"`; [a-z0-9_-]+ */
	const char *summary; /* one line */
	uint16_t abi_major;  /* QV_<KIND>_ABI_MAJOR it was compiled with */
	uint16_t abi_minor;
	uint32_t size;                   /* sizeof the kind's class struct it was compiled with */
	uint32_t option_size;            /* sizeof (struct qv_option) it was compiled with */
	const struct qv_option *options; /* ended by a NULL name; NULL: none */
};

struct qv_module {
	uint16_t abi_major;                    /* QV_MODULE_ABI_MAJOR */
	uint16_t abi_minor;                    /* QV_MODULE_ABI_MINOR */
	uint32_t size;                         /* sizeof (struct qv_module) */
	const char *version;                   /* the module's own */
	const char *license;                   /* SPDX expression of the module with what it links */
	const struct qv_class *const *classes; /* NULL-ended */
};

/* The one symbol a module exports. */
extern const struct qv_module qv_module;

/*
 * The host's services, given at open. The struct and what it points to outlive the instance.
 * `cancel_fd` becomes readable when blocking calls of this instance must return QV_E_CANCELLED; -1: never.
 */
struct qv_host {
	uint32_t size;            /* sizeof (struct qv_host) of the host: check before using later fields */
	const struct qv_log *log; /* named after the role; may be NULL */
	const struct qv_clock *clock;
	int cancel_fd;
	void *object; /* what the role stands for, where a program defined the class itself; NULL to a module's class */
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
