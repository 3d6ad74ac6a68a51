/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/pad.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "reservoir.h"

struct qv_pad {
	enum qv_pad_direction direction;
	struct reservoir reservoir;
	struct qv_secret *hash_key; /* Poly1305's r, and room for the mask s of the packet at hand; NULL: no key yet */
	uint64_t newest;            /* behind what the newest packet that was opened used */
};

struct qv_pad *qv_pad_new(enum qv_pad_direction direction, struct qv_error *err)
{
	struct qv_pad *pad = calloc(1, sizeof *pad);
	if (!pad) {
		qv_fail(err, QV_E_NOMEM, "no memory for a pad");
		return NULL;
	}
	pad->direction = direction;
	if (reservoir_init(&pad->reservoir, err) == 0)
		return pad;
	free(pad);
	return NULL;
}

void qv_pad_free(struct qv_pad *pad)
{
	if (!pad)
		return;
	reservoir_clear(&pad->reservoir);
	qv_secret_free(pad->hash_key);
	free(pad);
}

void qv_pad_restart(struct qv_pad *pad)
{
	reservoir_drop_all(&pad->reservoir);
	qv_secret_free(pad->hash_key);
	pad->hash_key = NULL;
	pad->newest = 0;
}

static int add_first(struct qv_pad *pad, uint64_t position, struct qv_key *key, struct qv_error *err)
{
	if (key->secret && qv_secret_size(key->secret) < QV_PAD_HASH_KEY)
		return qv_fail(err, QV_E_INVALID, "the first key of a pad, %s, has only %zu bytes, %d are the least",
			       key->id, qv_secret_size(key->secret), QV_PAD_HASH_KEY);
	struct qv_secret *hash_key = qv_secret_new(crypto_onetimeauth_KEYBYTES, err);
	if (!hash_key)
		return -1;
	if (reservoir_add(&pad->reservoir, position, key, err) != 0) {
		qv_secret_free(hash_key);
		return -1;
	}
	reservoir_mask(&pad->reservoir, position, qv_secret_edit(hash_key), QV_PAD_HASH_KEY);
	reservoir_spend(&pad->reservoir, position, QV_PAD_HASH_KEY);
	pad->hash_key = hash_key;
	return 0;
}

int qv_pad_add(struct qv_pad *pad, uint64_t position, struct qv_key *key, struct qv_error *err)
{
	return pad->hash_key ? reservoir_add(&pad->reservoir, position, key, err) : add_first(pad, position, key, err);
}

uint64_t qv_pad_end(const struct qv_pad *pad)
{
	return pad->reservoir.end;
}

size_t qv_pad_left(const struct qv_pad *pad)
{
	return pad->reservoir.unused;
}

uint64_t qv_pad_used(const struct qv_pad *pad)
{
	return pad->reservoir.spent;
}

static void put_header(const struct qv_pad *pad, uint64_t position, uint8_t header[QV_PAD_HEADER])
{
	header[0] = (uint8_t)pad->direction;
	for (int i = 1; i < QV_PAD_HEADER; i++)
		header[i] = (uint8_t)(position >> (8 * (QV_PAD_HEADER - 1 - i)));
}

static uint64_t get_position(const uint8_t header[QV_PAD_HEADER])
{
	uint64_t position = 0;
	for (int i = 1; i < QV_PAD_HEADER; i++)
		position = position << 8 | header[i];
	return position;
}

/* The tag over context, header and ciphertext (the latter two are `size` bytes of `packet`), masked from `position`. */
static void make_tag(const struct qv_pad *pad, uint64_t position, const void *context, size_t context_size,
		     const uint8_t *packet, size_t size, uint8_t tag[QV_PAD_TAG])
{
	crypto_onetimeauth_state state;
	uint8_t *key = qv_secret_edit(pad->hash_key);
	reservoir_mask(&pad->reservoir, position, key + QV_PAD_HASH_KEY, QV_PAD_TAG);
	crypto_onetimeauth_init(&state, key);
	if (context_size)
		crypto_onetimeauth_update(&state, context, context_size);
	crypto_onetimeauth_update(&state, packet, size);
	crypto_onetimeauth_final(&state, tag);
	qv_wipe(key + QV_PAD_HASH_KEY, QV_PAD_TAG);
	qv_wipe(&state, sizeof state);
}

int qv_pad_seal(struct qv_pad *pad, const void *context, size_t context_size, const uint8_t *plain, size_t size,
		uint8_t *packet, struct qv_error *err)
{
	uint64_t position;
	if (size < 1 || size > QV_PAD_BYTES_MAX)
		return qv_fail(err, QV_E_INVALID, "%zu bytes are no packet to be sealed", size);
	if (!reservoir_find(&pad->reservoir, QV_PAD_COST(size), &position))
		return qv_fail(err, QV_E_NO_KEY, "no key is left: %zu bytes of pad are needed, %zu are there",
			       (size_t)QV_PAD_COST(size), pad->reservoir.unused);
	put_header(pad, position, packet);
	memcpy(packet + QV_PAD_HEADER, plain, size);
	reservoir_mask(&pad->reservoir, position, packet + QV_PAD_HEADER, size);
	make_tag(pad, position + size, context, context_size, packet, QV_PAD_HEADER + size,
		 packet + QV_PAD_HEADER + size);
	reservoir_drop_before(&pad->reservoir, position + QV_PAD_COST(size));
	return 0;
}

static int find_packet(const struct qv_pad *pad, const uint8_t *packet, size_t size, uint64_t *position,
		       struct qv_error *err)
{
	if (size <= QV_PAD_OVERHEAD || size > QV_PAD_BYTES_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a packet of %zu bytes was not sealed", size);
	if (packet[0] != (uint8_t)pad->direction)
		return qv_fail(err, QV_E_PROTOCOL, "a packet was sealed for direction %u, not %u", packet[0],
			       (unsigned)pad->direction);
	*position = get_position(packet);
	size_t cost = size - QV_PAD_HEADER;
	if (!pad->hash_key || *position + cost > pad->reservoir.end)
		return qv_fail(err, QV_E_PROTOCOL, "a packet is sealed with a key that is not there (position %llu)",
			       (unsigned long long)*position);
	if (!reservoir_has(&pad->reservoir, *position, cost))
		return qv_fail(err, QV_E_GONE, "a packet came twice or too late (position %llu)",
			       (unsigned long long)*position);
	return 0;
}

int qv_pad_open(struct qv_pad *pad, const void *context, size_t context_size, const uint8_t *packet, size_t size,
		uint8_t *plain, struct qv_error *err)
{
	uint64_t position = 0;
	uint8_t tag[QV_PAD_TAG];
	if (find_packet(pad, packet, size, &position, err) != 0)
		return -1;
	size_t length = size - QV_PAD_OVERHEAD;
	make_tag(pad, position + length, context, context_size, packet, QV_PAD_HEADER + length, tag);
	int wrong = sodium_memcmp(tag, packet + QV_PAD_HEADER + length, sizeof tag);
	qv_wipe(tag, sizeof tag);
	if (wrong)
		return qv_fail(err, QV_E_PROTOCOL, "a packet was changed on its way, or is not of the peer");
	memcpy(plain, packet + QV_PAD_HEADER, length);
	reservoir_mask(&pad->reservoir, position, plain, length);
	reservoir_spend(&pad->reservoir, position, QV_PAD_COST(length));
	if (position + QV_PAD_COST(length) > pad->newest)
		pad->newest = position + QV_PAD_COST(length);
	if (pad->newest > QV_PAD_WINDOW)
		reservoir_drop_before(&pad->reservoir, pad->newest - QV_PAD_WINDOW);
	return (int)length;
}

double qv_pad_rate(double bitrate, double packets_per_second)
{
	return bitrate / 8 + packets_per_second * QV_PAD_TAG;
}
