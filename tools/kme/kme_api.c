/* SPDX-License-Identifier: Apache-2.0 */
/* Inter-KME API: what peers ask of this KME. doc/PROTOCOL.md. */
#include <string.h>

#include "apis.h"

static struct peer *caller_of(struct kme *kme, gnutls_x509_crt_t certificate)
{
	for (size_t i = 0; i < kme->peer_count; i++)
		if (identity_matches(&kme->peers[i].identity, certificate))
			return &kme->peers[i];
	return NULL;
}

void kme_api_handle(void *context, const struct request *request, struct reply *reply)
{
	struct kme *kme = context;
	struct peer *peer = caller_of(kme, request->certificate);
	bool alive = strcmp(request->target, "/inter-kme/v1/alive") == 0;
	bool activate_path = strcmp(request->target, "/inter-kme/v1/activate") == 0;
	if (!peer) {
		qv_log_warning(kme->log, "a KME whose certificate is no peer's is refused");
		reply_empty(reply, 401);
	} else if (alive && strcmp(request->method, "POST") == 0) {
		reply_json(reply, 200, json_pack("{s:s}", "kme_id", kme->id));
	} else if (!alive && !activate_path && strcmp(request->target, "/inter-kme/v1/undo") != 0) {
		reply_not_found(reply);
	} else if (strcmp(request->method, "POST") != 0) {
		reply_method(reply, "POST");
	} else if (activate_path) {
		kme_api_activate(peer, request, reply);
	} else {
		kme_api_undo(peer, request, reply);
	}
}
