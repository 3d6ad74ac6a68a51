/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS                                                                                                         \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_CREATE | IN_DELETE_SELF |           \
	 IN_MOVE_SELF | IN_ONLYDIR)
#define EVENT_WAIT (200 * QV_NS_PER_MS) /* how often a watched folder is asked for events */
#define DONE       "done"

void folder_skip(struct folder *folder, struct entry *entry, const char *format, ...)
{
	char why[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why, sizeof why, format, arguments);
	va_end(arguments);
	entry->state = ENTRY_SKIPPED;
	qv_log_warning(folder->log, "%s/%s: skipped: %s", folder->path, entry->name, why);
}

static int check_folder(struct folder *folder, struct qv_error *err)
{
	struct stat st;
	mode_t writable = folder->settings.group ? S_IWOTH : S_IWOTH | S_IWGRP;
	if (fstat(folder->fd, &st) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", folder->path);
	folder->inode = st.st_ino;
	folder->device = st.st_dev;
	if (st.st_mode & writable)
		return qv_fail(err, QV_E_DENIED, "%s: others can put keys there (mode %04o); run: chmod %s %s",
			       folder->path, (unsigned)st.st_mode & 07777, folder->settings.group ? "o-w" : "go-w",
			       folder->path);
	if (!folder->settings.group && st.st_uid != geteuid() && st.st_uid != 0)
		return qv_fail(err, QV_E_DENIED, "%s: belongs to another user; set group = true to trust its group",
			       folder->path);
	return 0;
}

static int make_done(struct folder *folder, struct qv_error *err)
{
	if (folder->settings.after != AFTER_MOVE || mkdirat(folder->fd, DONE, 0700) == 0 || errno == EEXIST)
		return 0;
	return qv_fail_errno(err, QV_E_IO, errno, "%s/" DONE ": cannot be made", folder->path);
}

int folder_open(struct folder *folder, const struct folder_settings *settings, struct qv_error *err)
{
	folder->settings = *settings;
	folder->watch_fd = -1;
	folder->path = strdup(settings->path);
	folder->pattern = strdup(settings->pattern);
	folder->buffer = qv_secret_new(FOLDER_BUFFER, err);
	if (!folder->buffer)
		return -1;
	if (!folder->path || !folder->pattern)
		return qv_fail(err, QV_E_NOMEM, "no memory for a folder");
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s: the folder of key files cannot be opened", folder->path);
	if (check_folder(folder, err) != 0 || make_done(folder, err) != 0)
		return -1;
	folder->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (folder->watch_fd >= 0 && inotify_add_watch(folder->watch_fd, folder->path, EVENTS) >= 0)
		return 0;
	qv_log_info(folder->log, "%s: cannot be watched (%s); it is scanned every %lld s", folder->path,
		    strerror(errno), (long long)(settings->rescan / QV_NS_PER_SECOND));
	if (folder->watch_fd >= 0)
		close(folder->watch_fd);
	folder->watch_fd = -1;
	return 0;
}

static void free_entry(struct entry *entry)
{
	if (entry)
		free(entry->name);
	free(entry);
}

void folder_close(struct folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		free_entry(folder->entries[i]);
	free(folder->entries);
	if (folder->fd >= 0)
		close(folder->fd);
	if (folder->watch_fd >= 0)
		close(folder->watch_fd);
	qv_secret_free(folder->buffer);
	free(folder->path);
	free(folder->pattern);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp((*(struct entry *const *)a)->name, (*(struct entry *const *)b)->name);
}

struct entry *folder_find(const struct folder *folder, const char *name)
{
	struct entry wanted = { .name = (char *)name }, *key = &wanted;
	struct entry **found =
		folder->count ? bsearch(&key, folder->entries, folder->count, sizeof *folder->entries, compare_entries)
			      : NULL;
	return found ? *found : NULL;
}

/* Names that were renamed into the folder since the last scan; more than fit settle like all others. */
struct arrivals {
	size_t count;
	char names[64][NAME_MAX + 1];
};

static void read_events(struct folder *folder, struct arrivals *arrivals)
{
	_Alignas(struct inotify_event) char buffer[16384];
	ssize_t got;
	while (folder->watch_fd >= 0 && (got = read(folder->watch_fd, buffer, sizeof buffer)) > 0) {
		for (char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const struct inotify_event *)at;
			at += sizeof *event + event->len;
			folder->dirty = true;
			if (!(event->mask & IN_MOVED_TO) || event->len == 0 ||
			    arrivals->count == sizeof arrivals->names / sizeof arrivals->names[0])
				continue;
			snprintf(arrivals->names[arrivals->count++], NAME_MAX + 1, "%s", event->name);
		}
	}
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look_again(struct folder *folder, struct entry *entry, const struct stat *st)
{
	entry->seen = *st;
	entry->since = qv_clock_now(folder->clock);
	entry->state = ENTRY_WAITING;
	entry->moved_in = false;
	entry->record = NULL;
}

/*
 * The entry of a file that is there, known before or new. 0: it has gone again. Any other failure is one of the scan:
 * to take a file for gone gives up what is left of it.
 */
static int take_entry(struct folder *folder, const char *name, struct entry **taken, struct qv_error *err)
{
	struct stat st;
	if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT
			       ? 0
			       : qv_fail_errno(err, QV_E_IO, errno, "%s/%s: cannot be read", folder->path, name);
	struct entry *entry = folder_find(folder, name);
	if (!entry && (entry = calloc(1, sizeof *entry)) && !(entry->name = strdup(name))) {
		free(entry);
		entry = NULL;
	}
	if (!entry)
		return qv_fail(err, QV_E_NOMEM, "%s: no memory for its files", folder->path);
	if (!same_file(&entry->seen, &st))
		look_again(folder, entry, &st);
	*taken = entry;
	return 1;
}

struct listing {
	struct entry **entries;
	size_t count, room;
};

static int add_entry(struct folder *folder, struct listing *listing, const char *name, struct qv_error *err)
{
	if (listing->count == listing->room) {
		size_t room = listing->room ? 2 * listing->room : 64;
		struct entry **more = reallocarray(listing->entries, room, sizeof *more);
		if (!more)
			return qv_fail(err, QV_E_NOMEM, "%s: no memory for its files", folder->path);
		listing->entries = more;
		listing->room = room;
	}
	struct entry *entry = NULL;
	int there = take_entry(folder, name, &entry, err);
	if (there == 1) {
		entry->present = true;
		listing->entries[listing->count++] = entry;
	}
	return there < 0 ? -1 : 0;
}

/* Whether a name can be one of a key file. */
static bool matches(const struct folder *folder, const char *name)
{
	return fnmatch(folder->pattern, name, FNM_PERIOD) == 0 &&
	       !(folder->settings.after == AFTER_MOVE && strcmp(name, DONE) == 0);
}

static int list(struct folder *folder, struct listing *listing, struct qv_error *err)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int failed = errno;
		if (fd >= 0)
			close(fd);
		return qv_fail_errno(err, QV_E_IO, failed, "%s: cannot be read", folder->path);
	}
	const struct dirent *item;
	int result = 0;
	while (result == 0 && (errno = 0, item = readdir(dir)))
		if (matches(folder, item->d_name))
			result = add_entry(folder, listing, item->d_name, err);
	if (result == 0 && errno)
		result = qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", folder->path);
	closedir(dir);
	return result;
}

/* What was made by a scan that failed goes; what was there before stays. */
static void forget(struct folder *folder, struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		if (folder_find(folder, listing->entries[i]->name))
			listing->entries[i]->present = false;
		else
			free_entry(listing->entries[i]);
	}
	free(listing->entries);
}

static int scan(struct folder *folder, const struct arrivals *arrivals, struct qv_error *err)
{
	struct listing listing = { .count = 0 };
	if (list(folder, &listing, err) != 0) {
		forget(folder, &listing);
		return -1;
	}
	struct entry **entries = listing.entries;
	size_t count = listing.count;
	for (size_t i = 0; i < folder->count; i++)
		if (!folder->entries[i]->present)
			free_entry(folder->entries[i]);
	free(folder->entries);
	folder->entries = entries;
	folder->count = count;
	if (count > 1)
		qsort(entries, count, sizeof *entries, compare_entries);
	for (size_t i = 0; i < count; i++)
		entries[i]->present = false;
	for (size_t i = 0; i < arrivals->count; i++) {
		struct entry *entry = folder_find(folder, arrivals->names[i]);
		if (entry)
			entry->moved_in = true;
	}
	folder->scanned = qv_clock_now(folder->clock);
	folder->dirty = false;
	return 0;
}

int folder_refresh(struct folder *folder, struct qv_error *err)
{
	struct stat st;
	struct arrivals arrivals = { .count = 0 };
	read_events(folder, &arrivals);
	/* A folder that was removed or mounted over is to be opened anew. */
	if (stat(folder->path, &st) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", folder->path);
	if (st.st_ino != folder->inode || st.st_dev != folder->device)
		return qv_fail(err, QV_E_IO, "%s: is another folder now", folder->path);
	if (!folder->dirty && folder->scanned &&
	    qv_clock_now(folder->clock) - folder->scanned < folder->settings.rescan)
		return 0;
	return scan(folder, &arrivals, err);
}

/* A file that settled is examined when its turn comes; one that did not may be ready then. */
int64_t folder_wait(const struct folder *folder)
{
	int64_t now = qv_clock_now(folder->clock);
	int64_t wait = folder->scanned + folder->settings.rescan - now;
	if (folder->watch_fd >= 0 && wait > EVENT_WAIT)
		wait = EVENT_WAIT;
	for (size_t i = 0; i < folder->count; i++) {
		const struct entry *entry = folder->entries[i];
		int64_t left = entry->since + folder->settings.settle - now;
		if (entry->state == ENTRY_WAITING && left > 0 && left < wait)
			wait = left;
	}
	return wait > 0 ? wait : 0;
}
