/* SPDX-License-Identifier: Apache-2.0 */
/* `qkd-relay run`: one relay, message by message. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../number.h"
#include "command.h"
#include "run.h"

#define OPTIONS_MAX 64
#define PARTS_MAX   4096
#define WEIGH_MAX   1500 /* shares seen: more would take minutes to weigh */

static const char usage[] =
	"Usage: qkd-relay run TOPOLOGY --from A --to B [OPTION]...\n"
	"Relay keys from KME A to KME B in the network of the file TOPOLOGY, and tell who got what.\n"
	"\n"
	"  -f, --from ID            the KME where the keys are made\n"
	"  -t, --to ID              the KME that is to get them\n"
	"  -r, --relay NAME         relay module: recursive (default), disjoint, redistribute, or another\n"
	"  -o, --option NAME=VALUE  an option of that module; may be repeated\n"
	"  -n, --keys N             keys in the session (default 1)\n"
	"  -b, --bits B             of B bits each (default 256)\n"
	"      --attempt N          number of the attempt (default 0)\n"
	"What goes wrong, beside what the file marks; each may be repeated:\n"
	"      --compromise PART    a KME, or a link A-B, that the adversary reads\n"
	"      --down PART          a KME or a link that passes nothing on\n"
	"      --alter ID           a KME that changes each share it sends (and is compromised)\n"
	"      --unmarked           forget the marks of the file\n"
	"\n"
	"  -j, --json               as JSON\n"
	"  -v, --verbose            tell each message\n"
	"  -h, --help               show this and end\n"
	"\n"
	"Exit status: 0 the keys arrived, 1 failure, 2 wrong usage, topology or plan, 3 they did not arrive.\n";

enum { OPTION_ATTEMPT = 256, OPTION_COMPROMISE, OPTION_DOWN, OPTION_ALTER, OPTION_UNMARKED };

static const struct option long_options[] = {
	{ "from", required_argument, NULL, 'f' },
	{ "to", required_argument, NULL, 't' },
	{ "relay", required_argument, NULL, 'r' },
	{ "option", required_argument, NULL, 'o' },
	{ "keys", required_argument, NULL, 'n' },
	{ "bits", required_argument, NULL, 'b' },
	{ "attempt", required_argument, NULL, OPTION_ATTEMPT },
	{ "compromise", required_argument, NULL, OPTION_COMPROMISE },
	{ "down", required_argument, NULL, OPTION_DOWN },
	{ "alter", required_argument, NULL, OPTION_ALTER },
	{ "unmarked", no_argument, NULL, OPTION_UNMARKED },
	{ "json", no_argument, NULL, 'j' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *file, *from, *to, *relay;
	const char *assignments[OPTIONS_MAX + 1];
	size_t assignment_count;
	struct {
		const char *text;
		uint8_t marks;
	} parts[PARTS_MAX];
	size_t part_count;
	struct qv_relay_session session;
	bool json, verbose, help, unmarked;
};

static int add_part(struct arguments *arguments, const char *text, uint8_t marks, struct qv_error *err)
{
	if (arguments->part_count == PARTS_MAX)
		return qv_fail(err, QV_E_INVALID, "more than %d parts that go wrong", PARTS_MAX);
	arguments->parts[arguments->part_count].text = text;
	arguments->parts[arguments->part_count++].marks = marks;
	return 0;
}

static int parse_bits(struct arguments *arguments, const char *text, struct qv_error *err)
{
	uint64_t bits;
	if (number_of_option("bits", text, 8, 8 * 65535, &bits, err) != 0)
		return -1;
	if (bits % 8)
		return qv_fail(err, QV_E_INVALID, "--bits %s: expected a multiple of 8", text);
	arguments->session.key_bytes = (uint16_t)(bits / 8);
	return 0;
}

static int parse_one(struct arguments *arguments, int option, struct qv_error *err)
{
	uint64_t number;
	switch (option) {
	case 'f':
		arguments->from = optarg;
		return 0;
	case 't':
		arguments->to = optarg;
		return 0;
	case 'r':
		arguments->relay = optarg;
		return 0;
	case 'o':
		if (arguments->assignment_count == OPTIONS_MAX)
			return qv_fail(err, QV_E_INVALID, "more than %d options of the module", OPTIONS_MAX);
		arguments->assignments[arguments->assignment_count++] = optarg;
		return 0;
	case 'n':
		if (number_of_option("keys", optarg, 1, QV_RELAY_KEYS_MAX, &number, err) != 0)
			return -1;
		arguments->session.keys = (uint16_t)number;
		return 0;
	case 'b':
		return parse_bits(arguments, optarg, err);
	case OPTION_ATTEMPT:
		if (number_of_option("attempt", optarg, 0, 255, &number, err) != 0)
			return -1;
		arguments->session.attempt = (uint8_t)number;
		return 0;
	case OPTION_COMPROMISE:
		return add_part(arguments, optarg, QV_TOPOLOGY_COMPROMISED, err);
	case OPTION_DOWN:
		return add_part(arguments, optarg, QV_TOPOLOGY_DOWN, err);
	case OPTION_ALTER:
		return add_part(arguments, optarg, SIMULATION_ALTERS | QV_TOPOLOGY_COMPROMISED, err);
	case OPTION_UNMARKED:
		arguments->unmarked = true;
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case 'v':
		arguments->verbose = true;
		return 0;
	case 'h':
		arguments->help = true;
		return 0;
	default:
		return qv_fail(err, QV_E_INVALID, "see `qkd-relay run --help`");
	}
}

static int parse_arguments(struct arguments *arguments, int argc, char **argv, struct qv_error *err)
{
	int option;
	arguments->relay = "recursive";
	arguments->session = (struct qv_relay_session){ .keys = 1, .key_bytes = 32 };
	while ((option = getopt_long(argc, argv, "f:t:r:o:n:b:jvh", long_options, NULL)) != -1)
		if (parse_one(arguments, option, err) != 0)
			return -1;
	if (arguments->help)
		return 0;
	if (optind + 1 != argc)
		return qv_fail(err, QV_E_INVALID, "run wants one topology file; see `qkd-relay run --help`");
	arguments->file = argv[optind];
	if (!arguments->from || !arguments->to)
		return qv_fail(err, QV_E_INVALID, "run wants --from and --to; see `qkd-relay run --help`");
	return qv_relay_session_check(&arguments->session, err);
}

/* The marks of the topology and of the command line. */
static int read_marks(const struct arguments *arguments, struct run *run, struct qv_error *err)
{
	uint32_t kmes = qv_topology_kmes(run->topology), links = qv_topology_links(run->topology);
	run->kmes = calloc(kmes, 1);
	run->links = calloc((size_t)links + 1, 1);
	if (!run->kmes || !run->links)
		return qv_fail(err, QV_E_NOMEM, "no memory for the simulation");
	for (uint32_t i = 0; i < kmes && !arguments->unmarked; i++)
		run->kmes[i] = qv_topology_kme(run->topology, i)->marks;
	for (uint32_t i = 0; i < links && !arguments->unmarked; i++)
		run->links[i] = qv_topology_link(run->topology, i)->marks;
	for (size_t i = 0; i < arguments->part_count; i++) {
		uint32_t kme, link;
		const char *text = arguments->parts[i].text;
		if (find_part(run->topology, text, &kme, &link, err) != 0)
			return -1;
		if (kme == run->from || kme == run->to)
			return qv_fail(err, QV_E_INVALID,
				       "KME \"%s\" is an end of the relay: it makes or gets the keys", text);
		if (kme != QV_TOPOLOGY_NONE)
			run->kmes[kme] |= arguments->parts[i].marks;
		else if (arguments->parts[i].marks & SIMULATION_ALTERS)
			return qv_fail(err, QV_E_INVALID,
				       "%s: a link that alters shares is found out by their MAC, which is as "
				       "if it were down: use --down",
				       text);
		else
			run->links[link] |= arguments->parts[i].marks;
	}
	return 0;
}

/* What the adversary learned: the same session again, long enough that chance decides nothing. */
static int weigh(struct run *run, struct simulation_setup *setup, struct qv_error *err)
{
	size_t bytes = run->result.seen + 32;
	if (run->result.seen > WEIGH_MAX)
		return 0;
	setup->weigh = true;
	setup->watch = NULL;
	setup->session.keys = (uint16_t)((bytes + 31) / 32);
	setup->session.key_bytes = 32;
	return simulation_run(setup, &run->weighed, err);
}

static int simulate(const struct arguments *arguments, struct run *run, struct qv_error *err)
{
	struct simulation_setup setup = { .class = run->module.class,
					  .plan = run->plan,
					  .topology = run->topology,
					  .from = run->from,
					  .to = run->to,
					  .session = arguments->session,
					  .kmes = run->kmes,
					  .links = run->links };
	struct run_watch watch;
	run_watch_init(&watch, run, arguments->verbose && !arguments->json);
	setup.watch = &watch.watch;
	int result = simulation_run(&setup, &run->result, err);
	return result == 0 ? weigh(run, &setup, err) : -1;
}

static int prepare(const struct arguments *arguments, struct run *run, struct qv_error *err)
{
	run->topology = qv_topology_load(arguments->file, err);
	if (!run->topology)
		return -1;
	run->from = qv_topology_need(run->topology, arguments->from, err);
	if (run->from == QV_TOPOLOGY_NONE)
		return -1;
	run->to = qv_topology_need(run->topology, arguments->to, err);
	if (run->to == QV_TOPOLOGY_NONE || read_marks(arguments, run, err) != 0 ||
	    relay_module_open(&run->module, arguments->relay, arguments->assignments, err) != 0)
		return -1;
	run->plan = run->module.class->plan(run->module.relay, run->topology, run->from, run->to, err);
	return run->plan ? 0 : -1;
}

static void clear(struct run *run)
{
	simulation_clear(&run->result);
	simulation_clear(&run->weighed);
	if (run->module.class)
		run->module.class->plan_free(run->plan);
	relay_module_close(&run->module);
	qv_topology_free(run->topology);
	free(run->kmes);
	free(run->links);
	free(run->suspects);
}

static int command(int argc, char **argv)
{
	struct qv_error err = QV_ERROR_INIT;
	struct arguments *arguments = calloc(1, sizeof *arguments);
	struct run run = { .topology = NULL };
	int status = STATUS_OK;
	if (!arguments)
		qv_fail(&err, QV_E_NOMEM, "no memory for the arguments");
	else if (parse_arguments(arguments, argc, argv, &err) == 0 && arguments->help)
		fputs(usage, stdout);
	else if (err.code == QV_OK && prepare(arguments, &run, &err) == 0 && simulate(arguments, &run, &err) == 0) {
		run.session = arguments->session;
		if (arguments->json)
			run_print_json(&run, stdout);
		else
			run_print_text(&run, stdout);
		status = run.result.outcome == SIMULATION_DELIVERED ? STATUS_OK : STATUS_NOT_DELIVERED;
	}
	if (err.code != QV_OK)
		status = report_failure(&err);
	clear(&run);
	free(arguments);
	return status;
}

const struct command command_run = { "run", "relay keys, message by message, and tell who got what", command };
