/* SPDX-License-Identifier: Apache-2.0 */
#include "analyse.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../number.h"

static const char usage[] =
	"Usage: qkd-relay analyse [OPTION]... TOPOLOGY [--from A --to B]\n"
	"Say which compromised KMEs learn keys that are relayed over a network, what stops them, and what it costs;\n"
	"for one pair of KMEs, or in a table for all that have no link in common.\n"
	"\n"
	"  -f, --from KME            the origin of the keys\n"
	"  -t, --to KME              their destination\n"
	"  -r, --relay NAME,...      relay modules to compare (default: all of ours)\n"
	"  -o, --option NAME=VALUE   an option of these modules, or with MODULE.NAME=VALUE of one; may be repeated\n"
	"  -b, --batch N             keys in one session (default 1)\n"
	"  -k, --key-bits N          size of a key (default 256)\n"
	"  -c, --compromised P       chance of each KME to be compromised (default 0.05)\n"
	"  -d, --down P              chance of each KME and link to be down (default 0.01)\n"
	"  -n, --trials N            trials where no exact answer is feasible (default 100000)\n"
	"  -s, --seed N              of the trials (default 1)\n"
	"  -l, --list N              minimal sets to print of each kind (default 10)\n"
	"  -C, --cost-only           only what it costs\n"
	"  -S, --suggest             name the link whose addition helps most\n"
	"  -j, --json                as JSON\n"
	"  -h, --help                show this and end\n";

static const struct option long_options[] = {
	{ "from", required_argument, NULL, 'f' },
	{ "to", required_argument, NULL, 't' },
	{ "relay", required_argument, NULL, 'r' },
	{ "option", required_argument, NULL, 'o' },
	{ "batch", required_argument, NULL, 'b' },
	{ "key-bits", required_argument, NULL, 'k' },
	{ "compromised", required_argument, NULL, 'c' },
	{ "down", required_argument, NULL, 'd' },
	{ "trials", required_argument, NULL, 'n' },
	{ "seed", required_argument, NULL, 's' },
	{ "list", required_argument, NULL, 'l' },
	{ "cost-only", no_argument, NULL, 'C' },
	{ "suggest", no_argument, NULL, 'S' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int chance(const char *name, const char *text, double *number, struct qv_error *err)
{
	char *end;
	*number = strtod(text, &end);
	if (!*text || *end || !(*number >= 0 && *number <= 1))
		return qv_fail(err, QV_E_INVALID, "--%s %s: expected a probability from 0 to 1", name, text);
	return 0;
}

static int small(const char *name, const char *text, uint32_t max, uint32_t *number, struct qv_error *err)
{
	uint64_t value;
	if (number_of_option(name, text, 1, max, &value, err) != 0)
		return -1;
	*number = (uint32_t)value;
	return 0;
}

static int key_bits(const char *text, uint32_t *bytes, struct qv_error *err)
{
	uint32_t bits;
	if (small("key-bits", text, QV_RELAY_BYTES_MAX * 8, &bits, err) != 0)
		return -1;
	if (bits % 8 != 0)
		return qv_fail(err, QV_E_INVALID, "--key-bits %s: expected a multiple of 8", text);
	*bytes = bits / 8;
	return 0;
}

static void add_assignment(struct analyse_options *options, const char *text)
{
	size_t count = 0;
	while (options->assignments[count])
		count++;
	options->assignments[count] = text;
}

static int take(struct analyse_options *options, int option, struct qv_error *err)
{
	uint64_t listed;
	switch (option) {
	case 'f':
		options->from = optarg;
		return 0;
	case 't':
		options->to = optarg;
		return 0;
	case 'r':
		options->relays = optarg;
		return 0;
	case 'o':
		add_assignment(options, optarg);
		return 0;
	case 'b':
		return small("batch", optarg, QV_RELAY_KEYS_MAX, &options->wish.batch, err);
	case 'k':
		return key_bits(optarg, &options->wish.key_bytes, err);
	case 'c':
		return chance("compromised", optarg, &options->wish.compromised, err);
	case 'd':
		return chance("down", optarg, &options->wish.broken, err);
	case 'n':
		return number_of_option("trials", optarg, 64, 1000000000000, &options->wish.trials, err);
	case 's':
		return number_of_option("seed", optarg, 0, UINT64_MAX, &options->wish.seed, err);
	case 'l':
		if (number_of_option("list", optarg, 0, 100000, &listed, err) != 0)
			return -1;
		options->listed = (unsigned)listed;
		return 0;
	case 'C':
		options->wish.cost_only = true;
		return 0;
	case 'S':
		options->suggest = true;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	default:
		return qv_fail(err, QV_E_INVALID, "see qkd-relay analyse --help");
	}
}

int analyse_arguments(int argc, char **argv, struct analyse_options *options, struct qv_error *err)
{
	*options = (struct analyse_options){ .relays = "all", .listed = 10 };
	options->wish = (struct analysis_wish){ .limits = { .work = 1e8, .sets = 5000 },
						.compromised = 0.05,
						.broken = 0.01,
						.trials = 100000,
						.seed = 1,
						.batch = 1,
						.key_bytes = 32 };
	options->assignments = calloc((size_t)argc + 1, sizeof *options->assignments);
	if (!options->assignments)
		return qv_fail(err, QV_E_NOMEM, "no memory for the command line");
	int option, result = 0;
	while (result == 0 &&
	       (option = getopt_long(argc, argv, "f:t:r:o:b:k:c:d:n:s:l:CSjh", long_options, NULL)) != -1)
		result = take(options, option, err);
	if (result != 0)
		return result;
	if (argc - optind != 1)
		return qv_fail(err, QV_E_INVALID, "%s; see qkd-relay analyse --help",
			       argc == optind ? "the file with the topology is missing" : "one topology is enough");
	if (!options->from != !options->to)
		return qv_fail(err, QV_E_INVALID, "--from and --to go together; without both, all pairs are analysed");
	if (options->wish.cost_only && options->suggest)
		return qv_fail(err, QV_E_INVALID, "--suggest judges networks, which --cost-only leaves out");
	options->path = argv[optind];
	return 0;
}
