/* SPDX-License-Identifier: Apache-2.0 */
/* Group relay: keys to and from KMEs without a common link. */
#include "configure.h"

#include "relay/network.h"

static const struct qv_option relay_options[] = {
	{ .name = "topology",
	  .type = QV_OPTION_PATH,
	  .required = true,
	  .help = "File with the KMEs of the network and the links between them, the same at all of them." },
	{ .name = "attempts",
	  .type = QV_OPTION_INT,
	  .fallback = "3",
	  .min = 1,
	  .max = 16,
	  .help = "How often keys are sent off until the destination has the same ones." },
	{ .name = "time",
	  .type = QV_OPTION_INT,
	  .fallback = "10000",
	  .min = 100,
	  .max = 600000,
	  .unit = "ms",
	  .help = "How long the master SAE waits for relayed keys at most." },
	{ .name = "hop_wait",
	  .type = QV_OPTION_INT,
	  .fallback = "500",
	  .min = 10,
	  .max = 60000,
	  .unit = "ms",
	  .help = "How long a KME waits for further shares, for each hop between it and the origin; the same "
		  "everywhere." },
	{ .name = "sessions",
	  .type = QV_OPTION_INT,
	  .fallback = "1024",
	  .min = 1,
	  .max = 65536,
	  .help = "Sessions of other KMEs at the same time; each peer can have its part of them." },
	{ .name = "memory",
	  .type = QV_OPTION_INT,
	  .fallback = "64",
	  .min = 1,
	  .max = 65536,
	  .unit = "MiB",
	  .help = "What these sessions may hold; each peer can have its part of it." },
	{ .name = "queue",
	  .type = QV_OPTION_INT,
	  .fallback = "1024",
	  .min = 1,
	  .max = 65536,
	  .help = "Shares that wait for one neighbour at most." },
	{ .name = NULL },
};

int configure_relay(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	static const char *const groups[] = { "scheme", NULL };
	const struct qv_section *section, *scheme;
	struct qv_role role;
	if (qv_section_group(root, "relay", &section, err) != 0)
		return -1;
	if (!section)
		return 0;
	if (qv_section_group(section, "scheme", &scheme, err) != 0 ||
	    qv_role_load(kme->loader, scheme, "relay", "redistribute", &role, err) != 0)
		return -1;
	struct qv_options *options = qv_options_check(section, relay_options, OPTION_SIZE, groups, err);
	if (options)
		kme->network = network_new(kme, options, &role, err);
	qv_options_free(options);
	qv_role_free(&role);
	return kme->network ? 0 : -1;
}
