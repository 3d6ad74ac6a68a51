/* SPDX-License-Identifier: Apache-2.0 */
/* KMEs in the order of their IDs. */
#include "topology.h"

#include <stdlib.h>
#include <string.h>

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

int qv_topology_compare_ids(const char *a, const char *b)
{
	const char *x = a, *y = b;
	while (*x && *y) {
		if (!digit(*x) || !digit(*y)) {
			if (*x != *y)
				return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
			x++;
			y++;
			continue;
		}
		x += strspn(x, "0");
		y += strspn(y, "0");
		size_t x_digits = strspn(x, "0123456789"), y_digits = strspn(y, "0123456789");
		if (x_digits != y_digits)
			return x_digits < y_digits ? -1 : 1;
		int order = memcmp(x, y, x_digits);
		if (order != 0)
			return order;
		x += x_digits;
		y += y_digits;
	}
	if (*x || *y)
		return *x ? 1 : -1;
	return strcmp(a, b);
}

struct ranked {
	const char *id;
	uint32_t number;
};

static int by_id(const void *a, const void *b)
{
	return qv_topology_compare_ids(((const struct ranked *)a)->id, ((const struct ranked *)b)->id);
}

static int check_twice(const struct qv_topology *topology, const struct ranked *a, const struct ranked *b,
		       struct qv_error *err)
{
	if (by_id(a, b) != 0)
		return 0;
	uint32_t one = topology->kmes[a->number].line, other = topology->kmes[b->number].line;
	uint32_t first = one < other ? one : other;
	return qv_topology_fail(topology, one ^ other ^ first, err, "KME \"%s\" is there twice, first in line %u",
				a->id, first);
}

static void renumber(struct qv_topology *topology, const struct ranked *ranked, struct qv_topology_kme *kmes,
		     uint32_t *numbers)
{
	for (uint32_t i = 0; i < topology->kme_count; i++) {
		kmes[i] = topology->kmes[ranked[i].number];
		numbers[ranked[i].number] = i;
	}
	for (uint32_t i = 0; i < topology->link_count; i++) {
		topology->links[i].from = numbers[topology->links[i].from];
		topology->links[i].to = numbers[topology->links[i].to];
	}
	free(topology->kmes);
	topology->kmes = kmes;
	topology->kme_room = topology->kme_count;
}

int qv_topology_sort_kmes(struct qv_topology *topology, struct qv_error *err)
{
	uint32_t count = topology->kme_count;
	struct ranked *ranked = calloc(count, sizeof *ranked);
	struct qv_topology_kme *kmes = calloc(count, sizeof *kmes);
	uint32_t *numbers = calloc(count, sizeof *numbers);
	int result = ranked && kmes && numbers ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for a topology");
	bool sorted = true;
	for (uint32_t i = 0; i < count && result == 0; i++) {
		ranked[i] = (struct ranked){ topology->kmes[i].id, i };
		sorted = sorted && (i == 0 || by_id(&ranked[i - 1], &ranked[i]) <= 0);
	}
	if (result == 0 && !sorted)
		qsort(ranked, count, sizeof *ranked, by_id);
	for (uint32_t i = 1; i < count && result == 0; i++)
		result = check_twice(topology, &ranked[i - 1], &ranked[i], err);
	if (result == 0) {
		renumber(topology, ranked, kmes, numbers);
		kmes = NULL;
	}
	free(ranked);
	free(kmes);
	free(numbers);
	return result;
}
