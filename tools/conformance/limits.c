/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

/* Beyond what other JSON libraries can count exactly (RFC 7493 section 2.2) there is no reckoning with it here. */
#define NUMBER_MAX (INT64_C(1) << 53)

static int64_t number(const struct answer *status, const char *name, json_int_t least)
{
	const json_t *value = json_object_get(status->json, name);
	json_int_t count = json_is_integer(value) ? json_integer_value(value) : -1;
	return count >= least && count <= NUMBER_MAX ? count : -1;
}

void limits_read(const struct answer *status, struct limits *limits)
{
	*limits = (struct limits){ .key_size = number(status, "key_size", 1),
				   .min_size = number(status, "min_key_size", 1),
				   .max_size = number(status, "max_key_size", 1),
				   .per_request = number(status, "max_key_per_request", 1),
				   .stored = number(status, "stored_key_count", 0),
				   .max_stored = number(status, "max_key_count", 0),
				   .additional = number(status, "max_SAE_ID_count", 0) };
}
