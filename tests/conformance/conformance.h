/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a module keeps the contract of its kind. Each case runs in a process of its own, so that a case may fail at
 * any depth, and a module may crash or hang, without ending the suite. The outcome is TAP.
 */
#ifndef QV_CONFORMANCE_H
#define QV_CONFORMANCE_H

#include <qvisio/loader.h>

#include <stdio.h>

/* The options of one side: "name=value" words, or a section of a configuration file; neither: all defaults. */
struct check_settings {
	const char *const *assignments;   /* NULL-ended, or NULL */
	const struct qv_section *section; /* or NULL */
};

/* What the person who runs the suite gives. */
struct check_request {
	struct check_settings own;
	struct check_settings peer; /* of the other side of a key source; empty: not given */
	const char *peer_id;        /* SAE ID of the peer; NULL: not given */
	int timeout_ms;             /* after which a case that does not end is stopped and has failed */
};

struct check {
	const struct check_request *request;
	const struct qv_loaded *loaded;
	const struct qv_class *class;
	struct qv_host host; /* its cancel_fd becomes readable with check_cancel */
	int cancel_pipe[2];
	int result_fd;
};

struct check_case {
	const char *name;
	void (*run)(struct check *check);
};

/* What the suite of one kind is made of. */
struct check_suite {
	const char *kind;
	/* Opens `count` instances with these options and closes them; -1 with err if one could not be opened. */
	int (*open_close)(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err);
	void (*close_null)(const struct qv_class *class);
	const struct check_case *cases; /* ended by a NULL name */
	const char *uses_files;         /* "name=value" that makes it use every option that names a file, or NULL */
};

/* Runs the suites of all classes in the file; returns the number of failed cases, or -1 if it could not run them. */
int check_module(const struct qv_loaded *loaded, const struct check_request *request, const struct qv_log *log,
		 FILE *out);

/* The suite of a kind; NULL: there is only the common one. */
const struct check_suite *check_suite_find(const char *kind);

extern const struct check_suite check_keysource, check_tls, check_videosource, check_videosink, check_videocodec,
	check_audiosource, check_audiosink, check_audiocodec, check_keystore, check_qkdlink, check_recorder,
	check_relay, check_srtp, check_audiofilter;

/* Cases that every class has to pass. */
extern const struct check_case check_common[];

/* For cases. These three end the process of the case. */
_Noreturn void check_fail(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void check_skip(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Skips if nobody gave options and the defaults do not fit this machine, else fails. */
_Noreturn void check_not_opened(struct check *check, const struct qv_error *err);

#define REQUIRE(check, condition, ...)                                                                                 \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			check_fail((check), __VA_ARGS__);                                                              \
	} while (0)

/* The given options; `changes` are "name=value" words that replace some of them, NULL-ended, may be NULL. */
struct qv_options *check_options(struct check *check, const char *const *changes);
struct qv_options *check_options_of(struct check *check, const struct check_settings *settings,
				    const char *const *changes);
bool check_has_settings(const struct check_settings *settings);

/* Makes the host's cancel descriptor readable. */
void check_cancel(struct check *check);

/* Fails unless `err` says something: a code, and one line of message. `what` names the call. */
void check_error_filled(struct check *check, const char *what, const struct qv_error *err);

/* Entry `index` of the class's option table as this build knows it; false past the end. */
bool check_option(const struct qv_class *class, size_t index, struct qv_option *option);

/* Descriptors that this process has open, and threads that it has. */
unsigned check_count_fds(void);
unsigned check_count_threads(void);

/* Cases of the common suite that live in files of their own. */
void check_option_table(struct check *check);
void check_exports(struct check *check);
void check_writable_data(struct check *check);

#endif
