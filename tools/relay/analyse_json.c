/* SPDX-License-Identifier: Apache-2.0 */
#include "analyse.h"

static const char *id_of(const struct qv_topology *topology, uint32_t kme)
{
	return qv_topology_kme(topology, kme)->id;
}

static json_t *link_json(const struct qv_topology *topology, uint32_t number)
{
	const struct qv_topology_link *link = qv_topology_link(topology, number);
	return json_pack("[s,s]", id_of(topology, link->from), id_of(topology, link->to));
}

/* A KME as its ID, a link as the IDs of its ends. */
static json_t *set_json(const struct qv_topology *topology, const struct answer *answer, const struct fact_set *set)
{
	json_t *members = json_array();
	for (uint32_t i = 0; i < set->count; i++) {
		const struct access_part *part = &answer->access.parts[answer->sets.members[set->first + i]];
		json_array_append_new(members, part->is_link ? link_json(topology, part->number)
							     : json_string(id_of(topology, part->number)));
	}
	return members;
}

static json_t *answer_json(const struct qv_topology *topology, const struct answer *answer, unsigned listed)
{
	const struct sets *sets = &answer->sets;
	json_t *list = json_array();
	for (size_t i = 0; i < sets->count && i < listed; i++)
		json_array_append_new(list, set_json(topology, answer, &sets->sets[i]));
	json_t *result = json_pack("{s:b,s:I,s:o,s:f,s:b,s:b}", "exact", sets->exact, "set_count",
				   (json_int_t)sets->count, "minimal_sets", list, "probability", answer->chance.p,
				   "probability_exact", answer->exact, "as_marked", answer->marked);
	if (sets->count > 0)
		json_object_set_new(result, "least", json_integer(sets->sets[0].count));
	if (!sets->exact)
		json_object_set_new(result, "all_up_to", json_integer(sets->tried));
	if (!answer->exact)
		json_object_update_new(result,
				       json_pack("{s:[f,f],s:I}", "confidence_95", answer->chance.low,
						 answer->chance.high, "trials", (json_int_t)answer->chance.trials));
	return result;
}

static json_t *load_json(const struct qv_topology *topology, const double *load)
{
	json_t *links = json_array();
	for (uint32_t l = 0; l < qv_topology_links(topology); l++)
		if (load[2 * (size_t)l] + load[2 * (size_t)l + 1] > 0)
			json_array_append_new(links,
					      json_pack("{s:o,s:f,s:f}", "link", link_json(topology, l), "shares",
							load[2 * (size_t)l], "back", load[2 * (size_t)l + 1]));
	return links;
}

json_t *analyse_json(const struct qv_topology *topology, const struct analyse_options *options,
		     const struct analysis *analysis)
{
	json_t *result = json_pack("{s:s,s:s,s:s}", "from", id_of(topology, analysis->from), "to",
				   id_of(topology, analysis->to), "relay", analysis->relay);
	if (!analysis->plan) {
		json_object_set_new(result, "no_plan", json_string(analysis->why.message));
		return result;
	}
	json_object_update_new(result, json_pack("{s:s,s:f,s:f,s:f,s:o}", "plan", analysis->facts->text, "messages",
						 analysis->facts->messages, "link_key_bits", analysis->link_bits,
						 "busiest_link_bits", analysis->busiest, "links",
						 load_json(topology, analysis->load)));
	if (analysis->rate > 0)
		json_object_update_new(result, json_pack("{s:f,s:o}", "keys_per_second", analysis->rate, "bottleneck",
							 link_json(topology, analysis->bottleneck)));
	if (analysis->judged)
		json_object_update_new(result,
				       json_pack("{s:o,s:o}", "learned",
						 answer_json(topology, &analysis->learned, options->listed), "stopped",
						 answer_json(topology, &analysis->stopped, options->listed)));
	return result;
}

static json_t *worth_json(const struct suggestion *suggestion, const struct worth *worth)
{
	if (suggestion->pairs > 0)
		return json_pack("{s:f}", "disjoint_routes", worth->routes);
	return json_pack("{s:f,s:f}", "learned", worth->learned, "stopped", worth->stopped);
}

json_t *analyse_suggestion_json(const struct qv_topology *topology, const struct suggestion *suggestion)
{
	json_t *result = json_pack("{s:i,s:b,s:o,s:o}", "links_tried", suggestion->candidates, "all_links",
				   suggestion->all, "now", worth_json(suggestion, &suggestion->now), "then",
				   worth_json(suggestion, &suggestion->then));
	if (suggestion->found)
		json_object_update_new(result, json_pack("{s:[s,s]}", "link", id_of(topology, suggestion->a),
							 id_of(topology, suggestion->b)));
	if (suggestion->pairs > 0)
		json_object_set_new(result, "pairs", json_integer(suggestion->pairs));
	else
		json_object_set_new(result, "relay", json_string(suggestion->relay));
	return result;
}
