/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-relay plot: a picture of the network, and of the shares of a relayed key on its links. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "drawing.h"

static const char usage[] =
	"Usage: qkd-relay plot [OPTION]... TOPOLOGY [--from A --to B] --output FILE.svg|FILE.png\n"
	"Draw a network of KMEs, what of it is compromised or broken, and the shares that relaying a key sends.\n"
	"\n"
	"  -f, --from KME            the origin of a key\n"
	"  -t, --to KME              its destination\n"
	"  -r, --relay NAME          the relay module whose shares are drawn (default disjoint)\n"
	"  -o, --option NAME=VALUE   an option of that module; may be repeated\n"
	"  -O, --output FILE         the picture; its ending says whether SVG or PNG\n"
	"  -T, --title TEXT          above it\n"
	"  -h, --help                show this and end\n";

static const struct option long_options[] = {
	{ "from", required_argument, NULL, 'f' },   { "to", required_argument, NULL, 't' },
	{ "relay", required_argument, NULL, 'r' },  { "option", required_argument, NULL, 'o' },
	{ "output", required_argument, NULL, 'O' }, { "title", required_argument, NULL, 'T' },
	{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
};

struct plot_options {
	const char *path, *from, *to, *relay, *output, *title;
	const char **assignments;
	size_t assignment_count;
};

static int take(struct plot_options *options, int option, struct qv_error *err)
{
	switch (option) {
	case 'f':
		options->from = optarg;
		return 0;
	case 't':
		options->to = optarg;
		return 0;
	case 'r':
		options->relay = optarg;
		return 0;
	case 'o':
		options->assignments[options->assignment_count++] = optarg;
		return 0;
	case 'O':
		options->output = optarg;
		return 0;
	case 'T':
		options->title = optarg;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	default:
		return qv_fail(err, QV_E_INVALID, "see qkd-relay plot --help");
	}
}

static int parse(int argc, char **argv, struct plot_options *options, struct qv_error *err)
{
	*options = (struct plot_options){ .relay = "disjoint" };
	options->assignments = calloc((size_t)argc + 1, sizeof *options->assignments);
	if (!options->assignments)
		return qv_fail(err, QV_E_NOMEM, "no memory for the command line");
	int option, result = 0;
	while (result == 0 && (option = getopt_long(argc, argv, "f:t:r:o:O:T:h", long_options, NULL)) != -1)
		result = take(options, option, err);
	if (result != 0)
		return result;
	if (argc - optind != 1)
		return qv_fail(err, QV_E_INVALID, "%s; see qkd-relay plot --help",
			       argc == optind ? "the file with the topology is missing" : "one topology is enough");
	if (!options->output || !drawing_format(options->output))
		return qv_fail(err, QV_E_INVALID, "--output %s: a file that ends in .svg or .png is needed",
			       options->output ? options->output : "is missing");
	if (!options->from != !options->to)
		return qv_fail(err, QV_E_INVALID, "--from and --to go together");
	options->path = argv[optind];
	return 0;
}

static int find_load(const struct relay_module *relay, const struct drawing *drawing, double *load,
		     struct qv_error *err)
{
	struct qv_relay_plan *plan =
		relay->class->plan(relay->relay, drawing->topology, drawing->from, drawing->to, err);
	if (!plan)
		return -1;
	relay->class->load(plan, load);
	relay->class->plan_free(plan);
	return 0;
}

/* The network with the shares of a key. */
static int draw_relayed(const struct plot_options *options, struct drawing *drawing, struct qv_error *err)
{
	char title[1024];
	struct relay_module relay = { .loader = NULL };
	double *load = calloc(2 * (size_t)qv_topology_links(drawing->topology) + 1, sizeof *load);
	int result = load ? 0
			  : qv_fail(err, QV_E_NOMEM, "no memory for the shares on %u links",
				    qv_topology_links(drawing->topology));
	drawing->from = qv_topology_need(drawing->topology, options->from, err);
	if (result == 0 && drawing->from != QV_TOPOLOGY_NONE)
		drawing->to = qv_topology_need(drawing->topology, options->to, err);
	if (drawing->from == QV_TOPOLOGY_NONE || drawing->to == QV_TOPOLOGY_NONE)
		result = -1;
	if (result == 0)
		result = relay_module_open(&relay, options->relay, options->assignments, err);
	if (result == 0)
		result = find_load(&relay, drawing, load, err);
	snprintf(title, sizeof title, "Shares of a key from KME %s to KME %s, relayed by %s", options->from,
		 options->to, options->relay);
	drawing->load = load;
	drawing->title = options->title ? options->title : title;
	if (result == 0)
		result = drawing_write(drawing, options->output, err);
	drawing->load = NULL;
	drawing->title = NULL;
	relay_module_close(&relay);
	free(load);
	return result;
}

static int draw(const struct plot_options *options, struct qv_error *err)
{
	struct qv_topology *topology = qv_topology_load(options->path, err);
	if (!topology)
		return -1;
	struct drawing drawing = { .topology = topology,
				   .from = QV_TOPOLOGY_NONE,
				   .to = QV_TOPOLOGY_NONE,
				   .title = options->title ? options->title : options->path };
	int result =
		options->from ? draw_relayed(options, &drawing, err) : drawing_write(&drawing, options->output, err);
	qv_topology_free(topology);
	return result;
}

static int plot(int argc, char **argv)
{
	struct plot_options options;
	struct qv_error err = QV_ERROR_INIT;
	int result = parse(argc, argv, &options, &err);
	if (result == 0)
		result = draw(&options, &err);
	free(options.assignments);
	return result < 0 ? report_failure(&err) : STATUS_OK;
}

const struct command command_plot = { .name = "plot", .summary = "draw the network and the shares on it", .run = plot };
