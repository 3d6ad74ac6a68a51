/* SPDX-License-Identifier: Apache-2.0 */
#include "pin.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM_MAX ((size_t)64 * 1024)

static int add_public_key(struct etsi014_pin *pin, const char *text, const char *base64, struct qv_error *err)
{
	uint8_t hash[ETSI014_SHA256];
	size_t size = 0, length = strlen(base64);
	const char *end = NULL;
	if (sodium_base642bin(hash, sizeof hash, base64, length, NULL, &size, &end, sodium_base64_VARIANT_ORIGINAL) !=
		    0 ||
	    size != sizeof hash || end != base64 + length)
		return qv_fail(err, QV_E_INVALID, "after sha256// stand the 44 base64 characters of a SHA-256");
	char *joined;
	if (asprintf(&joined, "%s%s%s", pin->public_keys ? pin->public_keys : "", pin->public_keys ? ";" : "", text) <
	    0)
		return qv_fail(err, QV_E_NOMEM, "no memory for a pin");
	free(pin->public_keys);
	pin->public_keys = joined;
	return 0;
}

int etsi014_pin_add(struct etsi014_pin *pin, const char *text, struct qv_error *err)
{
	static const char prefix[] = "sha256//";
	if (strncmp(text, prefix, sizeof prefix - 1) == 0)
		return add_public_key(pin, text, text + sizeof prefix - 1, err);
	if (pin->certificate_count == ETSI014_PINS_MAX)
		return qv_fail(err, QV_E_INVALID, "more than %d pinned certificates", ETSI014_PINS_MAX);
	size_t size = 0;
	const char *end = NULL;
	if (sodium_hex2bin(pin->certificates[pin->certificate_count], ETSI014_SHA256, text, strlen(text), ":", &size,
			   &end) != 0 ||
	    size != ETSI014_SHA256 || *end)
		return qv_fail(err, QV_E_INVALID,
			       "a pin is sha256// and the base64 of a public key's SHA-256, or the 64 hexadecimal "
			       "digits of a certificate's SHA-256");
	pin->certificate_count++;
	return 0;
}

/* SHA-256 of the DER of the first certificate in a PEM text. */
static bool hash_pem(const char *pem, uint8_t *hash)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", finish[] = "-----END CERTIFICATE-----";
	const char *start = strstr(pem, begin);
	const char *stop = start ? strstr(start, finish) : NULL;
	if (!stop)
		return false;
	start += sizeof begin - 1;
	size_t length = (size_t)(stop - start), size = 0;
	const char *end = NULL;
	uint8_t *der = malloc(length ? length : 1);
	bool ok = der && length > 0 &&
		  sodium_base642bin(der, length, start, length, " \t\r\n", &size, &end,
				    sodium_base64_VARIANT_ORIGINAL) == 0 &&
		  end == stop && size > 0;
	if (ok)
		crypto_hash_sha256(hash, der, size);
	free(der);
	return ok;
}

int etsi014_pin_add_file(struct etsi014_pin *pin, const char *path, struct qv_error *err)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, PEM_MAX + 1);
	int result = 0;
	if (!file)
		result = qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
	else if (!text)
		result = qv_fail(err, QV_E_NOMEM, "no memory to read %s", path);
	else if (pin->certificate_count == ETSI014_PINS_MAX)
		result = qv_fail(err, QV_E_INVALID, "more than %d pinned certificates", ETSI014_PINS_MAX);
	else if (fread(text, 1, PEM_MAX, file) == 0 || !hash_pem(text, pin->certificates[pin->certificate_count]))
		result = qv_fail(err, QV_E_INVALID, "%s: holds no certificate in PEM", path);
	else
		pin->certificate_count++;
	if (file)
		fclose(file);
	free(text);
	return result;
}

bool etsi014_pin_matches(const struct etsi014_pin *pin, const char *pem)
{
	uint8_t hash[ETSI014_SHA256];
	if (!hash_pem(pem, hash))
		return false;
	for (size_t i = 0; i < pin->certificate_count; i++)
		if (memcmp(hash, pin->certificates[i], sizeof hash) == 0)
			return true;
	return false;
}

void etsi014_pin_clear(struct etsi014_pin *pin)
{
	free(pin->public_keys);
	*pin = (struct etsi014_pin){ .public_keys = NULL };
}
