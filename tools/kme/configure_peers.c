/* SPDX-License-Identifier: Apache-2.0 */
/* List peers: other KMEs and the links with them. */
#include <stdlib.h>
#include <string.h>

#include "configure.h"
#include "socket.h"

static const struct qv_option peer_options[] = {
	{ .name = "kme_id", .type = QV_OPTION_STRING, .required = true, .help = "ID of the other KME." },
	{ .name = "address",
	  .type = QV_OPTION_STRING,
	  .required = true,
	  .help = "Where its inter-KME API listens, as host:port." },
	{ .name = "certificate_name",
	  .type = QV_OPTION_STRING,
	  .help = "Host name or IP address that its certificate must be for, when it calls and when it is called; "
		  "default: the host in address." },
	{ .name = NULL },
};

static int read_peer(struct kme *kme, struct peer *peer, const struct qv_section *section, struct qv_error *err)
{
	static const char *const groups[] = { "link", NULL };
	const struct qv_section *link;
	peer->kme = kme;
	peer->options = qv_options_check(section, peer_options, OPTION_SIZE, groups, err);
	if (!peer->options || configure_check_id(peer->options, "kme_id", err) != 0 ||
	    configure_check_address(peer->options, "address", err) != 0)
		return -1;
	peer->kme_id = qv_options_string(peer->options, "kme_id");
	if (strcmp(peer->kme_id, kme->id) == 0)
		return qv_options_fail(peer->options, "kme_id", err, "\"%s\" is this KME itself", kme->id);
	for (struct peer *other = kme->peers; other != peer; other++)
		if (strcmp(other->kme_id, peer->kme_id) == 0)
			return qv_options_fail(peer->options, "kme_id", err, "\"%s\" is there twice", peer->kme_id);
	peer->own_lane = strcmp(kme->id, peer->kme_id) < 0 ? 0 : 1;
	if (qv_section_group(section, "link", &link, err) != 0)
		return -1;
	peer->linked = link != NULL;
	/* One without a link can only be reached through others. */
	return link ? qv_role_load(kme->loader, link, "qkdlink", NULL, &peer->link_role, err) : 0;
}

/* The name that the peer's certificate must be for. */
static int set_peer_identity(struct kme *kme, struct peer *peer, struct qv_error *err)
{
	const char *name = qv_options_string(peer->options, "certificate_name");
	char host[256], port[6];
	if (!name) {
		if (socket_split(qv_options_string(peer->options, "address"), host, port, err) != 0)
			return -1;
		name = peer->host_name = strdup(host);
	}
	if (!name || !name[0])
		return qv_options_fail(peer->options, "certificate_name", err, "an empty name");
	peer->identity = (struct identity){ .kind = IDENTITY_HOST, .text = name };
	for (struct peer *other = kme->peers; other != peer; other++)
		if (strcasecmp(other->identity.text, name) == 0)
			return qv_options_fail(peer->options, "certificate_name", err,
					       "\"%s\" is also the name of peer \"%s\": they could not be told apart",
					       name, other->kme_id);
	return 0;
}

int configure_peers(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	size_t count;
	if (qv_section_list(root, "peers", &count, err) != 0)
		return -1;
	kme->peers = calloc(count + 1, sizeof *kme->peers);
	if (!kme->peers)
		return qv_fail(err, QV_E_NOMEM, "no memory for peers");
	for (size_t i = 0; i < count; i++) {
		struct peer *peer = &kme->peers[kme->peer_count++];
		if (read_peer(kme, peer, qv_section_list_item(root, "peers", i), err) != 0 ||
		    set_peer_identity(kme, peer, err) != 0)
			return -1;
	}
	return 0;
}
