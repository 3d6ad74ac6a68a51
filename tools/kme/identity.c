/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <ctype.h>
#include <string.h>

#define NAME_BYTES 1024

/* number = number * base + digit, big-endian. False when it does not fit. */
static bool shift_in(uint8_t number[SERIAL_MAX], unsigned base, unsigned digit)
{
	unsigned carry = digit;
	for (size_t i = SERIAL_MAX; i-- > 0;) {
		carry += number[i] * base;
		number[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

static void set_serial(struct identity *identity, const uint8_t *bytes, size_t size)
{
	while (size > 0 && bytes[0] == 0) {
		bytes++;
		size--;
	}
	memcpy(identity->serial, bytes, size);
	identity->serial_size = size;
}

int identity_serial(const char *text, struct identity *identity, struct qv_error *err)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	uint8_t number[SERIAL_MAX] = { 0 };
	bool any = false;
	for (const char *c = digits; *c; c++) {
		unsigned char u = (unsigned char)*c;
		if (hex && u == ':')
			continue;
		if (!(hex ? isxdigit(u) : isdigit(u)))
			return qv_fail(err, QV_E_INVALID,
				       "\"%.80s\" is no serial number: decimal digits, or hexadecimal ones after 0x",
				       text);
		unsigned digit = (unsigned)(isdigit(u) ? u - '0' : tolower(u) - 'a' + 10);
		if (!shift_in(number, hex ? 16 : 10, digit))
			return qv_fail(err, QV_E_INVALID, "serial number \"%.80s\" is longer than 20 bytes", text);
		any = true;
	}
	if (!any)
		return qv_fail(err, QV_E_INVALID, "a serial number has at least one digit");
	identity->kind = IDENTITY_SERIAL;
	set_serial(identity, number, sizeof number);
	return 0;
}

static bool serial_matches(const struct identity *identity, gnutls_x509_crt_t certificate)
{
	uint8_t bytes[64];
	size_t size = sizeof bytes;
	struct identity own = { .kind = IDENTITY_SERIAL };
	if (gnutls_x509_crt_get_serial(certificate, bytes, &size) != 0)
		return false;
	/* A sign byte may stand in front of 20. */
	if (size > SERIAL_MAX && !(size == SERIAL_MAX + 1 && bytes[0] == 0))
		return false;
	set_serial(&own, bytes, size);
	return identity_equal(identity, &own);
}

/* Names are compared over their whole length, so that one with a zero byte inside is none of ours. */
static bool name_is(const struct identity *identity, const char *name, size_t size)
{
	return size == strlen(identity->text) && memcmp(name, identity->text, size) == 0;
}

/* The value itself: gnutls_x509_crt_get_dn_by_oid() gives it with escapes. False when there are not so many. */
static bool name_part(gnutls_x509_dn_t subject, int index, gnutls_x509_ava_st *part)
{
	for (int set = 0;; set++) {
		if (gnutls_x509_dn_get_rdn_ava(subject, set, 0, part) != 0)
			return false;
		for (int i = 0; gnutls_x509_dn_get_rdn_ava(subject, set, i, part) == 0; i++)
			if (index-- == 0)
				return true;
	}
}

static bool is_common_name(const gnutls_x509_ava_st *part)
{
	const char *oid = GNUTLS_OID_X520_COMMON_NAME;
	size_t size = strnlen((const char *)part->oid.data, part->oid.size);
	return size == strlen(oid) && memcmp(part->oid.data, oid, size) == 0;
}

/* UTF8String, PrintableString and IA5String are text as it stands. */
static bool is_text(unsigned long tag)
{
	return tag == 12 || tag == 19 || tag == 22;
}

static bool common_name_matches(const struct identity *identity, gnutls_x509_crt_t certificate)
{
	gnutls_x509_dn_t subject;
	gnutls_x509_ava_st part;
	unsigned found = 0;
	bool matches = false;
	if (gnutls_x509_crt_get_subject(certificate, &subject) != 0)
		return false;
	for (int i = 0; name_part(subject, i, &part); i++) {
		if (!is_common_name(&part))
			continue;
		found++;
		matches = is_text(part.value_tag) && name_is(identity, (const char *)part.value.data, part.value.size);
	}
	/* Two common names would leave it open who this is. */
	return found == 1 && matches;
}

static bool uri_matches(const struct identity *identity, gnutls_x509_crt_t certificate)
{
	for (unsigned i = 0;; i++) {
		char name[NAME_BYTES];
		size_t size = sizeof name;
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (type < 0)
			return false;
		if (type == GNUTLS_SAN_URI && name_is(identity, name, size))
			return true;
	}
}

bool identity_matches(const struct identity *identity, gnutls_x509_crt_t certificate)
{
	switch (identity->kind) {
	case IDENTITY_SERIAL:
		return serial_matches(identity, certificate);
	case IDENTITY_COMMON_NAME:
		return common_name_matches(identity, certificate);
	case IDENTITY_URI:
		return uri_matches(identity, certificate);
	case IDENTITY_HOST:
		return gnutls_x509_crt_check_hostname2(certificate, identity->text,
						       GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS) != 0;
	case IDENTITY_NONE:
		break;
	}
	return false;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	if (a->kind != b->kind || a->kind == IDENTITY_NONE)
		return false;
	if (a->kind == IDENTITY_SERIAL)
		return a->serial_size == b->serial_size && memcmp(a->serial, b->serial, a->serial_size) == 0;
	return strcmp(a->text, b->text) == 0;
}
