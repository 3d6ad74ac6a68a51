/* SPDX-License-Identifier: Apache-2.0 */
/* What a pinned KME must show: a public key, or a very certificate. */
#ifndef ETSI014_PIN_H
#define ETSI014_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#define ETSI014_PINS_MAX 8
#define ETSI014_SHA256   32 /* bytes */

struct etsi014_pin {
	char *public_keys; /* "sha256//base64;…" as libcurl takes it, or NULL */
	uint8_t certificates[ETSI014_PINS_MAX][ETSI014_SHA256];
	size_t certificate_count;
};

/*
 * Adds a pin: "sha256//" and the base64 of the SHA-256 of a public key (DER SubjectPublicKeyInfo), or the SHA-256 of a
 * certificate as 64 hexadecimal digits, with or without colons. QV_E_INVALID, QV_E_NOMEM.
 */
int etsi014_pin_add(struct etsi014_pin *pin, const char *text, struct qv_error *err);

/* Adds the first certificate of a PEM file. QV_E_IO, QV_E_INVALID. */
int etsi014_pin_add_file(struct etsi014_pin *pin, const char *path, struct qv_error *err);

/* Whether the PEM text's first certificate is one of the pinned ones. */
bool etsi014_pin_matches(const struct etsi014_pin *pin, const char *pem);

void etsi014_pin_clear(struct etsi014_pin *pin);

#endif
