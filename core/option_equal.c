/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <qvisio/secret.h>

#include "options.h"

static bool text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool secret_equal(const struct qv_secret *a, const struct qv_secret *b)
{
	return a && b ? qv_secret_equal(a, b) : a == b;
}

static bool value_equal(const struct qv_value *a, const struct qv_value *b)
{
	if (a->has != b->has || a->integer != b->integer || a->count != b->count)
		return false;
	if (a->real < b->real || a->real > b->real)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!text_equal(a->items[i], b->items[i]))
			return false;
	return text_equal(a->string, b->string) && secret_equal(a->secret, b->secret);
}

bool qv_options_equal(const struct qv_options *a, const struct qv_options *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct qv_value *other = qv_options_find(b, a->values[i].option.name);
		if (!other || !value_equal(&a->values[i], other))
			return false;
	}
	return true;
}
