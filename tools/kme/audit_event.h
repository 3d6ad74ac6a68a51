/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KME_AUDIT_EVENT_H
#define KME_AUDIT_EVENT_H

#include <qvisio/error.h>

#include "event.h"

/* Records an event in the KME's audit log, which is there: a line for each key. */
int audit_event(struct kme *kme, const struct event *event, struct qv_error *err);

#endif
