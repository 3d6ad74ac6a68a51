/* SPDX-License-Identifier: Apache-2.0 */
/* A KME of both ends of a call, whose keys a test knows. */
#ifndef TESTS_CALL_PART_KME_H
#define TESTS_CALL_PART_KME_H

#include <pthread.h>

#include <qvisio/call.h>

#define KEYS     4096
#define KEY_SIZE 64

/* Key i, of key_ID "key-i", is the bytes at i. It is given out once, and claimed once. */
struct kme {
	pthread_mutex_t lock;
	uint8_t bytes[KEYS][KEY_SIZE];
	bool claimed[KEYS];
	int taken, claims_refused;
	int lacks;            /* every such key cannot be claimed; 0: all can be */
	int64_t stored, most; /* keys, as the status says; -1: it does not */
	/*
	 * Keys a second that come into the store, for the first `burst_s` seconds of its use and from then on. 0: the
	 * store stands as it is, whatever is taken; otherwise there are no others than those that it holds.
	 */
	double burst, rate;
	double burst_s;
	int64_t began_ns, at_ns; /* of its use; 0: not yet */
	double level;            /* at `at_ns` */
};
extern struct kme kme;
extern const struct qv_role kme_role;

void kme_reset(void);

#endif
