/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the etsi014 module, checked and copied. */
#ifndef ETSI014_SETTINGS_H
#define ETSI014_SETTINGS_H

#include <qvisio/keysource.h>

#include "pin.h"

#define ETSI014_ADDRESSES_MAX 16

struct etsi014_settings {
	char *bases[ETSI014_ADDRESSES_MAX]; /* "https://host:port", no slash at the end */
	size_t base_count;
	char *certificate;
	bool pkcs12;
	char *private_key; /* NULL: in the certificate's file */
	struct qv_secret *password;
	char *ca;
	char *kme_certificate;
	struct etsi014_pin pin;
	bool accept_invalid;
	char *kme_id;
	char *sae_id;
	long connect_timeout; /* ms */
	long timeout;         /* ms, of a whole call */
};

extern const struct qv_option etsi014_options[];

/* QV_E_CONFIG with file:line. Warns about what is dangerous. On failure `settings` is left empty. */
int etsi014_settings_read(const struct qv_options *options, const struct qv_log *log, struct etsi014_settings *settings,
			  struct qv_error *err);
void etsi014_settings_clear(struct etsi014_settings *settings);

#endif
