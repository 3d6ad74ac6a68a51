/* SPDX-License-Identifier: Apache-2.0 */
/* How a call is secured, in words, and what of it has changed. Pure functions. */
#ifndef QV_CALL_SECURITY_H
#define QV_CALL_SECURITY_H

#include <qvisio/call.h>

#define SECURITY_CHANGE_MAX 400 /* bytes of the words for a change */

/* Says all that is known in `text`; `session` is what the TLS session itself says, for one without a QKD key. */
void security_words(struct qv_call_security *security, const char *session);

/*
 * What has changed since `before`, in words; QV_SECURITY_SAME if nothing that a person must know. A routine new key is
 * no change.
 */
enum qv_security_change security_compare(const struct qv_call_security *before, const struct qv_call_security *now,
					 char *text, size_t room);

#endif
