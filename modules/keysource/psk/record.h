/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable record of used keys: a text file, one line a use ("taken key_ID", "claimed key_ID"), only ever appended
 * to, and synchronised to disk before the key is handed out. It holds no key. Several processes may share it: each
 * locks it for one operation and first reads what others added.
 */
#ifndef PSK_RECORD_H
#define PSK_RECORD_H

#include <sys/types.h>

#include "key_file.h"

struct psk_record {
	int fd; /* -1: none */
	char *path;
	off_t read; /* up to here the uses are known; always a line's start */
};

/* Opens or makes the file and its folder entry durable. QV_E_IO, QV_E_DENIED when others can write it. */
int psk_record_open(struct psk_record *record, const char *path, struct qv_error *err);

/*
 * Locks the file (against other processes and instances) and marks in `keys` what it says was used. The lock is held
 * until psk_record_unlock. QV_E_BUSY when another holds it for long, QV_E_CANCELLED, QV_E_IO, QV_E_INVALID: not a
 * record.
 */
int psk_record_lock(struct psk_record *record, struct psk_keys *keys, int cancel_fd, struct qv_error *err);
void psk_record_unlock(struct psk_record *record);

/* Under the lock: notes a use durably, in the file and in the entry. On failure the key must not be handed out. */
int psk_record_note(struct psk_record *record, struct psk_entry *entry, enum psk_use use, struct qv_error *err);

void psk_record_close(struct psk_record *record);

/*
 * Marks the uses of whole lines in `keys` and wipes those keys; *used becomes the bytes of whole lines. Uses of keys
 * that the key file does not have are passed over: keys may be removed from it. 0, or the number of the first line that
 * is no use.
 */
unsigned psk_record_parse(const char *text, size_t size, struct psk_keys *keys, size_t *used);

#endif
