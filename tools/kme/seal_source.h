/* SPDX-License-Identifier: Apache-2.0 */
/* Where the configuration says that the seal key comes from. */
#ifndef KME_SEAL_SOURCE_H
#define KME_SEAL_SOURCE_H

#include <qvisio/option.h>

#include "seal.h"

/* The names of the options; exactly one of them is to be set. NULL-ended. */
extern const char *const seal_sources[];

/* The one that is set. NULL when it is none, or several. */
const char *seal_source(const struct qv_options *options, struct qv_error *err);

/* Reads the seal key from there. */
struct seal *seal_from_source(const struct qv_options *options, struct qv_error *err);

#endif
