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

static void alive(struct peer *peer, const struct request *request, struct reply *reply)
{
	(void)request;
	reply_json(reply, 200, json_pack("{s:s}", "kme_id", peer->kme->id));
}

static const struct {
	const char *path;
	void (*handle)(struct peer *peer, const struct request *request, struct reply *reply);
} paths[] = {
	{ "/inter-kme/v1/activate", kme_api_activate },
	{ "/inter-kme/v1/undo", kme_api_undo },
	{ "/inter-kme/v1/lacking", kme_api_lacking },
	{ "/inter-kme/v1/alive", alive },
	{ "/inter-kme/v1/relay/open", kme_api_relay_open },
	{ "/inter-kme/v1/relay/share", kme_api_relay_share },
	{ "/inter-kme/v1/relay/news", kme_api_relay_news },
	{ "/inter-kme/v1/relay/trouble", kme_api_relay_trouble },
	{ "/inter-kme/v1/relay/confirm", kme_api_relay_confirm },
	{ "/inter-kme/v1/relay/commit", kme_api_relay_commit },
	{ "/inter-kme/v1/relay/close", kme_api_relay_close },
};

static void handle(struct peer *peer, const struct request *request, struct reply *reply)
{
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (strcmp(request->target, paths[i].path) != 0)
			continue;
		if (strcmp(request->method, "POST") == 0)
			paths[i].handle(peer, request, reply);
		else
			reply_method(reply, "POST");
		return;
	}
	reply_not_found(reply);
}

void kme_api_handle(void *context, const struct request *request, struct reply *reply)
{
	struct kme *kme = context;
	struct peer *peer = caller_of(kme, request->certificate);
	if (peer) {
		handle(peer, request, reply);
		return;
	}
	qv_log_warning(kme->log, "a KME whose certificate is no peer's is refused");
	reply_empty(reply, 401);
}
