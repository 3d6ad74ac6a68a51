/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include "compare.h"
#include "links.h"

static struct link *link_of(const struct kme *kme, const char *kme_id)
{
	const struct peer *peer = kme ? kme_peer((struct kme *)(uintptr_t)kme, kme_id) : NULL;
	return peer ? peer->link : NULL;
}

static int make_client(struct kme *kme, struct peer *peer, struct qv_error *err)
{
	struct peer_client_config config = { .address = qv_options_string(peer->options, "address"),
					     .certificate_name = peer->identity.text,
					     .tls = kme->kme_tls,
					     .timeout_ms = (long)qv_options_int(kme->kme_api, "timeout") };
	peer->client = peer_client_new(&config, err);
	return peer->client ? 0 : -1;
}

static int open_one(struct kme *kme, struct peer *peer, const struct kme *before, struct qv_error *err)
{
	struct link *link = link_of(before, peer->kme_id);
	if (make_client(kme, peer, err) != 0)
		return -1;
	peer->link = link ? link_hold(link) : link_new(peer, err);
	if (!peer->link)
		return -1;
	peer->log = peer->link->log;
	return 0;
}

int peers_open(struct kme *kme, const struct kme *before, struct qv_error *err)
{
	for (size_t i = 0; i < kme->peer_count; i++)
		if (open_one(kme, &kme->peers[i], before, err) != 0)
			return err->code == QV_E_CONFIG ? -1
							: qv_error_prefix(err, "peer \"%s\"", kme->peers[i].kme_id);
	return 0;
}

int peers_start(struct kme *kme, const struct kme *before, struct qv_error *err)
{
	for (size_t i = 0; i < kme->peer_count; i++) {
		struct link *link = kme->peers[i].link;
		if (link == link_of(before, link->kme_id))
			continue;
		if (link_start(link, err) != 0 || undo_start(link, err) != 0 || compare_start(link, err) != 0)
			return -1;
	}
	return 0;
}

void peers_stop(struct kme *kme, const struct kme *other)
{
	for (size_t i = 0; i < kme->peer_count; i++) {
		struct link *link = kme->peers[i].link;
		if (link && link != link_of(other, link->kme_id))
			link_stop(link);
	}
}
