/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file by its groups: configure.c calls one reader for each, in the order of its table. */
#ifndef KME_CONFIGURE_H
#define KME_CONFIGURE_H

#include "kme.h"

#define OPTION_SIZE sizeof(struct qv_option)

/* Each reads its group or list of `root` into `kme`; what it has set is freed by kme_stop, also after a failure. */
int configure_sae_api(struct kme *kme, const struct qv_section *root, struct qv_error *err);
int configure_kme_api(struct kme *kme, const struct qv_section *root, struct qv_error *err);
int configure_keys(struct kme *kme, const struct qv_section *root, struct qv_error *err);
int configure_store(struct kme *kme, const struct qv_section *root, struct qv_error *err);
int configure_peers(struct kme *kme, const struct qv_section *root, struct qv_error *err);
int configure_relay(struct kme *kme, const struct qv_section *root, struct qv_error *err);
int configure_saes(struct kme *kme, const struct qv_section *root, struct qv_error *err);
int configure_admin(struct kme *kme, const struct qv_section *root, struct qv_error *err);
int configure_audit(struct kme *kme, const struct qv_section *root, struct qv_error *err);

/* Whether an option holds an SAE or KME ID of a length that is allowed, or nothing. */
int configure_check_id(const struct qv_options *options, const char *name, struct qv_error *err);
/* Whether an option holds host:port. */
int configure_check_address(const struct qv_options *options, const char *name, struct qv_error *err);

#endif
