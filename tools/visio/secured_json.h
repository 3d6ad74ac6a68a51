/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VISIO_SECURED_JSON_H
#define VISIO_SECURED_JSON_H

#include <jansson.h>
#include <qvisio/call.h>

const char *secured_word(enum qv_secured secured); /* "none", "classic", "qkd" */

/* How a call is secured: a new reference, NULL without memory. What is not known is null; ages are in seconds. */
json_t *secured_json(const struct qv_call_security *security);

#endif
