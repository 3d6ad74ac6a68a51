/* SPDX-License-Identifier: Apache-2.0 */
/* Group keys: sizes, numbers and lifetimes. */
#include "configure.h"

static const struct qv_option keys_options[] = {
	{ .name = "size",
	  .type = QV_OPTION_INT,
	  .fallback = "256",
	  .min = 8,
	  .max = 8192,
	  .unit = "bits",
	  .help = "Size of a key when a request names none; a multiple of 8." },
	{ .name = "min_size",
	  .type = QV_OPTION_INT,
	  .fallback = "64",
	  .min = 8,
	  .max = 8192,
	  .unit = "bits",
	  .help = "Smallest key; a multiple of 8." },
	{ .name = "max_size",
	  .type = QV_OPTION_INT,
	  .fallback = "1024",
	  .min = 8,
	  .max = 8192,
	  .unit = "bits",
	  .help = "Largest key; a multiple of 8." },
	{ .name = "max_per_request",
	  .type = QV_OPTION_INT,
	  .fallback = "128",
	  .min = 1,
	  .max = 512,
	  .unit = "keys",
	  .help = "Most keys in one request." },
	{ .name = "max_additional_saes",
	  .type = QV_OPTION_INT,
	  .fallback = "16",
	  .min = 0,
	  .max = 64,
	  .unit = "SAEs",
	  .help = "Most slave SAEs of one request besides the one in its URL (multicast); 0 allows one slave only." },
	{ .name = "max_stored",
	  .type = QV_OPTION_INT,
	  .fallback = "100000",
	  .min = 1,
	  .max = 1e9,
	  .unit = "keys",
	  .help = "Link keys of 256 bits stored for each direction of each link." },
	{ .name = "lifetime",
	  .type = QV_OPTION_INT,
	  .fallback = "86400",
	  .min = 1,
	  .max = 31536000,
	  .unit = "s",
	  .help = "How long a key waits for its slave SAE." },
	{ .name = "max_lag",
	  .type = QV_OPTION_INT,
	  .fallback = "60",
	  .min = 1,
	  .max = 86400,
	  .unit = "s",
	  .help = "How much later than here a link key may come in at the peer; what it lacks after that is "
		  "discarded." },
	{ .name = NULL },
};

static int check_size(const struct qv_options *options, const char *name, struct qv_error *err)
{
	if (qv_options_int(options, name) % 8 != 0)
		return qv_options_fail(options, name, err, "%lld is no multiple of 8",
				       (long long)qv_options_int(options, name));
	return 0;
}

int configure_keys(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	const struct qv_section *section;
	if (qv_section_group(root, "keys", &section, err) != 0)
		return -1;
	struct qv_options *options = kme->keys = qv_options_check(section, keys_options, OPTION_SIZE, NULL, err);
	if (!options || check_size(options, "size", err) != 0 || check_size(options, "min_size", err) != 0 ||
	    check_size(options, "max_size", err) != 0)
		return -1;
	int64_t size = qv_options_int(options, "size"), min = qv_options_int(options, "min_size"),
		max = qv_options_int(options, "max_size");
	if (size < min || size > max)
		return qv_options_fail(options, "size", err, "%lld is not between min_size %lld and max_size %lld",
				       (long long)size, (long long)min, (long long)max);
	kme->limits =
		(struct key_limits){ .bytes = (unsigned)size / 8,
				     .min_bytes = (unsigned)min / 8,
				     .max_bytes = (unsigned)max / 8,
				     .per_request = (unsigned)qv_options_int(options, "max_per_request"),
				     .additional_slaves = (unsigned)qv_options_int(options, "max_additional_saes"),
				     .stored = qv_options_int(options, "max_stored"),
				     .lag = qv_options_int(options, "max_lag") * QV_NS_PER_SECOND,
				     .lifetime = qv_options_int(options, "lifetime") * QV_NS_PER_SECOND };
	return 0;
}
