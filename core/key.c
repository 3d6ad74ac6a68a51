/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/keysource.h>

void qv_key_clear(struct qv_key *key)
{
	qv_secret_free(key->secret);
	*key = (struct qv_key){ .secret = NULL };
}
