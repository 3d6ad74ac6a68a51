/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl is told about TLS, and what its errors mean. */
#ifndef ETSI014_TLS_H
#define ETSI014_TLS_H

#include <curl/curl.h>

#include "settings.h"

/* Client certificate, and how the KME's is verified. False: this libcurl cannot. */
bool etsi014_tls_set_up(CURL *easy, const struct etsi014_settings *settings);

/* Called with a connection ready: whether a new one shows a pinned certificate. One that is kept did before. */
bool etsi014_tls_pinned(CURL *easy, const struct etsi014_pin *pin);

/* Records what went wrong, with libcurl's own words `why`, and what a person can do. Returns -1. */
int etsi014_tls_explain(CURLcode code, const char *why, const struct etsi014_settings *settings, struct qv_error *err);

#endif
