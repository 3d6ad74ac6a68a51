/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "issue.h"
#include "serial.h"

const char *sae_ca(const struct network *network)
{
	return network->separate ? "sae-ca" : "ca";
}

const char *kme_ca(const struct network *network)
{
	return network->separate ? "kme-ca" : "ca";
}

const struct authority *authority_of(const struct pki *pki, const struct member *member)
{
	return member->is_kme ? &pki->kmes : &pki->saes;
}

static void share_authority(struct pki *pki)
{
	pki->kmes = pki->saes;
	EVP_PKEY_up_ref(pki->kmes.key);
	X509_up_ref(pki->kmes.certificate);
	X509_CRL_up_ref(pki->kmes.crl);
}

static int load_authority(struct authority *authority, const struct pki *pki, const char *stem, struct qv_error *err)
{
	int folder = pki->folder;
	authority->certificate = read_certificate(folder, stem, err);
	if (!authority->certificate || !(authority->key = read_key(pki->network->folder, stem, err)) ||
	    !(authority->crl = read_crl(folder, stem, err)))
		return -1;
	if (X509_check_private_key(authority->certificate, authority->key) != 1)
		return qv_fail(err, QV_E_INVALID, "%s.key is not the key of %s.pem", stem, stem);
	return 0;
}

int pki_open(struct pki *pki, const struct network *network, struct qv_error *err)
{
	*pki = (struct pki){ .network = network, .folder = folder_open(network->folder, err) };
	if (pki->folder < 0 || load_authority(&pki->saes, pki, sae_ca(network), err) != 0)
		return -1;
	if (network->separate)
		return load_authority(&pki->kmes, pki, kme_ca(network), err);
	share_authority(pki);
	return 0;
}

void pki_close(struct pki *pki)
{
	authority_clear(&pki->saes);
	authority_clear(&pki->kmes);
	if (pki->folder >= 0)
		close(pki->folder);
}

static int new_authority(const struct network *network, struct authority *authority, const char *role,
			 struct files *files, const char *stem, struct qv_error *err)
{
	authority->key = key_make(network->key, err);
	if (!authority->key ||
	    !(authority->certificate = authority_certificate(network, role, authority->key, NULL, err)) ||
	    !(authority->crl = authority_crl(network, authority, NULL, err)))
		return -1;
	return put_authority(files, stem, authority, err);
}

/* The password of an SAE's PKCS#12 file: what the configuration names, what is there, or a new one. */
static struct qv_secret *password_of(const struct pki *pki, const struct member *member, struct files *files,
				     struct qv_error *err)
{
	const char *path = qv_options_string(member->options, "password_file");
	struct qv_error why = QV_ERROR_INIT;
	if (!path && !(pki->folder >= 0 && folder_has(pki->folder, member->stem, "password")))
		return put_password(files, member->stem, err);
	struct qv_secret *text = path ? qv_secret_from_file(path, 4096, &why)
				      : read_secret(pki->network->folder, member->stem, "password", &why);
	struct qv_secret *line = text ? first_line(text, path ? path : member->stem, &why) : NULL;
	if (!line)
		qv_options_fail(member->options, path ? "password_file" : "id", err, "%s", why.message);
	return line;
}

static int put_member(const struct pki *pki, const struct member *member, EVP_PKEY *key, struct files *files,
		      struct qv_error *err)
{
	const struct authority *authority = authority_of(pki, member);
	X509 *certificate = member_certificate(pki->network, member, authority, key, err);
	int result = certificate ? put_certificate(files, member->stem, certificate, err) : -1;
	if (result == 0 && !member->is_kme) {
		struct qv_secret *password = password_of(pki, member, files, err);
		result =
			password ? put_pfx(files, member, key, certificate, authority->certificate, password, err) : -1;
		qv_secret_free(password);
	}
	X509_free(certificate);
	return result;
}

static int new_member(const struct pki *pki, const struct member *member, struct files *files, struct qv_error *err)
{
	EVP_PKEY *key = key_make(pki->network->key, err);
	int result = key && put_key(files, member->stem, key, err) == 0 ? put_member(pki, member, key, files, err) : -1;
	EVP_PKEY_free(key);
	return result;
}

static int fill(struct pki *pki, struct files *files, struct qv_error *err)
{
	const struct network *network = pki->network;
	if (new_authority(network, &pki->saes, network->separate ? " SAE" : "", files, sae_ca(network), err) != 0)
		return -1;
	if (!network->separate)
		share_authority(pki);
	else if (new_authority(network, &pki->kmes, " KME", files, kme_ca(network), err) != 0)
		return -1;
	for (size_t i = 0; i < network->count; i++)
		if (new_member(pki, &network->members[i], files, err) != 0)
			return -1;
	return 0;
}

int pki_make(const struct network *network, struct qv_error *err)
{
	struct pki pki = { .network = network, .folder = -1 };
	struct files files = { .count = 0 };
	int result = folder_check_new(network->folder, err);
	if (result == 0)
		result = fill(&pki, &files, err);
	if (result == 0)
		result = files_make_folder(&files, network->folder, err);
	if (result == 0)
		fprintf(stderr, "qkd-pki: %zu files are in %s\n", files.count, network->folder);
	files_clear(&files);
	pki_close(&pki);
	return result;
}

/* 1: all files of a member are there, 0: none. */
static int is_issued(const struct pki *pki, const struct member *member, struct qv_error *err)
{
	bool generated = !member->is_kme && !qv_options_string(member->options, "password_file");
	const char *const suffixes[] = { "pem", "key", member->is_kme ? NULL : "pfx", generated ? "password" : NULL };
	size_t there = 0, wanted = 0;
	const char *missing = NULL;
	for (size_t i = 0; i < 4; i++) {
		if (!suffixes[i])
			continue;
		wanted++;
		if (folder_has(pki->folder, member->stem, suffixes[i]))
			there++;
		else
			missing = suffixes[i];
	}
	if (there > 0 && there < wanted)
		return qv_options_fail(member->options, "id", err,
				       "%s.%s is missing, and other files of \"%s\" are there", member->stem, missing,
				       member->id);
	return there > 0;
}

int pki_add(struct pki *pki, struct qv_error *err)
{
	struct files files = { .count = 0 };
	int result = 0;
	for (size_t i = 0; i < pki->network->count && result == 0; i++) {
		const struct member *member = &pki->network->members[i];
		int there = is_issued(pki, member, err);
		if (there == 0)
			there = new_member(pki, member, &files, err);
		result = there < 0 ? -1 : 0;
	}
	if (result == 0)
		result = files_write_new(&files, pki->folder, err);
	for (size_t i = 0; i < files.count && result == 0; i++)
		fprintf(stderr, "qkd-pki: made %s\n", files.list[i].name);
	files_clear(&files);
	return result;
}

static bool expires_within(const X509 *certificate, long days)
{
	ASN1_TIME *limit = X509_time_adj_ex(NULL, (int)days, 0, NULL);
	bool soon = limit && ASN1_TIME_compare(X509_get0_notAfter(certificate), limit) < 0;
	ASN1_TIME_free(limit);
	return soon;
}

static int renew_authority(const struct pki *pki, struct authority *authority, const char *stem, long within,
			   struct files *files, struct qv_error *err)
{
	if (!expires_within(authority->certificate, within))
		return 0;
	X509 *made = authority_certificate(pki->network, "", authority->key, authority->certificate, err);
	if (!made)
		return -1;
	X509_free(authority->certificate);
	authority->certificate = made;
	return put_certificate(files, stem, made, err);
}

static int check_serial(const struct member *member, const X509 *old, struct qv_error *err)
{
	const char *fixed = member->is_kme ? NULL : qv_options_string(member->options, "serial");
	char *text = fixed ? serial_text(X509_get0_serialNumber(old)) : NULL;
	bool same = text && serial_equal(text, fixed);
	OPENSSL_free(text);
	return same ? qv_options_fail(member->options, "serial", err,
				      "the certificate to renew has it, and no two of a CA may: give another one")
		    : 0;
}

static int renew_member(const struct pki *pki, const struct member *member, long within, struct files *files,
			struct qv_error *err)
{
	int there = is_issued(pki, member, err);
	if (there <= 0)
		return there;
	X509 *old = read_certificate(pki->folder, member->stem, err);
	if (!old)
		return -1;
	int result = 0;
	if (authority_revoked(authority_of(pki, member), old)) {
		fprintf(stderr, "qkd-pki: %s.pem is revoked and is not renewed\n", member->stem);
	} else if (expires_within(old, within)) {
		EVP_PKEY *key =
			check_serial(member, old, err) == 0 ? read_key(pki->network->folder, member->stem, err) : NULL;
		result = key ? put_member(pki, member, key, files, err) : -1;
		EVP_PKEY_free(key);
	}
	X509_free(old);
	return result;
}

int pki_renew(struct pki *pki, long within, struct qv_error *err)
{
	struct files files = { .count = 0 };
	const struct network *network = pki->network;
	int result = renew_authority(pki, &pki->saes, sae_ca(network), within, &files, err);
	if (result == 0 && network->separate)
		result = renew_authority(pki, &pki->kmes, kme_ca(network), within, &files, err);
	if (!network->separate && files.count > 0) {
		authority_clear(&pki->kmes);
		share_authority(pki);
	}
	for (size_t i = 0; i < network->count && result == 0; i++)
		result = renew_member(pki, &network->members[i], within, &files, err);
	if (result == 0)
		result = files_replace(&files, pki->folder, err);
	for (size_t i = 0; i < files.count && result == 0; i++)
		fprintf(stderr, "qkd-pki: renewed %s\n", files.list[i].name);
	if (result == 0 && files.count == 0)
		fprintf(stderr, "qkd-pki: nothing expires within %ld days\n", within);
	files_clear(&files);
	return result;
}

static int new_crl(const struct pki *pki, const struct authority *authority, const char *stem, const X509 *revoked,
		   struct files *files, struct qv_error *err)
{
	X509_CRL *crl = authority_crl(pki->network, authority, revoked, err);
	int result = crl ? put_crl(files, stem, crl, err) : -1;
	X509_CRL_free(crl);
	return result;
}

int pki_renew_crls(struct pki *pki, struct qv_error *err)
{
	struct files files = { .count = 0 };
	int result = new_crl(pki, &pki->saes, sae_ca(pki->network), NULL, &files, err);
	if (result == 0 && pki->network->separate)
		result = new_crl(pki, &pki->kmes, kme_ca(pki->network), NULL, &files, err);
	if (result == 0)
		result = files_replace(&files, pki->folder, err);
	files_clear(&files);
	return result;
}

/* Its files make room for new ones, and are kept under the serial number. */
static int put_away(const struct pki *pki, const char *stem, const char *serial, struct qv_error *err)
{
	static const char *const suffixes[] = { "pfx", "password", "key", "pem" };
	for (size_t i = 0; i < 4; i++) {
		char from[FILE_NAME_MAX], to[FILE_NAME_MAX + 64];
		snprintf(from, sizeof from, "%s.%s", stem, suffixes[i]);
		snprintf(to, sizeof to, "revoked-%s-%s", serial, from);
		if (renameat2(pki->folder, from, pki->folder, to, RENAME_NOREPLACE) != 0 && errno != ENOENT)
			return qv_fail_errno(err, QV_E_IO, errno, "%s is revoked, but cannot be renamed to %s", from,
					     to);
	}
	return 0;
}

static int revoke_certificate(struct pki *pki, const char *stem, const X509 *certificate, struct qv_error *err)
{
	struct files files = { .count = 0 };
	bool of_saes = X509_check_issued(pki->saes.certificate, (X509 *)certificate) == X509_V_OK;
	bool of_kmes = X509_check_issued(pki->kmes.certificate, (X509 *)certificate) == X509_V_OK;
	const struct authority *authority = of_saes ? &pki->saes : &pki->kmes;
	if (!of_saes && !of_kmes)
		return qv_fail(err, QV_E_INVALID, "%s.pem is of another CA", stem);
	int result = 0;
	if (!authority_revoked(authority, certificate)) {
		const char *ca = of_saes ? sae_ca(pki->network) : kme_ca(pki->network);
		result = new_crl(pki, authority, ca, certificate, &files, err);
		if (result == 0)
			result = files_replace(&files, pki->folder, err);
		if (result == 0)
			fprintf(stderr, "qkd-pki: %s.pem is revoked; give %s.crl to all KMEs\n", stem, ca);
	}
	files_clear(&files);
	return result;
}

int pki_revoke(struct pki *pki, const char *name, struct qv_error *err)
{
	const struct member *member = network_find(pki->network, name);
	char stem[STEM_MAX + 1];
	snprintf(stem, sizeof stem, "%s", member ? member->stem : name);
	if (!member && (strchr(name, '/') || strncmp(name, "revoked-", 8) == 0 || strlen(name) > STEM_MAX ||
			!folder_has(pki->folder, name, "pem")))
		return qv_fail(
			err, QV_E_NOT_FOUND,
			"\"%s\" is neither the ID of a KME or SAE, nor the name of a certificate there without .pem",
			name);
	if (strcmp(stem, sae_ca(pki->network)) == 0 || strcmp(stem, kme_ca(pki->network)) == 0)
		return qv_fail(err, QV_E_INVALID,
			       "%s.pem is a CA: take its certificate out of all configurations instead", stem);
	X509 *certificate = read_certificate(pki->folder, stem, err);
	if (!certificate)
		return -1;
	char *serial = serial_text(X509_get0_serialNumber(certificate));
	int result = serial ? revoke_certificate(pki, stem, certificate, err) : fail_openssl(err, stem);
	if (result == 0)
		result = put_away(pki, stem, serial, err);
	OPENSSL_free(serial);
	X509_free(certificate);
	return result;
}
