/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog of the service manager (sd_watchdog_enabled(3)). That this process has a main thread says little, so
 * before it is told that all is well the listeners have to shake hands and the key store has to answer.
 */
#ifndef KME_WATCHDOG_H
#define KME_WATCHDOG_H

#include "kme.h"

/* How often the manager wants to hear, in ns; 0: never. */
int64_t watchdog_interval(void);

/* Looks whether all is well, for at most a quarter of the interval each, and says so to the manager or to the log. */
void watchdog_tell(struct kme *kme);

#endif
