/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-relay analyse: who learns relayed keys, what stops them, what they cost. */
#include "analyse.h"

#include <stdio.h>
#include <stdlib.h>

#include "command.h"

struct work {
	struct analyse_options options;
	struct qv_topology *topology;
	struct named_relays relays;
	struct progress progress;
	json_t *pairs, *suggestions; /* with --json */
};

static int analyse_pair(struct work *work, uint32_t from, uint32_t to, struct analysis *analyses,
			struct progress *progress, struct qv_error *err)
{
	for (size_t i = 0; i < work->relays.count; i++) {
		const struct relay_module *relay = &work->relays.module[i];
		if (analysis_make(&analyses[i], relay->class, relay->relay, work->topology, from, to,
				  &work->options.wish, progress, err) != 0)
			return -1;
	}
	return 0;
}

static void show(struct work *work, const struct analysis *analyses, bool table)
{
	progress_end(&work->progress);
	for (size_t i = 0; i < work->relays.count && work->options.json; i++)
		json_array_append_new(work->pairs, analyse_json(work->topology, &work->options, &analyses[i]));
	for (size_t i = 0; i < work->relays.count && table && !work->options.json; i++)
		analyse_print_line(work->topology, &analyses[i]);
	if (!table && !work->options.json)
		analyse_print_pair(work->topology, &work->options, analyses, work->relays.count);
}

static int one_pair(struct work *work, uint32_t from, uint32_t to, bool table, struct progress *progress,
		    struct qv_error *err)
{
	struct analysis analyses[NAMES_MAX] = { 0 };
	int result = analyse_pair(work, from, to, analyses, progress, err);
	if (result == 0)
		show(work, analyses, table);
	for (size_t i = 0; i < work->relays.count; i++)
		analysis_clear(&analyses[i]);
	return result;
}

static void show_suggestion(struct work *work, const struct suggestion *suggestion)
{
	progress_end(&work->progress);
	if (work->options.json)
		json_array_append_new(work->suggestions, analyse_suggestion_json(work->topology, suggestion));
	else
		analyse_print_suggestion(work->topology, suggestion);
}

static int suggest_pair(struct work *work, uint32_t from, uint32_t to, struct qv_error *err)
{
	int result = 0;
	for (size_t i = 0; i < work->relays.count && result == 0; i++) {
		const struct relay_module *relay = &work->relays.module[i];
		struct suggestion suggestion;
		if (!relay->class->judge)
			continue;
		progress_start(&work->progress, "trying links");
		result = suggest_for_pair(&suggestion, relay, work->topology, from, to, &work->options.wish,
					  &work->progress, err);
		if (result == 0)
			show_suggestion(work, &suggestion);
	}
	return result;
}

static int asked_pair(struct work *work, struct qv_error *err)
{
	uint32_t from = qv_topology_need(work->topology, work->options.from, err);
	uint32_t to = from == QV_TOPOLOGY_NONE ? from : qv_topology_need(work->topology, work->options.to, err);
	if (to == QV_TOPOLOGY_NONE)
		return -1;
	if (from == to)
		return qv_fail(err, QV_E_INVALID, "--from and --to are both KME %s", work->options.from);
	progress_start(&work->progress, "analysing");
	if (one_pair(work, from, to, false, &work->progress, err) != 0)
		return -1;
	return work->options.suggest ? suggest_pair(work, from, to, err) : 0;
}

static bool has_one_way(const struct qv_topology *topology)
{
	for (uint32_t l = 0; l < qv_topology_links(topology); l++)
		if (qv_topology_link(topology, l)->one_way)
			return true;
	return false;
}

/* Each pair once; where links lead one way only, in both directions. */
static int all_pairs(struct work *work, struct qv_error *err)
{
	uint32_t kmes = qv_topology_kmes(work->topology);
	bool both = has_one_way(work->topology);
	/* Many pairs want less work on each. */
	work->options.wish.limits.work = 3e7;
	if (!work->options.json)
		analyse_print_head(&work->options);
	progress_start(&work->progress, "analysing pairs");
	for (uint32_t from = 0; from < kmes; from++)
		for (uint32_t to = both ? 0 : from + 1; to < kmes; to++) {
			if (from == to || qv_topology_find_link(work->topology, from, to) != QV_TOPOLOGY_NONE)
				continue;
			if (one_pair(work, from, to, true, NULL, err) != 0)
				return -1;
			progress_show(&work->progress, from, kmes);
		}
	if (!work->options.suggest)
		return 0;
	struct suggestion suggestion;
	progress_start(&work->progress, "trying links");
	if (suggest_for_all(&suggestion, work->topology, &work->progress, err) != 0)
		return -1;
	show_suggestion(work, &suggestion);
	return 0;
}

static int run(struct work *work, struct qv_error *err)
{
	work->topology = qv_topology_load(work->options.path, err);
	if (!work->topology || names_open(&work->relays, work->options.relays, work->options.assignments, err) != 0)
		return -1;
	work->pairs = json_array();
	work->suggestions = json_array();
	int result = work->options.from ? asked_pair(work, err) : all_pairs(work, err);
	progress_end(&work->progress);
	if (result != 0 || !work->options.json)
		return result;
	json_t *all = json_pack("{s:O,s:O}", "analyses", work->pairs, "suggestions", work->suggestions);
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
	putchar('\n');
	json_decref(all);
	return 0;
}

static int analyse(int argc, char **argv)
{
	struct work work = { 0 };
	struct qv_error err = QV_ERROR_INIT;
	int result = analyse_arguments(argc, argv, &work.options, &err);
	if (result == 0)
		result = run(&work, &err);
	json_decref(work.pairs);
	json_decref(work.suggestions);
	names_close(&work.relays);
	qv_topology_free(work.topology);
	free(work.options.assignments);
	return result < 0 ? report_failure(&err) : STATUS_OK;
}

const struct command command_analyse = { .name = "analyse",
					 .summary = "who learns the keys, what stops them, what they cost",
					 .run = analyse };
