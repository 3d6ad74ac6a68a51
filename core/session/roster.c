/* SPDX-License-Identifier: Apache-2.0 */
/* ROSTER, which came with version 1.2. */
#include <qvisio/session.h>

#include "bytes.h"

static bool is_sae_id(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] <= ' ' || bytes[i] > '~')
			return false;
	return length > 0 && length <= QV_SAE_ID_MAX;
}

int qv_roster_encode(const struct qv_roster *roster, uint8_t *bytes, size_t room, struct qv_error *err)
{
	struct writer out = { .bytes = bytes, .room = room };
	if (roster->count > QV_ROSTER_MAX)
		return qv_fail(err, QV_E_INVALID, "more than %d others in a conference", QV_ROSTER_MAX);
	put_number(&out, roster->count, 1);
	for (size_t i = 0; i < roster->count; i++) {
		size_t length = strnlen(roster->sae[i], sizeof roster->sae[i]);
		if (!is_sae_id((const uint8_t *)roster->sae[i], length))
			return qv_fail(err, QV_E_INVALID, "an SAE ID is empty, too long or not printable ASCII");
		put_number(&out, length, 1);
		put_bytes(&out, roster->sae[i], length);
	}
	if (roster->named)
		put_bytes(&out, roster->conference, sizeof roster->conference);
	return out.overflow ? qv_fail(err, QV_E_INVALID, "no room for a ROSTER in %zu bytes", room) : (int)out.used;
}

int qv_roster_decode(const uint8_t *bytes, size_t size, struct qv_roster *roster, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	*roster = (struct qv_roster){ 0 };
	size_t count = (size_t)get_number(&in, 1);
	if (count > QV_ROSTER_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "the peer tells of %zu participants, more than %d", count,
			       QV_ROSTER_MAX);
	for (; roster->count < count; roster->count++) {
		size_t length = (size_t)get_number(&in, 1);
		const uint8_t *sae = get_bytes(&in, length);
		if (!sae || !is_sae_id(sae, length))
			return qv_fail(err, QV_E_PROTOCOL, "the peer's list of participants is malformed");
		memcpy(roster->sae[roster->count], sae, length);
	}
	if (in.underflow)
		return qv_fail(err, QV_E_PROTOCOL, "a ROSTER record is empty");
	const uint8_t *conference = get_bytes(&in, QV_CONFERENCE_ID);
	roster->named = conference;
	if (conference)
		memcpy(roster->conference, conference, QV_CONFERENCE_ID);
	return 0;
}
