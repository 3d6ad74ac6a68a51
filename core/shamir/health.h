/* SPDX-License-Identifier: Apache-2.0 */
/* The continuous tests of a hardware generator: NIST SP 800-90B 4.4.1 and 4.4.2, and equal successive blocks. */
#ifndef SHAMIR_HEALTH_H
#define SHAMIR_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTH_BLOCK 16

struct generator_health {
	const char *failed; /* what was wrong, for good; NULL: nothing so far */
	bool started;
	uint8_t last; /* for the repetition count */
	unsigned repeated;
	uint8_t sample; /* for the adaptive proportion */
	unsigned window, same;
	uint8_t block[HEALTH_BLOCK], previous[HEALTH_BLOCK];
	unsigned filled;
	bool has_previous;
};

/* Looks at the next bytes. False once any test has failed. */
bool generator_health_check(struct generator_health *health, const uint8_t *bytes, size_t size);

#endif
