/* SPDX-License-Identifier: Apache-2.0 */
/* What `qkd-relay run` prints. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "run.h"

static const char *id_of(const struct run *run, uint32_t kme)
{
	return qv_topology_kme(run->topology, kme)->id;
}

static void print_step(struct simulation_watch *watch, const struct simulation_step *step)
{
	static const char *const fates[] = { "arrived", "arrived, altered by the sender", "lost", "refused" };
	const struct run_watch *own = (const struct run_watch *)watch;
	const struct run *run = own->run;
	if (!own->verbose)
		return;
	printf("%s -> %s", id_of(run, step->from), id_of(run, step->to));
	if (step->message) {
		fputs("  share ", stdout);
		for (size_t i = 0; i < step->message->head_size && i < 16; i++)
			printf("%02x", step->message->head[i]);
		printf(", %zu bytes", step->message->share_size);
	}
	printf(": %s%s%s%s\n", fates[step->fate], step->seen ? ", seen by the adversary" : "",
	       step->fate == SIMULATION_REFUSED ? ": " : "",
	       step->fate == SIMULATION_REFUSED ? step->why->message : "");
}

static void hear_wrong(struct simulation_watch *watch, const uint32_t *kmes, size_t count)
{
	struct run *run = ((struct run_watch *)watch)->run;
	if (!run->suspects)
		run->suspects = calloc(qv_topology_kmes(run->topology), 1);
	for (size_t i = 0; i < count && run->suspects; i++)
		run->suspects[kmes[i]] |= kmes[i] != run->from && kmes[i] != run->to;
}

void run_watch_init(struct run_watch *watch, struct run *run, bool verbose)
{
	*watch = (struct run_watch){ .watch = { print_step, hear_wrong }, .run = run, .verbose = verbose };
}

static size_t count_marked(const uint8_t *marks, uint32_t count, uint8_t mark)
{
	size_t marked = 0;
	for (uint32_t i = 0; i < count; i++)
		marked += (marks[i] & mark) != 0;
	return marked;
}

#define LISTED_MAX 12

static void print_kmes(const struct run *run, const uint8_t *marks, uint8_t mark, FILE *out)
{
	size_t listed = 0;
	for (uint32_t i = 0; i < qv_topology_kmes(run->topology); i++)
		if (marks[i] & mark && listed++ < LISTED_MAX)
			fprintf(out, "%s%s", listed > 1 ? ", " : "", id_of(run, i));
	if (listed > LISTED_MAX)
		fprintf(out, " and %zu more", listed - LISTED_MAX);
}

static void print_outcome(const struct run *run, FILE *out)
{
	const struct simulation_result *result = &run->result;
	fprintf(out, "KME %s ", id_of(run, run->to));
	if (result->outcome == SIMULATION_DELIVERED)
		fprintf(out, "rebuilt the keys");
	else if (result->outcome == SIMULATION_WRONG)
		fprintf(out,
			"rebuilt other keys than KME %s sent: the ends find that out when they confirm the keys, and "
			"use none",
			id_of(run, run->from));
	else
		fprintf(out, "did not rebuild the keys: %s", result->why.message);
	if (result->wrong) {
		fprintf(out, "; %zu share%s altered, suspect: KME ", result->wrong,
			result->wrong == 1 ? " was" : "s were");
		if (run->suspects)
			print_kmes(run, run->suspects, 1, out);
	}
	fputs(".\n", out);
}

static void print_adversary(const struct run *run, FILE *out)
{
	const struct simulation_result *weighed = &run->weighed;
	size_t kmes = count_marked(run->kmes, qv_topology_kmes(run->topology), QV_TOPOLOGY_COMPROMISED);
	size_t links = count_marked(run->links, qv_topology_links(run->topology), QV_TOPOLOGY_COMPROMISED);
	if (kmes + links == 0) {
		fputs("Nothing is compromised.\n", out);
		return;
	}
	fputs("The adversary", out);
	if (kmes) {
		fprintf(out, " at KME ");
		print_kmes(run, run->kmes, QV_TOPOLOGY_COMPROMISED, out);
	}
	if (links)
		fprintf(out, "%s on %zu link%s", kmes ? " and" : "", links, links == 1 ? "" : "s");
	fprintf(out, " saw %zu share%s", run->result.seen, run->result.seen == 1 ? "" : "s");
	if (!weighed->weighed)
		fputs(": too many to find out here what they tell together.\n", out);
	else if (weighed->learned)
		fputs(" and LEARNED THE KEYS: they are a combination of these shares.\n", out);
	else
		fprintf(out, ", %zu of them independent, and learned nothing: the keys are no combination of them.\n",
			weighed->rank);
}

void run_print_text(const struct run *run, FILE *out)
{
	const struct simulation_result *result = &run->result;
	const struct qv_relay_facts *facts = run->module.class->facts(run->plan);
	size_t bytes = (size_t)run->session.keys * run->session.key_bytes;
	fprintf(out, "Relay %s from KME %s to KME %s: %s.\n", run->module.class->head.name, id_of(run, run->from),
		id_of(run, run->to), facts->text);
	fprintf(out, "%zu messages, %zu lost, %zu altered; %" PRIu64 " bytes of link keys for %zu bytes of keys.\n",
		result->messages, result->lost, result->altered, result->key_bytes, bytes);
	print_outcome(run, out);
	print_adversary(run, out);
}

static json_t *list_kmes(const struct run *run, const uint8_t *marks, uint8_t mark)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < qv_topology_kmes(run->topology) && marks; i++)
		if (marks[i] & mark)
			json_array_append_new(list, json_string(id_of(run, i)));
	return list;
}

static json_t *list_links(const struct run *run)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < qv_topology_links(run->topology); i++) {
		const struct qv_topology_link *link = qv_topology_link(run->topology, i);
		if (run->result.link_messages[i])
			json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "from", id_of(run, link->from),
							      "to", id_of(run, link->to), "messages",
							      (json_int_t)run->result.link_messages[i], "key_bytes",
							      (json_int_t)run->result.link_bytes[i]));
	}
	return list;
}

static json_t *plan_facts(const struct run *run)
{
	const struct qv_relay_facts *facts = run->module.class->facts(run->plan);
	return json_pack("{s:f, s:i, s:I, s:I, s:s}", "messages", facts->messages, "hops", (int)facts->hops,
			 "tolerance", (json_int_t)facts->tolerance, "privacy", (json_int_t)facts->privacy, "text",
			 facts->text);
}

void run_print_json(const struct run *run, FILE *out)
{
	const struct simulation_result *result = &run->result, *weighed = &run->weighed;
	json_t *adversary =
		json_pack("{s:o, s:i, s:i, s:o}", "kmes", list_kmes(run, run->kmes, QV_TOPOLOGY_COMPROMISED),
			  "shares_seen", (int)result->seen, "independent", (int)weighed->rank, "learned",
			  weighed->weighed ? json_boolean(weighed->learned) : json_null());
	json_t *root = json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:s, s:i, s:i, s:i, s:i, s:I, s:i, s:o, s:o, s:o}",
				 "relay", run->module.class->head.name, "from", id_of(run, run->from), "to",
				 id_of(run, run->to), "keys", run->session.keys, "key_bytes", run->session.key_bytes,
				 "plan", plan_facts(run), "outcome", simulation_outcome_name(result->outcome),
				 "messages", (int)result->messages, "lost", (int)result->lost, "altered",
				 (int)result->altered, "refused", (int)result->refused, "link_key_bytes",
				 (json_int_t)result->key_bytes, "wrong_shares", (int)result->wrong, "suspects",
				 list_kmes(run, run->suspects, 1), "adversary", adversary, "links", list_links(run));
	if (result->outcome != SIMULATION_DELIVERED && result->outcome != SIMULATION_WRONG)
		json_object_set_new(root, "why", json_string(result->why.message));
	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}
