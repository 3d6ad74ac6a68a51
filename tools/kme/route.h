/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How keys get to another KME. A leg is the way of an issue's keys to all of its slaves at one KME; a route is a kind of
 * way, and the value of the extension qvisio_route.
 */
#ifndef KME_ROUTE_H
#define KME_ROUTE_H

#include "body.h"
#include "issue.h"

struct relayed; /* relay/origin.c */
struct route;

struct leg {
	struct issue *issue;
	struct peer *peer;
	const struct route *route;
	char **slaves; /* SAE IDs; the array is owned, they are not */
	size_t slave_count;
	char request[UUID_TEXT]; /* names what is asked of that KME; another one for each attempt */
	bool activated;          /* the KME has promised the keys to the slaves */
	/* The route's own. */
	char **labels; /* owned: link keys that are reserved under `request`, or were */
	size_t label_count;
	struct qv_secret *link_keys; /* owned */
	struct relayed *relayed;     /* owned */
};

/* Called on the thread of the request, in this order. A failure has undone, now or later, what its leg had done. */
struct route {
	const char *name;
	enum route_choice choice;

	/* Whether SAEs of that KME can be reached so. */
	bool (*serves)(const struct kme *kme, const struct peer *peer);

	/*
	 * Optional: issues keys that it makes itself out of what both KMEs have: fills issue->keys and activates them. Called
	 * instead of the others when there is one leg. What it holds reserved under leg->request is finished by the caller.
	 */
	int (*derive)(struct kme *kme, struct leg *leg, struct qv_error *err);

	/* Takes what bringing issue->keys there needs, and asks whether they can come. Changes nothing there. */
	int (*prepare)(struct kme *kme, struct leg *leg, struct qv_error *err);

	/* Brings the keys there: when it returns 0, they are promised to the slaves, durably. */
	int (*activate)(struct kme *kme, struct leg *leg, struct qv_error *err);

	/* Takes back a leg that was prepared, or activated, because another leg failed. */
	void (*abandon)(struct kme *kme, struct leg *leg);
};

extern const struct route route_direct;  /* by the QKD link that both KMEs share */
extern const struct route route_relayed; /* in shares, by other KMEs */

void relayed_free(struct relayed *relayed); /* NULL is fine */

/* The first route that serves, and is the one that is wanted (ROUTE_NONE: any). NULL: there is none. */
const struct route *route_find(const struct kme *kme, const struct peer *peer, enum route_choice wanted);

/* Frees what the leg owns. */
void leg_clear(struct leg *leg);

#endif
