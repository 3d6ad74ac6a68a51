/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_MAX 1024

const struct qv_option etsi014_options[] = {
	{ .name = "kme",
	  .type = QV_OPTION_STRINGS,
	  .required = true,
	  .help = "Addresses of the KME, host:port or https://host:port/path; the first that answers is used." },
	{ .name = "certificate",
	  .type = QV_OPTION_PATH,
	  .required = true,
	  .help = "This program's certificate for the KME, PKCS#12 (PFX) or PEM, told apart by content." },
	{ .name = "private_key",
	  .type = QV_OPTION_PATH,
	  .help = "Private key in PEM, if it is not in the certificate's file." },
	{ .name = "password", .type = QV_OPTION_SECRET, .help = "Password of the PKCS#12 file or of the private key." },
	{ .name = "password_file",
	  .type = QV_OPTION_PATH,
	  .help = "File whose first line is that password, and which only its owner can read." },
	{ .name = "ca",
	  .type = QV_OPTION_PATH,
	  .help = "Certificate authorities, in PEM, that may have signed the KME's certificate; by default the "
		  "system's." },
	{ .name = "kme_certificate",
	  .type = QV_OPTION_PATH,
	  .help = "The KME's very certificate in PEM: no other is accepted, and its names do not matter." },
	{ .name = "kme_pin",
	  .type = QV_OPTION_STRINGS,
	  .help = "SHA-256 of the KME's certificate (hexadecimal) or of its public key (sha256//base64); without "
		  "ca this alone authenticates the KME." },
	{ .name = "accept_invalid_kme_certificate",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "DANGER: take keys from whoever answers, without knowing that it is the KME." },
	{ .name = "kme_id",
	  .type = QV_OPTION_STRING,
	  .help = "KME ID that the KME must name as its own before any key is taken from it." },
	{ .name = "sae_id", .type = QV_OPTION_STRING, .help = "This program's SAE ID; by default the KME is asked." },
	{ .name = "connect_timeout",
	  .type = QV_OPTION_INT,
	  .fallback = "5000",
	  .min = 1,
	  .max = 600000,
	  .unit = "ms",
	  .help = "Time for connecting to one address, its TLS handshake included." },
	{ .name = "timeout",
	  .type = QV_OPTION_INT,
	  .fallback = "15000",
	  .min = 1,
	  .max = 600000,
	  .unit = "ms",
	  .help = "Time for a whole request, whatever number of addresses it tries." },
	{ .name = NULL },
};

static int copy(char **to, const char *text, struct qv_error *err)
{
	*to = text ? strdup(text) : NULL;
	return text && !*to ? qv_fail(err, QV_E_NOMEM, "no memory for options") : 0;
}

/* The part of a URL, or NULL; free with curl_free. */
static char *url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* "https://host:port" with an optional path, as curl writes it, without a slash at the end. */
static int normalize(const char *text, char **base, const char **why)
{
	CURLU *url = curl_url();
	char *full = NULL;
	*base = NULL;
	*why = "is no address; write host:port or https://host:port";
	if (!url || asprintf(&full, "%s%s", strstr(text, "://") ? "" : "https://", text) < 0) {
		*why = "no memory";
		full = NULL;
	} else if (curl_url_set(url, CURLUPART_URL, full, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
		char *scheme = url_part(url, CURLUPART_SCHEME), *user = url_part(url, CURLUPART_USER),
		     *query = url_part(url, CURLUPART_QUERY), *fragment = url_part(url, CURLUPART_FRAGMENT);
		if (!scheme || strcmp(scheme, "https") != 0)
			*why = "is not https, and keys travel over nothing else";
		else if (user || query || fragment)
			*why = "has more than host, port and path";
		else
			*base = url_part(url, CURLUPART_URL);
		curl_free(scheme);
		curl_free(user);
		curl_free(query);
		curl_free(fragment);
	}
	free(full);
	curl_url_cleanup(url);
	if (!*base)
		return -1;
	for (size_t length = strlen(*base); length > 0 && (*base)[length - 1] == '/'; length--)
		(*base)[length - 1] = '\0';
	return 0;
}

static int read_addresses(const struct qv_options *options, struct etsi014_settings *settings, struct qv_error *err)
{
	size_t count = qv_options_count(options, "kme");
	if (count == 0 || count > ETSI014_ADDRESSES_MAX)
		return qv_options_fail(options, "kme", err, "%zu addresses; 1 to %d are possible", count,
				       ETSI014_ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *why, *text = qv_options_item(options, "kme", i);
		char *base;
		if (normalize(text, &base, &why) != 0)
			return qv_options_fail(options, "kme", err, "\"%s\" %s", text, why);
		int result = copy(&settings->bases[i], base, err);
		curl_free(base);
		if (result != 0)
			return -1;
		settings->base_count = i + 1;
	}
	return 0;
}

/* The file can be read; *pem: it holds a "-----BEGIN" line. */
static int probe(const struct qv_options *options, const char *name, const struct qv_log *log, bool *pem,
		 struct qv_error *err)
{
	const char *path = qv_options_string(options, name);
	char start[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t size = fd >= 0 ? read(fd, start, sizeof start) : -1;
	int why = errno;
	struct stat st;
	bool exposed = log && fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 007);
	if (fd >= 0)
		close(fd);
	if (size > 0)
		*pem = memmem(start, (size_t)size, "-----BEGIN ", 11) != NULL;
	qv_wipe(start, sizeof start);
	if (size < 0)
		return qv_options_fail(options, name, err, "%s cannot be read: %s", path, strerrordesc_np(why));
	if (size == 0)
		return qv_options_fail(options, name, err, "%s is empty", path);
	if (exposed)
		qv_log_warning(log, "%s: every user of this machine can use this private key: chmod 600 it", path);
	return 0;
}

static int read_password_file(const struct qv_options *options, struct qv_secret **password, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	struct qv_secret *text = qv_secret_from_file(qv_options_string(options, "password_file"), PASSWORD_MAX, &why);
	if (!text)
		return qv_options_fail(options, "password_file", err, "%s", why.message);
	*password = qv_secret_copy(qv_secret_bytes(text), strcspn((const char *)qv_secret_bytes(text), "\r\n"), err);
	qv_secret_free(text);
	return *password ? 0 : -1;
}

static int read_password(const struct qv_options *options, struct etsi014_settings *settings, struct qv_error *err)
{
	const struct qv_secret *given = qv_options_secret(options, "password");
	bool has_file = qv_options_has(options, "password_file");
	if (given && has_file)
		return qv_options_fail(options, "password_file", err, "password is set too; one of them is enough");
	if (has_file)
		return read_password_file(options, &settings->password, err);
	if (!given)
		return 0;
	settings->password = qv_secret_copy(qv_secret_bytes(given), qv_secret_size(given), err);
	return settings->password ? 0 : -1;
}

static int read_identity(const struct qv_options *options, const struct qv_log *log, struct etsi014_settings *settings,
			 struct qv_error *err)
{
	bool pem = false, key_pem = false, has_key = qv_options_has(options, "private_key");
	if (probe(options, "certificate", has_key ? NULL : log, &pem, err) != 0)
		return -1;
	settings->pkcs12 = !pem;
	if (has_key && !pem)
		return qv_options_fail(
			options, "private_key", err,
			"the certificate's file is not PEM; a PKCS#12 file holds the private key itself");
	if (has_key && probe(options, "private_key", log, &key_pem, err) != 0)
		return -1;
	if (has_key && !key_pem)
		return qv_options_fail(options, "private_key", err, "%s is not PEM",
				       qv_options_string(options, "private_key"));
	if (copy(&settings->certificate, qv_options_string(options, "certificate"), err) != 0 ||
	    copy(&settings->private_key, qv_options_string(options, "private_key"), err) != 0)
		return -1;
	return read_password(options, settings, err);
}

static int read_pins(const struct qv_options *options, struct etsi014_settings *settings, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	for (size_t i = 0; i < qv_options_count(options, "kme_pin"); i++)
		if (etsi014_pin_add(&settings->pin, qv_options_item(options, "kme_pin", i), &why) != 0)
			return qv_options_fail(options, "kme_pin", err, "%s", why.message);
	const char *path = qv_options_string(options, "kme_certificate");
	if (path && etsi014_pin_add_file(&settings->pin, path, &why) != 0)
		return qv_options_fail(options, "kme_certificate", err, "%s", why.message);
	return copy(&settings->kme_certificate, path, err);
}

/* How the KME is told from others. */
static int read_trust(const struct qv_options *options, const struct qv_log *log, struct etsi014_settings *settings,
		      struct qv_error *err)
{
	static const char *const checks[] = { "ca", "kme_certificate", "kme_pin" };
	bool pem = false;
	settings->accept_invalid = qv_options_bool(options, "accept_invalid_kme_certificate");
	for (size_t i = 0; settings->accept_invalid && i < sizeof checks / sizeof checks[0]; i++)
		if (qv_options_has(options, checks[i]))
			return qv_options_fail(options, "accept_invalid_kme_certificate", err,
					       "contradicts %s, which says what certificate is valid", checks[i]);
	if (settings->accept_invalid)
		qv_log_warning(log, "DANGER: accept_invalid_kme_certificate is on: the KME is not authenticated, and "
				    "anyone who answers at its address knows and chooses the keys");
	if (qv_options_has(options, "ca") && qv_options_has(options, "kme_certificate"))
		return qv_options_fail(options, "ca", err,
				       "kme_certificate is set too; the very certificate needs no authority");
	if (qv_options_has(options, "ca")) {
		if (probe(options, "ca", NULL, &pem, err) != 0)
			return -1;
		if (!pem)
			return qv_options_fail(options, "ca", err, "%s is not PEM", qv_options_string(options, "ca"));
	}
	if (copy(&settings->ca, qv_options_string(options, "ca"), err) != 0)
		return -1;
	return read_pins(options, settings, err);
}

static int read_id(const struct qv_options *options, const char *name, char **id, struct qv_error *err)
{
	const char *text = qv_options_string(options, name);
	if (text && (!text[0] || strlen(text) > QV_SAE_ID_MAX))
		return qv_options_fail(options, name, err, "an ID has 1 to %d bytes", QV_SAE_ID_MAX);
	return copy(id, text, err);
}

int etsi014_settings_read(const struct qv_options *options, const struct qv_log *log, struct etsi014_settings *settings,
			  struct qv_error *err)
{
	*settings = (struct etsi014_settings){ .base_count = 0 };
	settings->connect_timeout = (long)qv_options_int(options, "connect_timeout");
	settings->timeout = (long)qv_options_int(options, "timeout");
	if (read_addresses(options, settings, err) == 0 && read_identity(options, log, settings, err) == 0 &&
	    read_trust(options, log, settings, err) == 0 && read_id(options, "kme_id", &settings->kme_id, err) == 0 &&
	    read_id(options, "sae_id", &settings->sae_id, err) == 0)
		return 0;
	etsi014_settings_clear(settings);
	return -1;
}

void etsi014_settings_clear(struct etsi014_settings *settings)
{
	for (size_t i = 0; i < settings->base_count; i++)
		free(settings->bases[i]);
	free(settings->certificate);
	free(settings->private_key);
	qv_secret_free(settings->password);
	free(settings->ca);
	free(settings->kme_certificate);
	etsi014_pin_clear(&settings->pin);
	free(settings->kme_id);
	free(settings->sae_id);
	*settings = (struct etsi014_settings){ .base_count = 0 };
}
