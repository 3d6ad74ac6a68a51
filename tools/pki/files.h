/* SPDX-License-Identifier: Apache-2.0 */
/* Files are made in memory first and written last, all of them or none. Nothing is ever overwritten unasked. */
#ifndef PKI_FILES_H
#define PKI_FILES_H

#include <openssl/x509.h>
#include <stdio.h>
#include <sys/types.h>

#include <qvisio/secret.h>

#define FILE_NAME_MAX 160

struct file {
	char name[FILE_NAME_MAX];
	mode_t mode;
	BIO *bytes;
};

struct files {
	struct file *list;
	size_t count;
};

/* Adds "STEM.SUFFIX", empty, and gives what it is to be filled through. NULL: no memory. */
BIO *files_add(struct files *files, const char *stem, const char *suffix, mode_t mode);
void files_clear(struct files *files);

/* Whether files_make_folder can do its work: there is no such folder, or it is empty. */
int folder_check_new(const char *folder, struct qv_error *err);

/* A new folder (0700) with these files; it appears when it is complete. One that is there must be empty. */
int files_make_folder(const struct files *files, const char *folder, struct qv_error *err);

/* Opens a folder that only its owner writes to, and locks it. -1 with err; QV_E_BUSY: another process has it. */
int folder_open(const char *folder, struct qv_error *err);

/* Adds files to a folder, or nothing: none of them may be there. */
int files_write_new(const struct files *files, int folder, struct qv_error *err);

/* Replaces each file at once, or makes it. */
int files_replace(const struct files *files, int folder, struct qv_error *err);

/* Whether "STEM.SUFFIX" is there, as anything. */
bool folder_has(int folder, const char *stem, const char *suffix);

/* NULL with err. Private keys must be readable by their owner only. */
X509 *read_certificate(int folder, const char *stem, struct qv_error *err);
X509_CRL *read_crl(int folder, const char *stem, struct qv_error *err);
EVP_PKEY *read_key(const char *folder, const char *stem, struct qv_error *err);
struct qv_secret *read_secret(const char *folder, const char *stem, const char *suffix, struct qv_error *err);

#endif
