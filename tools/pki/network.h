/* SPDX-License-Identifier: Apache-2.0 */
/* The network that a PKI is for, read from its configuration file and checked whole. */
#ifndef PKI_NETWORK_H
#define PKI_NETWORK_H

#include <qvisio/config.h>

#define STEM_MAX        96
#define NAME_MAX_LENGTH 64 /* of a common name or organization: RFC 5280 appendix A */

enum key_type { KEY_P256, KEY_P384, KEY_ED25519, KEY_RSA3072, KEY_RSA4096 };
enum identity { IDENTITY_URI, IDENTITY_SERIAL, IDENTITY_COMMON_NAME };

/* A KME or an SAE: what gets a certificate. */
struct member {
	const char *id;
	struct qv_options *options;
	char stem[STEM_MAX + 1]; /* of its files: "kme-PARIS" */
	bool is_kme;
	const struct member *kme; /* of an SAE; NULL if it has none in this file */
	char *uri;                /* of an SAE */
	enum identity identity;   /* how its KME knows it */
};

struct network {
	struct qv_config *file;
	struct qv_options *top;
	const char *folder, *organization;
	enum key_type key;
	bool separate;
	long days, ca_days, crl_days;
	struct member *members; /* KMEs, then SAEs */
	size_t kmes, count;
};

int network_read(struct network *network, const char *path, struct qv_error *err);
void network_free(struct network *network);

/* By ID, or by the stem of its files. NULL: none. */
const struct member *network_find(const struct network *network, const char *name);

/* Whether two KMEs have a link: one of them says so, or neither says anything. */
bool network_linked(const struct member *a, const struct member *b);

bool host_is_address(const char *host);
size_t host_count(const struct member *member);
const char *host_name(const struct member *member, size_t index);

#endif
