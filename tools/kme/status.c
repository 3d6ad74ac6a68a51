/* SPDX-License-Identifier: Apache-2.0 */
/* ETSI GS QKD 014 clause 5.2. */
#include <string.h>

#include "apis.h"
#include "links.h"
#include "relay/relay.h"

static int64_t parts_of(size_t bytes)
{
	return (int64_t)((bytes + QV_QKDLINK_KEY_BYTES - 1) / QV_QKDLINK_KEY_BYTES);
}

int stored_keys(struct kme *kme, const struct peer *peer, size_t bytes, int64_t *now, struct qv_error *err)
{
	/* Keys for SAEs of this same KME come from its own generator. */
	int64_t stock = kme->limits.stored;
	if (peer && !link_has_keys(peer->link))
		return relay_stock(kme, peer, bytes, now, err);
	if (peer)
		stock = kme->store_class->stock(kme->store, peer->kme_id, peer->own_lane, err);
	*now = stock / parts_of(bytes);
	return stock < 0 ? -1 : 0;
}

void status_handle(const struct sae_call *call, struct reply *reply)
{
	struct kme *kme = call->kme;
	struct qv_error err = QV_ERROR_INIT;
	int64_t now;
	if (strcmp(call->request->method, "GET") != 0) {
		reply_method(reply, "GET");
		return;
	}
	const struct sae *slave = kme_sae(kme, call->other);
	if (!slave) {
		reply_detail(reply, 400, "the slave SAE is not known to this KME", "slave_SAE_ID", call->other);
		return;
	}
	if (stored_keys(kme, slave->peer, kme->limits.bytes, &now, &err) != 0) {
		qv_log_error(kme->log, "status for SAE %s: %s", call->caller->id, err.message);
		reply_unavailable(reply, "store", "the key store does not answer");
		return;
	}
	reply_json(reply, 200,
		   json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "source_KME_ID", kme->id, "target_KME_ID",
			     slave->peer ? slave->peer->kme_id : kme->id, "master_SAE_ID", call->caller->id,
			     "slave_SAE_ID", slave->id, "key_size", (json_int_t)kme->limits.bytes * 8,
			     "stored_key_count", (json_int_t)now, "max_key_count",
			     (json_int_t)(kme->limits.stored / parts_of(kme->limits.bytes)), "max_key_per_request",
			     (json_int_t)call->caller->budget->per_request, "max_key_size",
			     (json_int_t)call->caller->budget->max_bytes * 8, "min_key_size",
			     (json_int_t)kme->limits.min_bytes * 8, "max_SAE_ID_count",
			     (json_int_t)kme->limits.additional_slaves));
}
