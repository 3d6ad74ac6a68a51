/* SPDX-License-Identifier: Apache-2.0 */
#include "backend.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/x509.h>

static void copy_text(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%s", from ? from : "");
}

/* GnuTLS writes names of groups in capitals, IANA in small letters. */
static void fill_group(gnutls_session_t gnutls, struct qv_tls_facts *facts)
{
	gnutls_group_t group = gnutls_group_get(gnutls);
	if (group == GNUTLS_GROUP_INVALID)
		return;
	copy_text(facts->group, sizeof facts->group, gnutls_group_get_name(group));
	for (char *c = facts->group; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

static void fill_subject(gnutls_session_t gnutls, struct qv_tls_facts *facts)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(gnutls, &count);
	gnutls_x509_crt_t certificate;
	if (!chain || count == 0 || gnutls_x509_crt_init(&certificate) < 0)
		return;
	gnutls_datum_t name = { NULL, 0 };
	if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) >= 0 &&
	    gnutls_x509_crt_get_dn3(certificate, &name, 0) >= 0)
		copy_text(facts->peer_subject, sizeof facts->peer_subject, (const char *)name.data);
	gnutls_free(name.data);
	gnutls_x509_crt_deinit(certificate);
}

static void fill_identity(const struct qv_tls_session *session, struct qv_tls_facts *facts)
{
	const struct qv_tls_psk *psk = session->role == QV_TLS_CLIENT ? session->offered : &session->choice.psk;
	memcpy(facts->identity, psk->identity, psk->identity_size);
	facts->identity_size = psk->identity_size;
}

static bool is_psk(gnutls_kx_algorithm_t kx)
{
	return kx == GNUTLS_KX_PSK || kx == GNUTLS_KX_DHE_PSK || kx == GNUTLS_KX_ECDHE_PSK;
}

void tls_facts_fill(struct qv_tls_session *session)
{
	gnutls_session_t gnutls = session->gnutls;
	struct qv_tls_facts *facts = &session->facts;
	snprintf(facts->backend, sizeof facts->backend, "GnuTLS %s", gnutls_check_version(NULL));
	if (gnutls_protocol_get_version(gnutls) == GNUTLS_TLS1_3)
		copy_text(facts->protocol, sizeof facts->protocol, "TLSv1.3");
	else
		copy_text(facts->protocol, sizeof facts->protocol,
			  gnutls_protocol_get_name(gnutls_protocol_get_version(gnutls)));
	copy_text(facts->cipher, sizeof facts->cipher, gnutls_ciphersuite_get(gnutls));
	gnutls_kx_algorithm_t kx = gnutls_kx_get(gnutls);
	facts->psk = is_psk(kx);
	if (kx != GNUTLS_KX_PSK)
		fill_group(gnutls, facts);
	if (facts->psk) {
		fill_identity(session, facts);
		return;
	}
	facts->peer_verified = session->verified;
	if (facts->peer_verified)
		fill_subject(gnutls, facts);
	facts->self_certificate = gnutls_certificate_get_ours(gnutls) != NULL;
}
