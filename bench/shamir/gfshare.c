/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <libgfshare.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct gfshare {
	gfshare_ctx *split, *rebuild;
	unsigned char points[SHARES_MAX];
};

static void fill(unsigned char *bytes, unsigned size)
{
	while (size) {
		ssize_t got = getrandom(bytes, size, 0);
		if (got < 0)
			abort();
		bytes += got;
		size -= (unsigned)got;
	}
}

struct gfshare *gfshare_new(const struct sharing *sharing)
{
	struct gfshare *gfshare = calloc(1, sizeof *gfshare);
	if (!gfshare)
		return NULL;
	gfshare_fill_rand = fill;
	memcpy(gfshare->points, sharing->x, sharing->n);
	gfshare->split =
		gfshare_ctx_init_enc(gfshare->points, sharing->n, (unsigned char)sharing->t, (unsigned)sharing->size);
	gfshare->rebuild = gfshare_ctx_init_dec(gfshare->points, sharing->t, (unsigned)sharing->size);
	return gfshare;
}

int gfshare_split(struct gfshare *gfshare, struct sharing *sharing)
{
	gfshare_ctx_enc_setsecret(gfshare->split, sharing->secret);
	for (unsigned i = 0; i < sharing->n; i++)
		gfshare_ctx_enc_getshare(gfshare->split, (unsigned char)i, sharing->shares[i]);
	return 0;
}

int gfshare_rebuild(struct gfshare *gfshare, struct sharing *sharing)
{
	gfshare_ctx_dec_newshares(gfshare->rebuild, gfshare->points);
	for (unsigned i = 0; i < sharing->t; i++)
		gfshare_ctx_dec_giveshare(gfshare->rebuild, (unsigned char)i, sharing->shares[i]);
	gfshare_ctx_dec_extract(gfshare->rebuild, sharing->rebuilt);
	return 0;
}

void gfshare_free(struct gfshare *gfshare)
{
	if (gfshare) {
		gfshare_ctx_free(gfshare->split);
		gfshare_ctx_free(gfshare->rebuild);
	}
	free(gfshare);
}
