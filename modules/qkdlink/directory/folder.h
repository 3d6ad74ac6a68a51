/* SPDX-License-Identifier: Apache-2.0 */
/* The key files of a folder: which there are, which are whole, and why the others are not taken. */
#ifndef DIRECTORY_FOLDER_H
#define DIRECTORY_FOLDER_H

#include <sys/stat.h>

#include <qvisio/clock.h>
#include <qvisio/log.h>

#include "journal.h"

enum entry_state {
	ENTRY_WAITING, /* it may still be written */
	ENTRY_SKIPPED, /* it is told why */
	ENTRY_READY,   /* `record` names it */
	ENTRY_SPENT    /* all its keys were taken */
};

struct entry {
	char *name;
	struct stat seen; /* when it was last looked at */
	int64_t since;    /* of the monotonic clock: not changed since */
	bool moved_in;    /* renamed into the folder: whole */
	bool present;     /* while the folder is scanned */
	enum entry_state state;
	struct record *record;
};

enum after { AFTER_KEEP, AFTER_DELETE, AFTER_MOVE };

struct folder_settings {
	const char *path;
	const char *pattern;
	uint64_t max_bytes;
	int64_t settle, rescan; /* ns */
	bool group;             /* files of others that the group may read are fine */
	enum after after;
};

struct folder {
	const struct qv_log *log;
	const struct qv_clock *clock;
	struct folder_settings settings;
	char *path, *pattern;
	struct journal *journal; /* borrowed */
	struct qv_secret *buffer;
	int fd, watch_fd;
	ino_t inode;
	dev_t device;
	int64_t scanned; /* when; 0: never */
	bool dirty;      /* something happened since */
	struct entry **entries;
	size_t count; /* sorted by name */
};

#define FOLDER_BUFFER 65536

int folder_open(struct folder *folder, const struct folder_settings *settings, struct qv_error *err);
void folder_close(struct folder *folder);

/* Looks whether anything changed, and brings `entries` up to date then. Entries of files that left are freed. */
int folder_refresh(struct folder *folder, struct qv_error *err);

/* Brings a WAITING entry that is whole to another state. -1 only when the journal fails. */
int folder_examine(struct folder *folder, struct entry *entry, struct qv_error *err);

/* NULL: no such file. */
struct entry *folder_find(const struct folder *folder, const char *name);

/* How long to wait before folder_refresh can find anything, in ns. */
int64_t folder_wait(const struct folder *folder);

/* Opens a file that is READY, if it is as it was seen; -1 otherwise, and then it is WAITING again. */
int folder_open_entry(struct folder *folder, struct entry *entry);
bool folder_unchanged(struct folder *folder, struct entry *entry, int fd);

/* What the settings want with a file that all keys were taken of. */
void folder_dispose(struct folder *folder, struct entry *entry);

void folder_skip(struct folder *folder, struct entry *entry, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
