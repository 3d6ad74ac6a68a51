/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORMANCE_LIMITS_H
#define CONFORMANCE_LIMITS_H

#include "probe.h"

/* The numbers of a Status; -1 for those that are none, or out of their range. */
void limits_read(const struct answer *status, struct limits *limits);

#endif
