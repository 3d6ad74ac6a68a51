/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORMANCE_PEM_H
#define CONFORMANCE_PEM_H

#include "client.h"

/*
 * A certificate that says what the party's says (subject, serial number, alternative names), but with a key of its own
 * and signed by nobody: a KME that trusts it checks names only.
 */
int pem_impostor(const struct party *party, struct pem *pem, struct qv_error *err);
void pem_clear(struct pem *pem);

#endif
