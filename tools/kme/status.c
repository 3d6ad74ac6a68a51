/* SPDX-License-Identifier: Apache-2.0 */
/* ETSI GS QKD 014 clause 5.2. */
#include <string.h>

#include "apis.h"

int stored_keys(struct kme *kme, const struct sae *slave, int64_t *now, int64_t *max, struct qv_error *err)
{
	int64_t parts = (kme->limits.bytes + QV_QKDLINK_KEY_BYTES - 1) / QV_QKDLINK_KEY_BYTES;
	*max = kme->limits.stored / parts;
	*now = *max;
	/* Keys for an SAE of this same KME come from its own generator. */
	if (!slave->peer)
		return 0;
	int64_t stock = kme->store_class->stock(kme->store, slave->peer->kme_id, slave->peer->own_lane, err);
	if (stock < 0)
		return -1;
	*now = stock / parts;
	return 0;
}

void status_handle(const struct sae_call *call, struct reply *reply)
{
	struct kme *kme = call->kme;
	struct qv_error err = QV_ERROR_INIT;
	int64_t now, max;
	if (strcmp(call->request->method, "GET") != 0) {
		reply_method(reply, "GET");
		return;
	}
	const struct sae *slave = kme_sae(kme, call->other);
	if (!slave) {
		reply_detail(reply, 400, "the slave SAE is not known to this KME", "slave_SAE_ID", call->other);
		return;
	}
	if (stored_keys(kme, slave, &now, &max, &err) != 0) {
		qv_log_error(kme->log, "status for SAE %s: %s", call->caller->id, err.message);
		reply_error(reply, 503, "the key store does not answer", NULL);
		return;
	}
	reply_json(reply, 200,
		   json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "source_KME_ID", kme->id, "target_KME_ID",
			     slave->peer ? slave->peer->kme_id : kme->id, "master_SAE_ID", call->caller->id,
			     "slave_SAE_ID", slave->id, "key_size", (json_int_t)kme->limits.bytes * 8,
			     "stored_key_count", (json_int_t)now, "max_key_count", (json_int_t)max,
			     "max_key_per_request", (json_int_t)kme->limits.per_request, "max_key_size",
			     (json_int_t)kme->limits.max_bytes * 8, "min_key_size",
			     (json_int_t)kme->limits.min_bytes * 8, "max_SAE_ID_count", (json_int_t)0));
}
