/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"

/* Status first, since it has the limits; what empties the store last. */
const struct check *const check_tables[] = { checks_5_1, checks_5_2,    checks_6_1,      checks_6_2,
					     checks_5_3, checks_6_3,    checks_5_4,      checks_6_4,
					     checks_6_5, checks_advice, checks_shortage, NULL };
