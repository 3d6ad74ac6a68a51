/* SPDX-License-Identifier: Apache-2.0 */
/* The admin pages: metrics, health, and a web page, on a listener of their own. */
#ifndef KME_ADMIN_ADMIN_H
#define KME_ADMIN_ADMIN_H

#include "../event.h"
#include "../kme.h"

struct admin;

/* By the group `admin` of the configuration. */
struct admin *admin_start(struct kme *kme, struct qv_error *err);
void admin_stop(struct admin *admin); /* NULL is fine */

/* Shows an event on the pages that are open. Any thread. */
void admin_event(struct admin *admin, const struct event *event);

#endif
