/* SPDX-License-Identifier: Apache-2.0 */
/* The unused bytes of a pad: keys at positions, in order. */
#ifndef QV_PAD_RESERVOIR_H
#define QV_PAD_RESERVOIR_H

#include <qvisio/pad.h>

/* A key, some bytes of which may be used and wiped. */
struct pad_key {
	uint64_t position;
	size_t size;
	size_t unused;  /* bytes */
	uint8_t *spent; /* for each byte whether it was used */
	struct qv_key key;
};

struct reservoir {
	struct pad_key *keys; /* ring of QV_PAD_KEYS_MAX, ascending positions */
	size_t first, count;
	uint64_t end; /* position behind the last key */
	size_t unused;
	uint64_t spent;
};

int reservoir_init(struct reservoir *reservoir, struct qv_error *err);
void reservoir_clear(struct reservoir *reservoir);
/* Wipes all keys; the first that follows may stand anywhere. What was spent goes on being counted. */
void reservoir_drop_all(struct reservoir *reservoir);

/* See qv_pad_add. */
int reservoir_add(struct reservoir *reservoir, uint64_t position, struct qv_key *key, struct qv_error *err);

/* Whether all these bytes are there and unused. */
bool reservoir_has(const struct reservoir *reservoir, uint64_t position, size_t size);

/* XORs the bytes of the pad from `position` on into `bytes`. All of them are there. They stay. */
void reservoir_mask(const struct reservoir *reservoir, uint64_t position, uint8_t *bytes, size_t size);

/* Wipes bytes, as many of these as are there; they never come back. */
void reservoir_spend(struct reservoir *reservoir, uint64_t position, size_t size);

/* Wipes all bytes before `position`. */
void reservoir_drop_before(struct reservoir *reservoir, uint64_t position);

/* The first position from which `size` unused bytes follow each other. False: there is none. */
bool reservoir_find(const struct reservoir *reservoir, size_t size, uint64_t *position);

#endif
