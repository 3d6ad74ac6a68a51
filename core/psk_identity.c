/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/psk_identity.h>

#include <stdio.h>
#include <string.h>

/*
 * "qkd1/" hash "/" key_ID "/" SAE-ID, the last two percent-encoded (RFC 3986 section 2.1). No ':' occurs, so that the
 * identity can stand in the password files and options of other programs.
 */
static const char prefix[] = "qkd1/";

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

static const char hex_digits[] = "0123456789ABCDEF";

/* Appends percent-encoded text; returns the new length, or 0 when it does not fit or `text` may not be sent. */
static size_t encode(const char *text, uint8_t *bytes, size_t used, size_t room)
{
	if (!text[0])
		return 0;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f || used + 3 > room)
			return 0;
		if (is_unreserved(*c)) {
			bytes[used++] = *c;
			continue;
		}
		bytes[used++] = '%';
		bytes[used++] = (uint8_t)hex_digits[*c >> 4];
		bytes[used++] = (uint8_t)hex_digits[*c & 15];
	}
	return used;
}

int qv_psk_identity_format(const struct qv_psk_identity *identity, uint8_t *bytes, size_t room, size_t *size,
			   struct qv_error *err)
{
	char start[32];
	int length =
		snprintf(start, sizeof start, "%s%s/", prefix, identity->hash == QV_TLS_SHA384 ? "sha384" : "sha256");
	if ((size_t)length >= room)
		return qv_fail(err, QV_E_INVALID, "no room for a PSK identity");
	memcpy(bytes, start, (size_t)length);
	size_t used = encode(identity->key_id, bytes, (size_t)length, room);
	if (used == 0 || used == room)
		return qv_fail(err, QV_E_INVALID, "a key_ID that is empty, too long or not printable cannot be sent");
	bytes[used++] = '/';
	used = encode(identity->master, bytes, used, room);
	if (used == 0)
		return qv_fail(err, QV_E_INVALID, "a SAE ID that is empty, too long or not printable cannot be sent");
	*size = used;
	return 0;
}

static int hex_value(uint8_t c)
{
	const char *digit = c ? strchr(hex_digits, c) : NULL;
	return digit ? (int)(digit - hex_digits) : -1;
}

/* Decodes bytes[*at…] up to '/' or the end. Only the canonical encoding is accepted, so an identity has one form. */
static bool decode(const uint8_t *bytes, size_t size, size_t *at, char *text, size_t room)
{
	size_t used = 0;
	while (*at < size && bytes[*at] != '/') {
		unsigned char c = bytes[(*at)++];
		if (c == '%') {
			if (size - *at < 2)
				return false;
			int high = hex_value(bytes[*at]), low = hex_value(bytes[*at + 1]);
			if (high < 0 || low < 0)
				return false;
			c = (unsigned char)(high * 16 + low);
			*at += 2;
			if (is_unreserved(c) || c < 0x20 || c == 0x7f)
				return false;
		} else if (!is_unreserved(c)) {
			return false;
		}
		if (used + 1 >= room)
			return false;
		text[used++] = (char)c;
	}
	text[used] = '\0';
	return used > 0;
}

static bool parse_hash(const uint8_t *bytes, size_t size, size_t *at, enum qv_tls_hash *hash)
{
	if (size - *at < 7)
		return false;
	if (memcmp(bytes + *at, "sha256/", 7) == 0)
		*hash = QV_TLS_SHA256;
	else if (memcmp(bytes + *at, "sha384/", 7) == 0)
		*hash = QV_TLS_SHA384;
	else
		return false;
	*at += 7;
	return true;
}

int qv_psk_identity_parse(const uint8_t *bytes, size_t size, struct qv_psk_identity *identity, struct qv_error *err)
{
	size_t at = sizeof prefix - 1;
	if (size > QV_TLS_PSK_IDENTITY_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a PSK identity of %zu bytes is longer than %d", size,
			       QV_TLS_PSK_IDENTITY_MAX);
	if (size < at || memcmp(bytes, prefix, at) != 0)
		return qv_fail(err, QV_E_PROTOCOL, "the PSK identity does not name a QKD key (no \"%s\" before it)",
			       prefix);
	if (!parse_hash(bytes, size, &at, &identity->hash))
		return qv_fail(err, QV_E_PROTOCOL, "the PSK identity names neither sha256 nor sha384");
	if (!decode(bytes, size, &at, identity->key_id, sizeof identity->key_id) || at == size)
		return qv_fail(err, QV_E_PROTOCOL, "the PSK identity holds no valid key_ID");
	at++;
	if (!decode(bytes, size, &at, identity->master, sizeof identity->master) || at != size)
		return qv_fail(err, QV_E_PROTOCOL, "the PSK identity holds no valid SAE ID");
	return 0;
}
