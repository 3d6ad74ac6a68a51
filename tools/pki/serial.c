/* SPDX-License-Identifier: Apache-2.0 */
#include "serial.h"

#include <openssl/bn.h>
#include <stdio.h>
#include <string.h>

#define SERIAL_BITS 159 /* 20 bytes, and positive */
#define RANDOM_BITS 127

static BIGNUM *parse(const char *text)
{
	BIGNUM *number = NULL;
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	size_t count = strlen(digits);
	if (count == 0 || count > 60 || strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != count)
		return NULL;
	if ((hex ? BN_hex2bn(&number, digits) : BN_dec2bn(&number, digits)) != (int)count || BN_is_zero(number) ||
	    BN_num_bits(number) > SERIAL_BITS) {
		BN_free(number);
		return NULL;
	}
	return number;
}

int serial_check(const char *text, struct qv_error *err)
{
	BIGNUM *number = parse(text);
	if (!number)
		return qv_fail(
			err, QV_E_INVALID,
			"\"%.80s\" is no serial number: positive, decimal or hexadecimal after 0x, at most 20 bytes",
			text);
	BN_free(number);
	return 0;
}

bool serial_equal(const char *a, const char *b)
{
	BIGNUM *first = parse(a), *second = parse(b);
	bool equal = first && second && BN_cmp(first, second) == 0;
	BN_free(first);
	BN_free(second);
	return equal;
}

int serial_set(ASN1_INTEGER *serial, const char *text, struct qv_error *err)
{
	BIGNUM *number = text ? parse(text) : BN_new();
	int result = number && (text || BN_rand(number, RANDOM_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1) &&
				     BN_to_ASN1_INTEGER(number, serial)
			     ? 0
			     : qv_fail(err, QV_E_INTERNAL, "no serial number could be made");
	BN_free(number);
	return result;
}

char *serial_text(const ASN1_INTEGER *serial)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = number ? BN_bn2hex(number) : NULL;
	size_t room = hex ? strlen(hex) + 3 : 0;
	char *text = hex ? OPENSSL_malloc(room) : NULL;
	if (text)
		snprintf(text, room, "0x%s", hex);
	OPENSSL_free(hex);
	BN_free(number);
	return text;
}
