/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/keysource.h>

const char *qv_key_route_name(enum qv_key_route route)
{
	return route == QV_KEY_ROUTE_DIRECT ? "direct" : route == QV_KEY_ROUTE_RELAYED ? "relayed" : "untold";
}

void qv_key_clear(struct qv_key *key)
{
	qv_secret_free(key->secret);
	*key = (struct qv_key){ .secret = NULL };
}
