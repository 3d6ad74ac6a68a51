/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/log.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64
#define LINE_MAX_BYTES 2048

struct qv_log {
	char name[NAME_MAX_BYTES];
	_Atomic int level;
	enum qv_log_format format;
	int fd;
};

static const char *const level_words[] = { "error", "warning", "info", "debug" };

/* Priorities of syslog(3) that sd-daemon(3) reads at the start of a line. */
static const int level_priorities[] = { 3, 4, 6, 7 };

struct qv_log *qv_log_new(const char *name, enum qv_log_level level, enum qv_log_format format, int fd)
{
	struct qv_log *log = calloc(1, sizeof *log);
	if (!log)
		return NULL;
	snprintf(log->name, sizeof log->name, "%s", name);
	atomic_init(&log->level, (int)level);
	log->format = format;
	log->fd = fd;
	return log;
}

enum qv_log_format qv_log_format_for(int fd)
{
	const char *stream = secure_getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	if (stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
	    (unsigned long long)st.st_dev == device && (unsigned long long)st.st_ino == inode)
		return QV_LOG_JOURNAL;
	return QV_LOG_TEXT;
}

struct qv_log *qv_log_child(const struct qv_log *parent, const char *name)
{
	if (!parent)
		return NULL;
	struct qv_log *log = qv_log_new("", (enum qv_log_level)atomic_load(&parent->level), parent->format, parent->fd);
	if (log)
		snprintf(log->name, sizeof log->name, "%.40s/%.22s", parent->name, name);
	return log;
}

void qv_log_set_level(struct qv_log *log, enum qv_log_level level)
{
	if (log)
		atomic_store(&log->level, (int)level);
}

bool qv_log_enabled(const struct qv_log *log, enum qv_log_level level)
{
	return log && (int)level <= atomic_load(&log->level);
}

int qv_log_level_parse(const char *text, enum qv_log_level *level, struct qv_error *err)
{
	for (unsigned i = 0; i < sizeof level_words / sizeof level_words[0]; i++)
		if (strcmp(text, level_words[i]) == 0) {
			*level = (enum qv_log_level)i;
			return 0;
		}
	return qv_fail(err, QV_E_INVALID, "log level \"%s\" is none of error, warning, info, debug", text);
}

static int line_start(const struct qv_log *log, enum qv_log_level level, char *line, size_t room)
{
	if (log->format == QV_LOG_JOURNAL)
		return snprintf(line, room, "<%d>%s: ", level_priorities[level], log->name);
	struct timespec now;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	return snprintf(line, room, "%02d:%02d:%02d.%03ld %s %s: ", tm.tm_hour, tm.tm_min, tm.tm_sec,
			now.tv_nsec / 1000000, level_words[level], log->name);
}

__attribute__((format(printf, 3, 0))) static void write_line(const struct qv_log *log, enum qv_log_level level,
							     const char *format, va_list args)
{
	if (!qv_log_enabled(log, level))
		return;
	int saved_errno = errno;
	char line[LINE_MAX_BYTES];
	size_t used = (size_t)line_start(log, level, line, sizeof line);
	int wanted = vsnprintf(line + used, sizeof line - used - 1, format, args);
	size_t end = used + (wanted < 0 ? 0 : (size_t)wanted);
	if (end > sizeof line - 2)
		end = sizeof line - 2;
	/* One event is one line, whatever a peer put into it. */
	for (size_t i = used; i < end; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[end++] = '\n';
	/* One write per line keeps lines of several threads and processes apart; a lost log line must stop nothing. */
	ssize_t written;
	do
		written = write(log->fd, line, end);
	while (written < 0 && errno == EINTR);
	errno = saved_errno;
}

#define DEFINE_LEVEL(function, level)                                                                                  \
	void function(const struct qv_log *log, const char *format, ...)                                               \
	{                                                                                                              \
		va_list args;                                                                                          \
		va_start(args, format);                                                                                \
		write_line(log, level, format, args);                                                                  \
		va_end(args);                                                                                          \
	}

DEFINE_LEVEL(qv_log_error, QV_LOG_ERROR)
DEFINE_LEVEL(qv_log_warning, QV_LOG_WARNING)
DEFINE_LEVEL(qv_log_info, QV_LOG_INFO)
DEFINE_LEVEL(qv_log_debug, QV_LOG_DEBUG)

void qv_log_free(struct qv_log *log)
{
	free(log);
}
