/* SPDX-License-Identifier: Apache-2.0 */
#include "analyse.h"

#include <stdio.h>

static void print_set(const struct qv_topology *topology, const struct answer *answer, const struct fact_set *set)
{
	printf(" {");
	for (uint32_t i = 0; i < set->count; i++) {
		const struct access_part *part = &answer->access.parts[answer->sets.members[set->first + i]];
		const struct qv_topology_link *link = part->is_link ? qv_topology_link(topology, part->number) : NULL;
		printf("%s", i > 0 ? ", " : "");
		if (link)
			printf("%s-%s", qv_topology_kme(topology, link->from)->id,
			       qv_topology_kme(topology, link->to)->id);
		else
			printf("%s", qv_topology_kme(topology, part->number)->id);
	}
	printf("}");
}

static void print_chance(const struct answer *answer, double p)
{
	if (answer->exact)
		printf("      chance %.4g at %g each (exact)\n", answer->chance.p, p);
	else
		printf("      chance %.4g at %g each (%.4g to %.4g with 95 %% confidence, %llu trials)\n",
		       answer->chance.p, p, answer->chance.low, answer->chance.high,
		       (unsigned long long)answer->chance.trials);
}

static void print_sets(const struct qv_topology *topology, const struct answer *answer, unsigned listed)
{
	const struct sets *sets = &answer->sets;
	if (sets->exact)
		printf("%zu minimal sets", sets->count);
	else
		printf("all minimal sets of up to %u, and %s larger ones", sets->tried,
		       sets->count > 0 ? "some" : "no");
	for (size_t i = 0; i < sets->count && i < listed; i++) {
		printf("%s", i == 0 ? ":" : ",");
		print_set(topology, answer, &sets->sets[i]);
	}
	if (sets->count > listed && listed > 0)
		printf(", …");
	printf("\n");
}

static void print_answer(const struct qv_topology *topology, const char *what, const char *who,
			 const struct answer *answer, double p, unsigned listed)
{
	const struct sets *sets = &answer->sets;
	if (sets->count > 0)
		printf("    %s: %u %s at least; ", what, sets->sets[0].count, who);
	else if (sets->exact)
		printf("    %s: nothing; ", what);
	else
		printf("    %s: more than %u %s; ", what, sets->tried, who);
	print_sets(topology, answer, listed);
	print_chance(answer, p);
}

static void print_cost(const struct qv_topology *topology, const struct analysis *analysis)
{
	printf("    cost: %.6g messages; %.6g bits of link keys for each key, %.6g on the busiest link\n",
	       analysis->facts->messages, analysis->link_bits, analysis->busiest);
	if (analysis->rate > 0) {
		const struct qv_topology_link *link = qv_topology_link(topology, analysis->bottleneck);
		printf("    rate: %.4g keys per second at most, by link %s-%s\n", analysis->rate,
		       qv_topology_kme(topology, link->from)->id, qv_topology_kme(topology, link->to)->id);
	}
}

static void print_module(const struct qv_topology *topology, const struct analyse_options *options,
			 const struct analysis *analysis)
{
	printf("  %s\n", analysis->relay);
	if (!analysis->plan) {
		printf("    no plan: %s\n", analysis->why.message);
		return;
	}
	printf("    %s\n", analysis->facts->text);
	print_cost(topology, analysis);
	if (options->wish.cost_only)
		return;
	if (!analysis->judged) {
		printf("    the module does not say who learns the keys or what stops them\n");
		return;
	}
	print_answer(topology, "learn the keys", "compromised KMEs", &analysis->learned, options->wish.compromised,
		     options->listed);
	print_answer(topology, "stop them", "KMEs or links", &analysis->stopped, options->wish.broken, options->listed);
	printf("    as marked in the topology: the keys %s, and the compromised KMEs %s\n",
	       analysis->stopped.marked ? "do not arrive" : "arrive",
	       analysis->learned.marked ? "learn them" : "learn nothing");
}

void analyse_print_pair(const struct qv_topology *topology, const struct analyse_options *options,
			const struct analysis *analyses, size_t count)
{
	printf("KME %s to KME %s, keys of %u bits, %u in a session\n", qv_topology_kme(topology, analyses[0].from)->id,
	       qv_topology_kme(topology, analyses[0].to)->id, options->wish.key_bytes * 8, options->wish.batch);
	for (size_t i = 0; i < count; i++)
		print_module(topology, options, &analyses[i]);
}

void analyse_print_head(const struct analyse_options *options)
{
	printf("%-12s %-12s %-14s %9s %10s %7s %10s %6s %10s\n", "from", "to", "relay", "messages", "bits/key", "learn",
	       "P(learned)", "stop", "P(stopped)");
	printf("%-12s %-12s %-14s %9s %10s %7s %10s %6s %10s\n", "", "", "", "", "", "KMEs", "", "parts", "");
	printf("# a KME is compromised with probability %g, a KME or link down with %g\n", options->wish.compromised,
	       options->wish.broken);
}

static void print_least(const struct sets *sets, int width)
{
	char text[16] = "-";
	if (sets->count > 0)
		snprintf(text, sizeof text, "%u", sets->sets[0].count);
	else if (!sets->exact)
		snprintf(text, sizeof text, ">%u", sets->tried);
	printf(" %*s", width, text);
}

void analyse_print_line(const struct qv_topology *topology, const struct analysis *analysis)
{
	printf("%-12s %-12s %-14s", qv_topology_kme(topology, analysis->from)->id,
	       qv_topology_kme(topology, analysis->to)->id, analysis->relay);
	if (!analysis->plan) {
		printf(" %s\n", analysis->why.message);
		return;
	}
	printf(" %9.6g %10.6g", analysis->facts->messages, analysis->link_bits);
	if (analysis->judged) {
		print_least(&analysis->learned.sets, 7);
		printf(" %10.3g", analysis->learned.chance.p);
		print_least(&analysis->stopped.sets, 6);
		printf(" %10.3g", analysis->stopped.chance.p);
	}
	printf("\n");
}

static void print_worth(const struct suggestion *suggestion, const struct worth *worth, const char *when)
{
	if (suggestion->pairs > 0)
		printf("  %s: %.6g disjoint routes over %u pairs\n", when, worth->routes, suggestion->pairs);
	else
		printf("  %s: learned with a chance of %.4g, stopped with %.4g\n", when, worth->learned,
		       worth->stopped);
}

void analyse_print_suggestion(const struct qv_topology *topology, const struct suggestion *suggestion)
{
	if (!suggestion->found) {
		printf("suggestion: none of %u further links would help%s%s\n", suggestion->candidates,
		       suggestion->pairs ? "" : " with ", suggestion->pairs ? "" : suggestion->relay);
		return;
	}
	printf("suggestion: of %u %s links, %s-%s would help most%s%s\n", suggestion->candidates,
	       suggestion->all ? "possible" : "tried", qv_topology_kme(topology, suggestion->a)->id,
	       qv_topology_kme(topology, suggestion->b)->id, suggestion->pairs ? "" : " with ",
	       suggestion->pairs ? "" : suggestion->relay);
	print_worth(suggestion, &suggestion->now, "now");
	print_worth(suggestion, &suggestion->then, "then");
}
