/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PKI_COMMANDS_H
#define PKI_COMMANDS_H

#include "authority.h"
#include "files.h"

/* The CAs of a network, and where they are. */
struct pki {
	const struct network *network;
	int folder;
	struct authority saes, kmes; /* the same when there is one for all */
};

const char *sae_ca(const struct network *network); /* stems of their files */
const char *kme_ca(const struct network *network);
const struct authority *authority_of(const struct pki *pki, const struct member *member);

int pki_open(struct pki *pki, const struct network *network, struct qv_error *err);
void pki_close(struct pki *pki);

int pki_make(const struct network *network, struct qv_error *err);
int pki_add(struct pki *pki, struct qv_error *err);
int pki_renew(struct pki *pki, long within_days, struct qv_error *err);
int pki_renew_crls(struct pki *pki, struct qv_error *err);
int pki_revoke(struct pki *pki, const char *name, struct qv_error *err);

/* The lines for the configurations of KMEs and SAEs, on standard output. */
int pki_show(const struct pki *pki, struct qv_error *err);

#endif
