/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_peer.h"

#include <stdio.h>
#include <string.h>

#include <qvisio/psk_identity.h>

/* Reads the entry of `identity` (NULL: the first). 1, 0 when there is none, -1. */
static int read_entry(const char *path, const void *identity, size_t size, struct qv_tls_psk *psk, struct qv_error *err)
{
	FILE *file = path ? fopen(path, "r") : NULL;
	if (!file)
		return qv_fail(err, QV_E_IO, "no file of keys");
	char line[4096];
	int found = 0;
	while (!found && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		char *colon = strrchr(line, ':');
		if (!colon || (identity && ((size_t)(colon - line) != size || memcmp(line, identity, size) != 0)))
			continue;
		psk->identity_size = (size_t)(colon - line);
		memcpy(psk->identity, line, psk->identity_size);
		psk->key = qv_secret_from_hex(colon + 1, strlen(colon + 1), err);
		found = psk->key ? 1 : -1;
	}
	fclose(file);
	struct qv_psk_identity named = { .hash = QV_TLS_SHA256 };
	if (found == 1 && qv_psk_identity_parse(psk->identity, psk->identity_size, &named, NULL) == 0)
		psk->hash = named.hash;
	if (found == 0)
		qv_fail(err, QV_E_NOT_FOUND, "no key of that identity in the file");
	return found;
}

int peer_psk_read(const struct peer *peer, struct qv_tls_psk *psk, struct qv_error *err)
{
	size_t size = peer->identity ? strlen(peer->identity) : 0;
	return read_entry(peer->psk_file, peer->identity, size, psk, err) == 1 ? 0 : -1;
}

static int find(struct qv_tls_lookup *lookup, const uint8_t *identity, size_t size, struct qv_tls_psk *psk,
		struct qv_error *why)
{
	return read_entry(lookup->peer->psk_file, identity, size, psk, why);
}

struct qv_tls_finder peer_finder(struct qv_tls_lookup *lookup)
{
	return (struct qv_tls_finder){ .find = find, .lookup = lookup };
}
