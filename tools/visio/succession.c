/* SPDX-License-Identifier: Apache-2.0 */
#include "succession.h"

#include <string.h>

int succession_check(const struct qv_secure_session *has, const struct qv_secure_session *next, struct qv_error *err)
{
	if (next->secured < has->secured)
		return qv_fail(err, QV_E_NO_KEY, "the new session would not be keyed by QKD");
	if (strcmp(next->peer_sae, has->peer_sae) != 0)
		return qv_fail(err, QV_E_DENIED, "the new session is one with SAE %s", next->peer_sae);
	return 0;
}
