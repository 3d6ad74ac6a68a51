/* SPDX-License-Identifier: Apache-2.0 */
/* Which session may take the place of the one that a call has. */
#ifndef VISIO_SUCCESSION_H
#define VISIO_SUCCESSION_H

#include <qvisio/secure.h>

/* One with the same peer that is secured no less. QV_E_NO_KEY, QV_E_DENIED. */
int succession_check(const struct qv_secure_session *has, const struct qv_secure_session *next, struct qv_error *err);

#endif
