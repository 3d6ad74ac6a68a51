/* SPDX-License-Identifier: Apache-2.0 */
#include "activate.h"

#include <stdlib.h>

#include "body.h"

#define PATH "/inter-kme/v1/activate"

static json_t *key_json(const struct issue *issue, size_t index)
{
	size_t parts = issue->stride / QV_QKDLINK_KEY_BYTES;
	json_t *labels = json_array();
	for (size_t i = 0; i < parts; i++)
		json_array_append_new(labels, json_string(issue->labels[index * parts + i]));
	return json_pack("{s:s,s:I,s:o}", "key_ID", issue->ids[index], "bytes", (json_int_t)issue->bytes, "labels",
			 labels);
}

static char *activation_text(const struct issue *issue)
{
	json_t *keys = json_array();
	for (size_t i = 0; i < issue->count; i++)
		json_array_append_new(keys, key_json(issue, i));
	json_t *json = json_pack("{s:s,s:s,s:s,s:o}", "request", issue->request, "master_SAE_ID", issue->master,
				 "slave_SAE_ID", issue->slave, "keys", keys);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

static enum activation_result refused(const struct issue *issue, const struct peer_answer *answer, struct qv_error *err)
{
	json_t *json = answer->body ? json_loadb(answer->body, answer->size, 0, NULL) : NULL;
	const char *message = json_string_value(json_object_get(json, "message"));
	qv_fail(err, QV_E_IO, "KME \"%s\" refused the keys: status %ld%s%.200s", issue->peer->kme_id, answer->status,
		message ? ": " : "", message ? message : "");
	json_decref(json);
	return ACTIVATION_REFUSED;
}

static enum activation_result read_answer(const struct issue *issue, const struct peer_answer *answer, char ***missing,
					  size_t *count, struct qv_error *err)
{
	if (answer->status == 200)
		return ACTIVATED;
	if (answer->status == 409 &&
	    missing_json(missing, count, issue->label_count, answer->body, answer->size, err) == 0)
		return ACTIVATION_MISSING;
	/* What a server error leaves behind is anybody's guess. */
	if (answer->status >= 400 && answer->status < 500)
		return refused(issue, answer, err);
	qv_fail(err, QV_E_PROTOCOL, "KME \"%s\" answered %ld", issue->peer->kme_id, answer->status);
	return ACTIVATION_UNKNOWN;
}

enum activation_result activate_at_peer(const struct issue *issue, char ***missing, size_t *count, struct qv_error *err)
{
	struct peer_answer answer;
	enum activation_result result = ACTIVATION_REFUSED;
	char *text = activation_text(issue);
	if (!text) {
		qv_fail(err, QV_E_NOMEM, "no memory for an activation");
		return ACTIVATION_REFUSED;
	}
	switch (peer_client_post(issue->peer->client, PATH, text, &answer, err)) {
	case PEER_ANSWERED:
		result = read_answer(issue, &answer, missing, count, err);
		break;
	case PEER_NOT_SENT:
		qv_error_prefix(err, "KME \"%s\" cannot be reached", issue->peer->kme_id);
		break;
	case PEER_UNKNOWN:
		qv_error_prefix(err, "KME \"%s\" did not answer", issue->peer->kme_id);
		result = ACTIVATION_UNKNOWN;
		break;
	}
	free(text);
	peer_answer_clear(&answer);
	return result;
}
