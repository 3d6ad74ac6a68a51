/* SPDX-License-Identifier: Apache-2.0 */
/* Ours and the peers, as "split" and "rebuild" of one sharing at a time. */
#ifndef BENCH_SHAMIR_PEERS_H
#define BENCH_SHAMIR_PEERS_H

#include <stddef.h>
#include <stdint.h>

#define SHARES_MAX 16

struct sharing {
	unsigned t, n;
	size_t size;
	uint8_t x[SHARES_MAX], *secret, *rebuilt, *shares[SHARES_MAX];
	const uint8_t *readable[SHARES_MAX];
};

int sharing_new(struct sharing *sharing, unsigned n, unsigned t, size_t size);
void sharing_free(struct sharing *sharing);

int ours_split(struct sharing *sharing);
int ours_rebuild(struct sharing *sharing);

/* libgfshare with getrandom(2) as its generator. */
struct gfshare;
struct gfshare *gfshare_new(const struct sharing *sharing);
int gfshare_split(struct gfshare *gfshare, struct sharing *sharing);
int gfshare_rebuild(struct gfshare *gfshare, struct sharing *sharing);
void gfshare_free(struct gfshare *gfshare);

/* ISA-L's erasure coding of the secret and rows of AES-256-CTR, by OpenSSL. */
struct isal;
struct isal *isal_new(const struct sharing *sharing);
int isal_split(struct isal *isal, struct sharing *sharing);
int isal_rebuild(struct isal *isal, struct sharing *sharing);
void isal_free(struct isal *isal);

#endif
