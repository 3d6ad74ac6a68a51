/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of relay plans: 64-bit FNV-1a. */
#include <qvisio/relay.h>

#include <string.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void add(struct qv_relay_digest *digest, const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;
	for (size_t i = 0; i < size; i++)
		digest->state = (digest->state ^ byte[i]) * FNV_PRIME;
}

void qv_relay_digest_begin(struct qv_relay_digest *digest, const char *module, const struct qv_topology *topology,
			   uint32_t from, uint32_t to)
{
	digest->state = FNV_START;
	add(digest, module, strlen(module) + 1);
	qv_relay_digest_kme(digest, topology, from);
	qv_relay_digest_kme(digest, topology, to);
}

void qv_relay_digest_number(struct qv_relay_digest *digest, uint64_t number)
{
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	add(digest, bytes, sizeof bytes);
}

void qv_relay_digest_kme(struct qv_relay_digest *digest, const struct qv_topology *topology, uint32_t kme)
{
	const char *id = qv_topology_kme(topology, kme)->id;
	add(digest, id, strlen(id) + 1);
}

void qv_relay_digest_end(struct qv_relay_digest *digest, uint8_t *bytes)
{
	for (int i = 0; i < QV_RELAY_DIGEST_SIZE; i++)
		bytes[i] = (uint8_t)(digest->state >> (8 * i));
}
