/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person has to be told of how a call is secured: a turn for the worse stands until somebody has acknowledged it,
 * one for the better for ten seconds. Pure; its owner locks.
 */
#ifndef VISIO_NOTICE_H
#define VISIO_NOTICE_H

#include <qvisio/call.h>

struct notice {
	enum qv_security_change change; /* QV_SECURITY_SAME: nothing stands */
	int64_t until_ns;               /* 0: until it is acknowledged */
	char text[800];
};

void notice_raise(struct notice *notice, enum qv_security_change change, const char *text, int64_t now_ns);

/* True if what stood is over now. */
bool notice_expire(struct notice *notice, int64_t now_ns);
bool notice_acknowledge(struct notice *notice);

/* "worse", "better"; NULL: nothing stands. */
const char *notice_word(const struct notice *notice);

#endif
