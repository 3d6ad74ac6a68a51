/* SPDX-License-Identifier: Apache-2.0 */
#include "authority.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "serial.h"

#define SKEW_SECONDS 300 /* clocks that are behind ours must not find it too young */

int fail_openssl(struct qv_error *err, const char *what)
{
	char text[256] = "no memory";
	unsigned long code = ERR_get_error();
	if (code)
		ERR_error_string_n(code, text, sizeof text);
	ERR_clear_error();
	return qv_fail(err, QV_E_INTERNAL, "%s: OpenSSL: %s", what, text);
}

EVP_PKEY *key_make(enum key_type type, struct qv_error *err)
{
	EVP_PKEY *key = NULL;
	switch (type) {
	case KEY_P256:
		key = EVP_EC_gen("P-256");
		break;
	case KEY_P384:
		key = EVP_EC_gen("P-384");
		break;
	case KEY_ED25519:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case KEY_RSA3072:
		key = EVP_RSA_gen(3072);
		break;
	case KEY_RSA4096:
		key = EVP_RSA_gen(4096);
		break;
	}
	if (!key)
		fail_openssl(err, "making a key");
	return key;
}

static const EVP_MD *digest_for(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

static bool extend(X509 *certificate, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static bool set_name(X509_NAME *name, const char *organization, const char *common_name)
{
	return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)organization, -1, -1, 0) ==
		       1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) ==
		       1;
}

static bool set_validity(X509 *certificate, long days, const X509 *issuer)
{
	if (!X509_gmtime_adj(X509_getm_notBefore(certificate), -SKEW_SECONDS) ||
	    !X509_time_adj_ex(X509_getm_notAfter(certificate), (int)days, 0, NULL))
		return false;
	/* Nothing outlives the CA that it comes from. */
	if (issuer && ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(issuer)) > 0)
		return X509_set1_notAfter(certificate, X509_get0_notAfter(issuer)) == 1;
	return true;
}

X509 *authority_certificate(const struct network *network, const char *role, EVP_PKEY *key, const X509 *old,
			    struct qv_error *err)
{
	char common_name[NAME_MAX_LENGTH + 1];
	snprintf(common_name, sizeof common_name, "%s%s CA", network->organization, role);
	X509 *made = X509_new();
	X509_NAME *name = old ? X509_NAME_dup(X509_get_subject_name(old)) : X509_NAME_new();
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	bool fine = made && name && X509_set_version(made, X509_VERSION_3) == 1 &&
		    serial_set(X509_get_serialNumber(made), NULL, err) == 0 &&
		    (old || set_name(name, network->organization, common_name)) &&
		    X509_set_subject_name(made, name) == 1 && X509_set_issuer_name(made, name) == 1 &&
		    set_validity(made, network->ca_days, NULL) && X509_set_pubkey(made, key) == 1;
	if (fine) {
		X509V3_set_ctx(&context, made, made, NULL, NULL, 0);
		fine = extend(made, &context, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		       extend(made, &context, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		       extend(made, &context, NID_subject_key_identifier, "hash") &&
		       extend(made, &context, NID_authority_key_identifier, "keyid:always") &&
		       X509_sign(made, key, digest_for(key)) != 0;
	}
	X509_NAME_free(name);
	if (fine)
		return made;
	fail_openssl(err, "making the certificate of a CA");
	X509_free(made);
	return NULL;
}

/* The names come from a file: they are never parsed as extension syntax, in which a comma begins another one. */
static bool add_name(GENERAL_NAMES *names, int type, const void *bytes, size_t size)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (!name || !value || ASN1_STRING_set(value, bytes, (int)size) != 1) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(value);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool add_host(GENERAL_NAMES *names, const char *host)
{
	if (!host_is_address(host))
		return add_name(names, GEN_DNS, host, strlen(host));
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
	bool added = address &&
		     add_name(names, GEN_IPADD, ASN1_STRING_get0_data(address), (size_t)ASN1_STRING_length(address));
	ASN1_OCTET_STRING_free(address);
	return added;
}

static bool set_names(X509 *certificate, const struct member *member)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	bool fine = names && (!member->uri || add_name(names, GEN_URI, member->uri, strlen(member->uri)));
	for (size_t i = 0; fine && i < host_count(member); i++)
		fine = add_host(names, host_name(member, i));
	fine = fine && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1;
	GENERAL_NAMES_free(names);
	return fine;
}

static bool set_usage(X509 *certificate, X509V3_CTX *context, const struct member *member, const EVP_PKEY *key)
{
	bool serves = host_count(member) > 0;
	return extend(certificate, context, NID_basic_constraints, "critical,CA:FALSE") &&
	       extend(certificate, context, NID_key_usage,
		      EVP_PKEY_is_a(key, "RSA") ? "critical,digitalSignature,keyEncipherment"
						: "critical,digitalSignature") &&
	       extend(certificate, context, NID_ext_key_usage, serves ? "serverAuth,clientAuth" : "clientAuth") &&
	       extend(certificate, context, NID_subject_key_identifier, "hash") &&
	       extend(certificate, context, NID_authority_key_identifier, "keyid:always");
}

X509 *member_certificate(const struct network *network, const struct member *member, const struct authority *authority,
			 EVP_PKEY *key, struct qv_error *err)
{
	X509 *made = X509_new();
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	bool fine = made && X509_set_version(made, X509_VERSION_3) == 1 &&
		    serial_set(X509_get_serialNumber(made),
			       member->is_kme ? NULL : qv_options_string(member->options, "serial"), err) == 0 &&
		    set_name(X509_get_subject_name(made), network->organization, member->id) &&
		    X509_set_issuer_name(made, X509_get_subject_name(authority->certificate)) == 1 &&
		    set_validity(made, network->days, authority->certificate) && X509_set_pubkey(made, key) == 1;
	if (fine) {
		X509V3_set_ctx(&context, authority->certificate, made, NULL, NULL, 0);
		fine = set_usage(made, &context, member, key) && set_names(made, member) &&
		       X509_sign(made, authority->key, digest_for(authority->key)) != 0;
	}
	if (fine)
		return made;
	fail_openssl(err, member->id);
	X509_free(made);
	return NULL;
}

bool authority_revoked(const struct authority *authority, const X509 *certificate)
{
	X509_REVOKED *entry;
	return authority->crl && X509_CRL_get0_by_serial(authority->crl, &entry,
							 (ASN1_INTEGER *)X509_get0_serialNumber(certificate)) == 1;
}

static bool add_revoked(X509_CRL *crl, const X509 *certificate)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, 0);
	bool fine = entry && now &&
		    X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)X509_get0_serialNumber(certificate)) == 1 &&
		    X509_REVOKED_set_revocationDate(entry, now) == 1 && X509_CRL_add0_revoked(crl, entry) == 1;
	if (!fine)
		X509_REVOKED_free(entry);
	ASN1_TIME_free(now);
	return fine;
}

static bool copy_revoked(X509_CRL *crl, X509_CRL *old)
{
	STACK_OF(X509_REVOKED) *entries = old ? X509_CRL_get_REVOKED(old) : NULL;
	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		X509_REVOKED *entry = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));
		if (!entry || X509_CRL_add0_revoked(crl, entry) != 1) {
			X509_REVOKED_free(entry);
			return false;
		}
	}
	return true;
}

static bool set_crl_number(X509_CRL *crl, const X509_CRL *old)
{
	ASN1_INTEGER *last = old ? X509_CRL_get_ext_d2i(old, NID_crl_number, NULL, NULL) : NULL;
	BIGNUM *number = last ? ASN1_INTEGER_to_BN(last, NULL) : BN_new();
	ASN1_INTEGER *next = number && BN_add_word(number, 1) == 1 ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
	bool fine = next && X509_CRL_add1_ext_i2d(crl, NID_crl_number, next, 0, 0) == 1;
	ASN1_INTEGER_free(last);
	ASN1_INTEGER_free(next);
	BN_free(number);
	return fine;
}

static bool set_crl_issuer(X509_CRL *crl, X509 *issuer)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
	bool fine = X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 && extension &&
		    X509_CRL_add_ext(crl, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return fine;
}

static bool set_crl_times(X509_CRL *crl, long days)
{
	ASN1_TIME *last = X509_gmtime_adj(NULL, -SKEW_SECONDS), *next = X509_time_adj_ex(NULL, (int)days, 0, NULL);
	bool fine =
		last && next && X509_CRL_set1_lastUpdate(crl, last) == 1 && X509_CRL_set1_nextUpdate(crl, next) == 1;
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	return fine;
}

X509_CRL *authority_crl(const struct network *network, const struct authority *authority, const X509 *revoked,
			struct qv_error *err)
{
	X509_CRL *crl = X509_CRL_new();
	if (crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 && set_crl_times(crl, network->crl_days) &&
	    copy_revoked(crl, authority->crl) && (!revoked || add_revoked(crl, revoked)) &&
	    set_crl_issuer(crl, authority->certificate) && set_crl_number(crl, authority->crl) &&
	    X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, authority->key, digest_for(authority->key)) != 0)
		return crl;
	fail_openssl(err, "making a CRL");
	X509_CRL_free(crl);
	return NULL;
}

void authority_clear(struct authority *authority)
{
	EVP_PKEY_free(authority->key);
	X509_free(authority->certificate);
	X509_CRL_free(authority->crl);
	*authority = (struct authority){ .key = NULL };
}
