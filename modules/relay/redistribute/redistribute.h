/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of relay module "redistribute" share. doc/relay.md says what it does and why it holds. */
#ifndef RELAY_REDISTRIBUTE_H
#define RELAY_REDISTRIBUTE_H

#include <qvisio/relay.h>
#include <qvisio/route.h>

#define MEMBERS_MAX  255
#define GROUPS_MAX   4096
#define GROUPS_SPARE 64 /* with so many groups no further alternatives are added */
#define LABEL_MAX    2048
#define SET_BYTES    32 /* a bit for each contributor */
#define HEAD_FIXED   3
#define NONE         UINT32_MAX

enum group_kind {
	GROUP_DEAL,  /* its members hold what the origin split */
	GROUP_FOLD,  /* each contributor splits its share over the members, who fold what they got into one share */
	GROUP_CARRY, /* each member holds the share of one contributor, as it was */
	GROUP_GATHER /* the destination, which collects */
};

/* KMEs that hold a sharing of the keys: any t of the n members' shares rebuild them. */
struct group {
	enum group_kind kind;
	uint32_t parent; /* group; NONE: the origin */
	uint32_t first_child, children;
	unsigned n, t;
	uint32_t *members;          /* KMEs in their order */
	uint8_t *x;                 /* the share point of each member */
	unsigned contributor_count; /* members of the parent that this one gets shares from; of a carrying group: n */
	uint8_t *contributors;      /* as places among the parent's members, in their order; carry: of each member */
	size_t label_size;          /* of the members' shares: which contributors every folding up to here took */
	size_t first_place;         /* its members among those of all groups */
	bool alive;                 /* leads to the destination */
};

struct qv_relay {
	struct qv_route_options routes;
	uint32_t alternatives; /* groups that a group redistributes to at most */
};

struct qv_relay_plan {
	const struct qv_topology *topology;
	struct qv_route_plan *routes;
	uint32_t from, to;
	struct group *groups;
	uint32_t group_count;
	size_t places; /* members of all groups */
	struct qv_relay_facts facts;
};

/* Appends the groups that `parent` hands its sharing on to. */
int groups_continue(const struct qv_relay *relay, struct qv_relay_plan *plan, uint32_t parent, struct qv_error *err);
/* Appends one; its arrays have room for `n` members and `contributors`. NULL with err. */
struct group *group_add(struct qv_relay_plan *plan, enum group_kind kind, uint32_t parent, unsigned n,
			unsigned contributors, struct qv_error *err);

/* The KME that contributor `position` of a group is; `member` matters only where shares are carried. */
uint32_t group_contributor(const struct qv_relay_plan *plan, const struct group *group, unsigned member,
			   unsigned position);
/* How many contributions a member of the group waits for. */
unsigned group_awaits(const struct group *group);
/* The place of a KME among the members, or -1. */
int group_place(const struct group *group, uint32_t kme);

/*
 * Which contributors a member folds: of those that came, in an order that `attempt` turns, the first t that hold shares
 * of one sharing (equal labels). All members that miss nobody before the last of these choose the same, without a word
 * between them. Fills `chosen` with t positions. False: none can be chosen, or one that is missing may yet change it.
 */
struct choice {
	unsigned count, needed; /* contributors, and how many of them it takes */
	uint8_t attempt;
	bool final; /* no more will come */
	const bool *came;
	const uint16_t *labels; /* of those that came: equal numbers for equal labels */
};
bool choose_contributors(const struct choice *choice, uint8_t *chosen);

struct qv_relay_plan *redistribute_plan(struct qv_relay *relay, const struct qv_topology *topology, uint32_t from,
					uint32_t to, struct qv_error *err);
void redistribute_plan_free(struct qv_relay_plan *plan);
void redistribute_load(const struct qv_relay_plan *plan, double *messages);
double redistribute_effort(const struct qv_relay_plan *plan); /* of one judgement */
size_t redistribute_scratch(const struct qv_relay_plan *plan);
void redistribute_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
			struct qv_relay_verdict *verdict);

/* One KME's part in one group. */
struct part {
	uint32_t group;
	unsigned member;
	bool done;
	unsigned received;
	bool *came;
	uint8_t *labels;          /* of each contributor's share, label_size of the parent */
	struct qv_secret *shares; /* of the contributors */
};

struct qv_relay_node {
	const struct qv_relay_plan *plan;
	uint32_t self;
	uint8_t attempt;
	bool was_split;
	size_t bytes;
	size_t part_count;
	struct part *parts;
	struct qv_secret *work; /* a folded share, and what a splitting makes */
};

/* Numbers the labels of what came: equal ones get equal numbers. */
void part_number_labels(const struct qv_relay_node *node, const struct part *part, uint16_t *numbers);
int redistribute_rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
			 struct qv_error *err);
/* Whether a sharing has enough shares at the destination. */
bool redistribute_possible(const struct qv_relay_node *node);

#endif
