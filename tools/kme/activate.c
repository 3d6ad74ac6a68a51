/* SPDX-License-Identifier: Apache-2.0 */
#include "activate.h"

#include <stdlib.h>

#include <jansson.h>

#define PATH "/inter-kme/v1/activate"

static enum activation_result refused(const struct peer *peer, const struct peer_answer *answer, struct qv_error *err)
{
	json_t *json = answer->body ? json_loadb(answer->body, answer->size, 0, NULL) : NULL;
	const char *message = json_string_value(json_object_get(json, "message"));
	qv_fail(err, QV_E_IO, "KME \"%s\" refused the keys: status %ld%s%.200s", peer->kme_id, answer->status,
		message ? ": " : "", message ? message : "");
	json_decref(json);
	return ACTIVATION_REFUSED;
}

static enum activation_result read_answer(const struct peer *peer, const struct activation *activation,
					  const struct peer_answer *answer, char ***missing, size_t *count,
					  struct qv_error *err)
{
	if (answer->status == 200)
		return ACTIVATED;
	/* A refusal is not about the first sending of it, which the peer may have done. A check leaves nothing behind. */
	if (answer->sent > 1 && !activation->check) {
		refused(peer, answer, err);
		return ACTIVATION_UNKNOWN;
	}
	if (answer->status == 409 &&
	    missing_json(missing, count, activation->label_count, answer->body, answer->size, err) == 0)
		return ACTIVATION_MISSING;
	/* What a server error leaves behind is anybody's guess. */
	if (answer->status >= 400 && answer->status < 500)
		return refused(peer, answer, err);
	qv_fail(err, QV_E_PROTOCOL, "KME \"%s\" answered %ld", peer->kme_id, answer->status);
	return ACTIVATION_UNKNOWN;
}

enum activation_result activate_at_peer(struct peer *peer, const struct activation *activation, char ***missing,
					size_t *count, struct qv_error *err)
{
	struct peer_answer answer;
	enum activation_result result = ACTIVATION_REFUSED;
	char *text = activation_text(activation);
	if (!text) {
		qv_fail(err, QV_E_NOMEM, "no memory for an activation");
		return ACTIVATION_REFUSED;
	}
	switch (peer_client_post(peer->client, PATH, text, &answer, err)) {
	case PEER_ANSWERED:
		result = read_answer(peer, activation, &answer, missing, count, err);
		break;
	case PEER_NOT_SENT:
		qv_error_prefix(err, "KME \"%s\" cannot be reached", peer->kme_id);
		break;
	case PEER_UNKNOWN:
		qv_error_prefix(err, "KME \"%s\" did not answer", peer->kme_id);
		result = ACTIVATION_UNKNOWN;
		break;
	}
	free(text);
	peer_answer_clear(&answer);
	return result;
}
