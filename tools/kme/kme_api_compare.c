/* SPDX-License-Identifier: Apache-2.0 */
/* Inter-KME API: a peer asks which link keys this KME lacks. */
#include "apis.h"

struct answer {
	struct qv_keystore_visit visit; /* first */
	json_t *lacking;
};

static int add_label(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct answer *answer = (struct answer *)visit;
	(void)err;
	json_array_append_new(answer->lacking, json_string(key->label));
	return 0;
}

static void reply_lacking(struct peer *peer, unsigned lane, char *const *labels, size_t count, struct reply *reply)
{
	const struct kme *kme = peer->kme;
	struct qv_error err = QV_ERROR_INIT;
	struct answer answer = { .visit.pool_key = add_label, .lacking = json_array() };
	if (kme->store_class->lacking(kme->store, peer->kme_id, lane, (const char *const *)labels, count, &answer.visit,
				      &err) == 0) {
		reply_json(reply, 200, json_pack("{s:o}", "lacking", answer.lacking));
		return;
	}
	json_decref(answer.lacking);
	qv_log_error(peer->log, "pools are not compared: %s", err.message);
	reply_error(reply, 503, "the key store does not answer", NULL);
}

void kme_api_lacking(struct peer *peer, const struct request *request, struct reply *reply)
{
	char **labels;
	size_t count;
	unsigned lane;
	struct qv_error err = QV_ERROR_INIT;
	if (!peer->kme->store_class->lacking)
		reply_error(reply, 404, "the key store of this KME cannot compare pools", NULL);
	else if (lacking_json(&lane, &labels, &count, request->body, request->body_size, &err) != 0)
		reply_failure(reply, &err);
	else {
		reply_lacking(peer, lane, labels, count, reply);
		labels_free(labels, count);
	}
}
