/* SPDX-License-Identifier: Apache-2.0 */
#include "secured_json.h"

const char *secured_word(enum qv_secured secured)
{
	static const char *const words[] = { "none", "classic", "qkd" };
	return (unsigned)secured < sizeof words / sizeof words[0] ? words[secured] : "none";
}

static json_t *seconds(int64_t ms)
{
	return ms < 0 ? json_null() : json_integer(ms / 1000);
}

/* Peers' texts may not be UTF-8 whole (cut at a limit); such a text is left out rather than the line. */
static json_t *text(const char *text)
{
	json_t *string = text[0] ? json_string(text) : NULL;
	return string ? string : json_null();
}

json_t *secured_json(const struct qv_call_security *security)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "state", secured_word(security->secured),
			 "key_ID", text(security->key_id), "key_age", seconds(security->key_age_ms), "next_key_in",
			 seconds(security->next_key_ms), "no_new_key", text(security->no_key), "route",
			 security->secured == QV_SECURED_QKD ? text(qv_key_route_name(security->route)) : json_null(),
			 "peer_sae", text(security->peer_sae), "cipher", text(security->cipher), "transport",
			 text(security->transport), "text", text(security->text));
}
