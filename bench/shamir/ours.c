/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/shamir.h>

int sharing_new(struct sharing *sharing, unsigned n, unsigned t, size_t size)
{
	memset(sharing, 0, sizeof *sharing);
	sharing->t = t;
	sharing->n = n;
	sharing->size = size;
	sharing->secret = malloc(size);
	sharing->rebuilt = malloc(size);
	for (unsigned i = 0; i < n; i++) {
		sharing->x[i] = (uint8_t)(i + 1);
		sharing->readable[i] = sharing->shares[i] = malloc(size);
		if (!sharing->shares[i])
			return -1;
	}
	return sharing->rebuilt && sharing->secret ? qv_generator_fill(NULL, sharing->secret, size, NULL) : -1;
}

void sharing_free(struct sharing *sharing)
{
	free(sharing->secret);
	free(sharing->rebuilt);
	for (unsigned i = 0; i < sharing->n; i++)
		free(sharing->shares[i]);
}

int ours_split(struct sharing *sharing)
{
	return qv_shamir_split(NULL, sharing->secret, sharing->size, sharing->t, sharing->x, sharing->n,
			       sharing->shares, NULL);
}

int ours_rebuild(struct sharing *sharing)
{
	return qv_shamir_rebuild(sharing->t, sharing->x, sharing->readable, sharing->size, sharing->rebuilt, NULL);
}
