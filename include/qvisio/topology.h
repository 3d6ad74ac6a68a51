/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network of KMEs and the QKD links between them, as compact adjacency. A link yields the same secret bits at both ends,
 * so it carries shares both ways unless it is marked one_way. Finished, a topology only changes by its marks: any number
 * of threads may read it as long as nobody changes these.
 *
 * KMEs are numbered from 0 in the order of their IDs (runs of digits by their value: "2" before "10"), links by the
 * numbers of their ends: whatever the order in the file, the same network has the same numbers everywhere.
 */
#ifndef QVISIO_TOPOLOGY_H
#define QVISIO_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_TOPOLOGY_KMES_MAX  (1u << 24)
#define QV_TOPOLOGY_LINKS_MAX (1u << 26)
#define QV_TOPOLOGY_FILE_MAX  (128u * 1024 * 1024) /* bytes */
#define QV_TOPOLOGY_ID_MAX    255                  /* bytes of a KME ID, UTF-8 without control characters */
#define QV_TOPOLOGY_NONE      UINT32_MAX

enum qv_topology_mark {
	QV_TOPOLOGY_DOWN = 1,       /* passes nothing on */
	QV_TOPOLOGY_COMPROMISED = 2 /* an adversary knows what passes */
};

struct qv_topology_kme {
	const char *id;
	double x, y;   /* where to draw it, in no unit */
	bool placed;   /* x and y were given */
	uint8_t marks; /* enum qv_topology_mark */
	uint32_t line; /* in the file; 0: none */
};

struct qv_topology_link {
	uint32_t from, to; /* KMEs */
	uint8_t marks;
	bool one_way;      /* routes take it only from `from` to `to` */
	uint64_t capacity; /* secret bits per second; 0: not given */
	uint32_t line;
};

/* One step from a KME: over which link, and to which KME. */
struct qv_topology_arc {
	uint32_t kme, link;
};

/* The steps of one KME, ordered by KME. */
struct qv_topology_arcs {
	const struct qv_topology_arc *arcs;
	size_t count;
};

struct qv_topology;

/*
 * Reads a topology in libconfig syntax:
 *
 *     kmes: ( 1, 2, { id = "KME-PARIS"; position = [2.3, 48.9]; }, { id = 4; compromised = true; down = true; } );
 *     links: ( { from = 1; to = [2, 4]; capacity = 100000; }, { from = 2; to = "KME-PARIS"; one_way = true; } );
 *
 * QV_E_CONFIG with "file:line: …" for unknown settings, KMEs that are unknown or there twice, links that are there twice or
 * join a KME with itself; QV_E_IO. Files may not include others.
 */
struct qv_topology *qv_topology_load(const char *path, struct qv_error *err);
/* The same from text; `name` stands for the file in messages. */
struct qv_topology *qv_topology_parse(const char *text, const char *name, struct qv_error *err);
void qv_topology_free(struct qv_topology *topology); /* NULL is fine */

/*
 * Or build one: add all KMEs, then all links (their from and to are what add_kme returned), then finish, which numbers them
 * anew. `id` is copied. add_kme gives QV_TOPOLOGY_NONE and add_link and finish -1 with QV_E_INVALID or QV_E_NOMEM.
 */
struct qv_topology *qv_topology_new(struct qv_error *err);
uint32_t qv_topology_add_kme(struct qv_topology *topology, const struct qv_topology_kme *kme, struct qv_error *err);
int qv_topology_add_link(struct qv_topology *topology, const struct qv_topology_link *link, struct qv_error *err);
int qv_topology_finish(struct qv_topology *topology, struct qv_error *err);

/* All of these want a finished topology and numbers in range. What they return lives as long as the topology. */
uint32_t qv_topology_kmes(const struct qv_topology *topology);
uint32_t qv_topology_links(const struct qv_topology *topology);
const struct qv_topology_kme *qv_topology_kme(const struct qv_topology *topology, uint32_t kme);
const struct qv_topology_link *qv_topology_link(const struct qv_topology *topology, uint32_t link);
struct qv_topology_arcs qv_topology_out(const struct qv_topology *topology, uint32_t kme);
struct qv_topology_arcs qv_topology_in(const struct qv_topology *topology, uint32_t kme);
/* QV_TOPOLOGY_NONE if there is none. link: between the two, whichever way. */
uint32_t qv_topology_find(const struct qv_topology *topology, const char *id);
uint32_t qv_topology_find_link(const struct qv_topology *topology, uint32_t a, uint32_t b);
/* As find, and QV_E_NOT_FOUND names the network and what it holds. */
uint32_t qv_topology_need(const struct qv_topology *topology, const char *id, struct qv_error *err);

void qv_topology_mark_kme(struct qv_topology *topology, uint32_t kme, uint8_t marks);
void qv_topology_mark_link(struct qv_topology *topology, uint32_t link, uint8_t marks);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
