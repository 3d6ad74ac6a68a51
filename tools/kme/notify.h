/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KME_NOTIFY_H
#define KME_NOTIFY_H

/* Tells the service manager a state such as "READY=1" (sd_notify(3)); without NOTIFY_SOCKET it does nothing. */
void notify_reloading(void);
void notify_manager(const char *state);

#endif
