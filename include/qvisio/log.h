/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging. A logger belongs to one instance (a module opened for a role, a part of a tool) and prefixes its lines with
 * that name. Lines are written whole. All functions are safe on any thread. Secrets must never be passed here.
 */
#ifndef QVISIO_LOG_H
#define QVISIO_LOG_H

#include <stdbool.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum qv_log_level { QV_LOG_ERROR, QV_LOG_WARNING, QV_LOG_INFO, QV_LOG_DEBUG };

enum qv_log_format {
	QV_LOG_TEXT,   /* "level name: message" with a time, for people */
	QV_LOG_JOURNAL /* "<3>name: message", priorities as sd-daemon(3) defines them */
};

struct qv_log;

/*
 * A root logger that writes to the descriptor `fd` (borrowed, usually 2). With `format` QV_LOG_TEXT and JOURNAL_STREAM
 * in the environment naming that descriptor, the tools choose QV_LOG_JOURNAL: see qv_log_format_for.
 * Returns NULL only without memory.
 */
struct qv_log *qv_log_new(const char *name, enum qv_log_level level, enum qv_log_format format, int fd);

/* QV_LOG_JOURNAL if systemd connected `fd` to its journal (JOURNAL_STREAM, systemd.exec(5)), else QV_LOG_TEXT. */
enum qv_log_format qv_log_format_for(int fd);

/* A logger for a part: same output, name "parent/name", level as the parent's until set. NULL only without memory. */
struct qv_log *qv_log_child(const struct qv_log *parent, const char *name);

void qv_log_set_level(struct qv_log *log, enum qv_log_level level);
bool qv_log_enabled(const struct qv_log *log, enum qv_log_level level);

/* Parses "error", "warning", "info" or "debug". */
int qv_log_level_parse(const char *text, enum qv_log_level *level, struct qv_error *err);

void qv_log_error(const struct qv_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void qv_log_warning(const struct qv_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void qv_log_info(const struct qv_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void qv_log_debug(const struct qv_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees a logger; children must be freed first. NULL is fine, here and in all functions above (which then do nothing). */
void qv_log_free(struct qv_log *log);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
