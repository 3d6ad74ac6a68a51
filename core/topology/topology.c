/* SPDX-License-Identifier: Apache-2.0 */
#include "topology.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BLOCK 65536

struct topology_text {
	struct topology_text *next;
	size_t used;
	char bytes[TEXT_BLOCK];
};

int qv_topology_fail(const struct qv_topology *topology, uint32_t line, struct qv_error *err, const char *format, ...)
{
	char message[QV_ERROR_MESSAGE_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	if (!topology->name)
		return qv_fail(err, QV_E_INVALID, "topology: %s", message);
	return qv_fail(err, QV_E_CONFIG, "%s:%u: %s", topology->name, line ? line : 1, message);
}

static int no_memory(struct qv_error *err)
{
	return qv_fail(err, QV_E_NOMEM, "no memory for a topology");
}

struct qv_topology *qv_topology_new(struct qv_error *err)
{
	struct qv_topology *topology = calloc(1, sizeof *topology);
	if (!topology)
		no_memory(err);
	return topology;
}

void qv_topology_free(struct qv_topology *topology)
{
	if (!topology)
		return;
	while (topology->text) {
		struct topology_text *text = topology->text;
		topology->text = text->next;
		free(text);
	}
	if (topology->in.arcs != topology->out.arcs) {
		free(topology->in.starts);
		free(topology->in.arcs);
	}
	free(topology->out.starts);
	free(topology->out.arcs);
	free(topology->kmes);
	free(topology->links);
	free(topology->name);
	free(topology);
}

static const char *keep_text(struct qv_topology *topology, const char *id, size_t size)
{
	struct topology_text *text = topology->text;
	if (!text || TEXT_BLOCK - text->used < size) {
		text = malloc(sizeof *text);
		if (!text)
			return NULL;
		text->next = topology->text;
		text->used = 0;
		topology->text = text;
	}
	char *kept = text->bytes + text->used;
	memcpy(kept, id, size);
	text->used += size;
	return kept;
}

/* Room for one more entry of `size` bytes. */
static int grow(void **entries, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return 0;
	size_t wanted = *room ? *room * 2 : 16;
	void *grown = reallocarray(*entries, wanted, size);
	if (!grown)
		return -1;
	*entries = grown;
	*room = wanted;
	return 0;
}

/* UTF-8 is not looked into: only what would spoil a message or a log is refused. */
static bool good_id(const char *id)
{
	size_t length = strnlen(id, QV_TOPOLOGY_ID_MAX + 1);
	if (length == 0 || length > QV_TOPOLOGY_ID_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)id[i] < ' ' || id[i] == 0x7f)
			return false;
	return true;
}

uint32_t qv_topology_add_kme(struct qv_topology *topology, const struct qv_topology_kme *kme, struct qv_error *err)
{
	void *entries = topology->kmes;
	if (topology->finished || topology->link_count) {
		qv_topology_fail(topology, kme->line, err, "KMEs are added before links");
		return QV_TOPOLOGY_NONE;
	}
	if (!kme->id || !good_id(kme->id)) {
		qv_topology_fail(topology, kme->line, err, "a KME ID has 1 to %d bytes and no control characters",
				 QV_TOPOLOGY_ID_MAX);
		return QV_TOPOLOGY_NONE;
	}
	if (topology->kme_count >= QV_TOPOLOGY_KMES_MAX) {
		qv_topology_fail(topology, kme->line, err, "more than %u KMEs", QV_TOPOLOGY_KMES_MAX);
		return QV_TOPOLOGY_NONE;
	}
	const char *id = keep_text(topology, kme->id, strlen(kme->id) + 1);
	if (!id || grow(&entries, &topology->kme_room, topology->kme_count, sizeof *kme) != 0) {
		no_memory(err);
		return QV_TOPOLOGY_NONE;
	}
	topology->kmes = entries;
	topology->kmes[topology->kme_count] = *kme;
	topology->kmes[topology->kme_count].id = id;
	return topology->kme_count++;
}

int qv_topology_add_link(struct qv_topology *topology, const struct qv_topology_link *link, struct qv_error *err)
{
	void *entries = topology->links;
	if (topology->finished || link->from >= topology->kme_count || link->to >= topology->kme_count)
		return qv_topology_fail(topology, link->line, err, "a link that names no KME of this topology");
	if (link->from == link->to)
		return qv_topology_fail(topology, link->line, err, "a link joins KME \"%s\" with itself",
					topology->kmes[link->from].id);
	if (topology->link_count >= QV_TOPOLOGY_LINKS_MAX)
		return qv_topology_fail(topology, link->line, err, "more than %u links", QV_TOPOLOGY_LINKS_MAX);
	if (grow(&entries, &topology->link_room, topology->link_count, sizeof *link) != 0)
		return no_memory(err);
	topology->links = entries;
	topology->links[topology->link_count++] = *link;
	return 0;
}

static int by_ends(const void *a, const void *b)
{
	const struct qv_topology_link *x = a, *y = b;
	uint32_t x_low = x->from < x->to ? x->from : x->to, x_high = x->from ^ x->to ^ x_low;
	uint32_t y_low = y->from < y->to ? y->from : y->to, y_high = y->from ^ y->to ^ y_low;
	if (x_low != y_low)
		return x_low < y_low ? -1 : 1;
	return x_high < y_high ? -1 : x_high > y_high;
}

static int sort_links(struct qv_topology *topology, struct qv_error *err)
{
	struct qv_topology_link *links = topology->links;
	if (topology->link_count)
		qsort(links, topology->link_count, sizeof *links, by_ends);
	for (uint32_t i = 1; i < topology->link_count; i++) {
		if (by_ends(&links[i - 1], &links[i]) != 0)
			continue;
		uint32_t first = links[i - 1].line < links[i].line ? links[i - 1].line : links[i].line;
		uint32_t second = links[i - 1].line ^ links[i].line ^ first;
		return qv_topology_fail(topology, second, err,
					"the link between \"%s\" and \"%s\" is there twice, first in line %u; one link "
					"serves both ways",
					topology->kmes[links[i].from].id, topology->kmes[links[i].to].id, first);
	}
	return 0;
}

/* Counting sort of the links' ends. Links are sorted by their ends, so each KME's steps come in the order of KMEs but for
 * those toward lower numbers, which are laid down first. */
static int build_steps(struct qv_topology *topology, struct topology_steps *steps, bool inward, struct qv_error *err)
{
	uint32_t kmes = topology->kme_count;
	steps->starts = calloc((size_t)kmes + 2, sizeof *steps->starts);
	steps->arcs = calloc((size_t)topology->link_count * 2 + 1, sizeof *steps->arcs);
	if (!steps->starts || !steps->arcs)
		return no_memory(err);
	size_t *at = steps->starts + 1; /* shifted by one, so that after filling each is where it belongs */
	for (uint32_t i = 0; i < topology->link_count; i++) {
		const struct qv_topology_link *link = &topology->links[i];
		if (!link->one_way || !inward)
			at[link->from + 1]++;
		if (!link->one_way || inward)
			at[link->to + 1]++;
	}
	for (uint32_t i = 0; i < kmes; i++)
		at[i + 1] += at[i];
	for (int upward = 0; upward <= 1; upward++)
		for (uint32_t i = 0; i < topology->link_count; i++) {
			const struct qv_topology_link *link = &topology->links[i];
			uint32_t low = link->from < link->to ? link->from : link->to;
			uint32_t high = link->from ^ link->to ^ low;
			uint32_t here = upward ? low : high, there = upward ? high : low;
			uint32_t start = inward ? there : here; /* of the hop that this step stands for */
			if (!link->one_way || link->from == start)
				steps->arcs[at[here]++] = (struct qv_topology_arc){ there, i };
		}
	return 0;
}

int qv_topology_finish(struct qv_topology *topology, struct qv_error *err)
{
	bool one_way = false;
	if (topology->finished)
		return qv_topology_fail(topology, 0, err, "finished twice");
	if (topology->kme_count == 0)
		return qv_topology_fail(topology, 0, err, "it has no KMEs");
	if (qv_topology_sort_kmes(topology, err) != 0 || sort_links(topology, err) != 0 ||
	    build_steps(topology, &topology->out, false, err) != 0)
		return -1;
	for (uint32_t i = 0; i < topology->link_count && !one_way; i++)
		one_way = topology->links[i].one_way;
	if (!one_way)
		topology->in = topology->out;
	else if (build_steps(topology, &topology->in, true, err) != 0)
		return -1;
	topology->finished = true;
	return 0;
}
