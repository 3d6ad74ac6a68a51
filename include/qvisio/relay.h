/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "relay": brings keys from one KME to another that it shares no QKD link with, as shares over the KMEs between.
 *
 * A module is computation only: it has no input or output, no clock and no threads. The same code runs in the simulator
 * and in a KME:
 *
 *   plan     what every KME does for keys from one KME to another. All KMEs compute it from the same topology; digests
 *            of plans that differ differ.
 *   node     the part of one KME in one session: the origin splits, relays take messages and send others, the
 *            destination collects and rebuilds. Memory is bounded by the plan and the session's size.
 *
 * The host carries each message over one hop, encrypted and authenticated with link keys, tells the node of each message
 * that has come, says when waiting is over (expire), and has the ends confirm to each other that they hold the same keys:
 * a module corrects altered shares as far as its plan allows, but no code can tell a key from what enough altered shares
 * agree on.
 *
 * A message is a head, which is public, and a share, which is secret and exactly as long as all keys of the session.
 * Heads come from the network: a node refuses what its plan does not expect. Any number of threads may use one plan; one
 * thread at a time uses a node. The topology outlives its plans, a plan its nodes, the module its plans.
 */
#ifndef QVISIO_RELAY_H
#define QVISIO_RELAY_H

#include <qvisio/generator.h>
#include <qvisio/module.h>
#include <qvisio/secret.h>
#include <qvisio/topology.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_RELAY_ABI_MAJOR 1
#define QV_RELAY_ABI_MINOR 0

#define QV_RELAY_BYTES_MAX    65536 /* of all keys of a session */
#define QV_RELAY_KEYS_MAX     2048  /* of a session */
#define QV_RELAY_HEAD_MAX     4096  /* bytes */
#define QV_RELAY_SESSION_SIZE 16    /* bytes of a session's ID */
#define QV_RELAY_DIGEST_SIZE  8
#define QV_RELAY_TEXT_MAX     512

struct qv_relay;
struct qv_relay_plan;
struct qv_relay_node;

/* What a plan costs and gives. */
struct qv_relay_facts {
	uint8_t digest[QV_RELAY_DIGEST_SIZE];
	double messages;              /* over all hops, for a session of any size */
	uint32_t hops;                /* on the longest way: a node waits longer the farther it is from the origin */
	size_t slots;                 /* shares that one KME may have to hold at a time, the destination included */
	uint32_t tolerance;           /* so many KMEs, whichever, may be lost, and the keys still arrive */
	uint32_t privacy;             /* so many KMEs, whichever, may be compromised, and learn nothing */
	size_t scratch;               /* bytes of work space of judge */
	double effort;                /* of one judge, in links that a simple one looks at; 0: as many as are used */
	char text[QV_RELAY_TEXT_MAX]; /* the same for people, one line */
};

/* What all KMEs of a session must know of it alike. */
struct qv_relay_session {
	uint16_t keys;      /* 1 to QV_RELAY_KEYS_MAX */
	uint16_t key_bytes; /* of each, 1 to …; keys * key_bytes <= QV_RELAY_BYTES_MAX */
	uint8_t attempt;    /* 0 at first; after a failure another number may take a module past what it failed on */
};

struct qv_relay_message {
	const uint8_t *head;
	size_t head_size;
	const uint8_t *share; /* secret; keys * key_bytes */
	size_t share_size;
};

/* Takes what a node sends; the message is valid during the call only. -1 with err ends the node's call with it. */
struct qv_relay_send {
	int (*message)(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
		       struct qv_error *err);
};

/* What the state of a node is after a call. */
enum qv_relay_progress {
	QV_RELAY_WAITING = 0,  /* for more messages */
	QV_RELAY_POSSIBLE = 1, /* at the destination: enough to rebuild from, if all are right; more may come */
	QV_RELAY_DONE = 2      /* no further message is expected; a relay has nothing left to do */
};

/*
 * Is told by rebuild of shares that were wrong: the share came over these KMEs, one after the other, and one of them or
 * of the links between altered it. Optional.
 */
struct qv_relay_report {
	void (*wrong)(struct qv_relay_report *report, const uint32_t *kmes, size_t count);
};

/*
 * 64 states of the network at once, for judge: bit i of each word is about state i. <qvisio/tally.h> counts in such words.
 */
struct qv_relay_marks {
	uint64_t down;        /* passes nothing on */
	uint64_t compromised; /* an adversary sees what passes */
};

struct qv_relay_state {
	const struct qv_relay_marks *kmes, *links; /* of each */
};

struct qv_relay_verdict {
	uint64_t delivered; /* what is not down follows the protocol: the destination rebuilds the keys */
	uint64_t learned;   /* who sees all that passes what is compromised can compute the keys */
};

struct qv_relay_class {
	struct qv_class head;

	struct qv_relay *(*open)(const struct qv_host *host, const struct qv_options *options,
				 struct qv_error *err); /* required */
	void (*close)(struct qv_relay *relay);          /* required; NULL is fine */

	/*
	 * Required. The plan from one KME to another. QV_E_INVALID and QV_E_NOT_FOUND as qv_route_plan_new; QV_E_UNSUPPORTED:
	 * the network cannot give what the options ask for, or only at a cost above their limits; says what it can give.
	 */
	struct qv_relay_plan *(*plan)(struct qv_relay *relay, const struct qv_topology *topology, uint32_t from,
				      uint32_t to, struct qv_error *err);
	void (*plan_free)(struct qv_relay_plan *plan); /* required; NULL is fine */

	/* Required. Lives as long as the plan. */
	const struct qv_relay_facts *(*facts)(const struct qv_relay_plan *plan);

	/*
	 * Required. Messages that cross each link when all goes well, into an array with two entries for each link: at
	 * 2 * link those from its `from` to its `to`, at 2 * link + 1 those the other way.
	 */
	void (*load)(const struct qv_relay_plan *plan, double *messages);

	/* Required. QV_E_INVALID: `self` has no part in the plan, or a session out of range; QV_E_NOMEM. */
	struct qv_relay_node *(*begin)(const struct qv_relay_plan *plan, uint32_t self,
				       const struct qv_relay_session *session, struct qv_error *err);
	void (*end)(struct qv_relay_node *node); /* required; wipes; NULL is fine */

	/*
	 * Required. At the origin, once: sends the first shares of the keys, laid end to end. `generator` NULL: the
	 * thread's own. 0 or -1; after -1 the session is over.
	 */
	int (*split)(struct qv_relay_node *node, struct qv_generator *generator, const uint8_t *keys, size_t size,
		     struct qv_relay_send *send, struct qv_error *err);

	/*
	 * Required. A message from the neighbour `from`. enum qv_relay_progress; -1 with QV_E_PROTOCOL for a message that
	 * the plan does not expect from there, or that came before: nothing has changed, and the session goes on. Other
	 * errors end it.
	 */
	int (*receive)(struct qv_relay_node *node, struct qv_generator *generator, uint32_t from,
		       const struct qv_relay_message *message, struct qv_relay_send *send, struct qv_error *err);

	/* Required. Waiting is over: a relay sends what it can make of what has come. enum qv_relay_progress or -1. */
	int (*expire)(struct qv_relay_node *node, struct qv_generator *generator, struct qv_relay_send *send,
		      struct qv_error *err);

	/*
	 * Required. At the destination: the keys, of keys * key_bytes bytes, from what has come so far; may be tried again
	 * after more. `report` may be NULL. QV_E_NO_KEY: too few shares; QV_E_PROTOCOL: they contradict each other beyond
	 * what can be corrected. `keys` is then all zeros.
	 */
	int (*rebuild)(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
		       struct qv_error *err);

	/*
	 * Optional. What becomes of a session in each state, without running it, in time linear in the plan. The origin and
	 * the destination count as neither down nor compromised. `scratch` has facts->scratch bytes, for any values.
	 */
	void (*judge)(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
		      struct qv_relay_verdict *verdict);
};

const struct qv_relay_class *qv_relay_class(const struct qv_class *class);

/* Checks a session's bounds: QV_E_INVALID. */
int qv_relay_session_check(const struct qv_relay_session *session, struct qv_error *err);

/*
 * A message on its way over one hop, as doc/PROTOCOL.md has it: the envelope in front of the share. Texts and heads point
 * into the bytes that were parsed.
 */
struct qv_relay_envelope {
	uint8_t id[QV_RELAY_SESSION_SIZE]; /* of the session, random */
	struct qv_relay_session session;
	uint8_t digest[QV_RELAY_DIGEST_SIZE]; /* of the origin's plan */
	const char *module, *from, *to; /* name of the relay module, KME IDs of origin and destination; not ended */
	size_t module_size, from_size, to_size;
	const uint8_t *head;
	size_t head_size;
};

/* Bytes that the envelope takes. */
size_t qv_relay_envelope_size(const struct qv_relay_envelope *envelope);
/* Writes it; QV_E_INVALID: out of bounds, or no room. Returns its size. */
int qv_relay_envelope_write(const struct qv_relay_envelope *envelope, uint8_t *bytes, size_t room,
			    struct qv_error *err);
/* Reads one from hostile bytes. Returns its size: what follows is the share. -1 with QV_E_PROTOCOL. */
int qv_relay_envelope_read(struct qv_relay_envelope *envelope, const uint8_t *bytes, size_t size, struct qv_error *err);

/*
 * For modules: what a plan is, in a digest, so that KMEs with different topologies notice. It is no protection from anybody
 * who makes a topology for the purpose (64-bit FNV-1a). Add what differs between plans; the ends and the module come first.
 */
struct qv_relay_digest {
	uint64_t state;
};
void qv_relay_digest_begin(struct qv_relay_digest *digest, const char *module, const struct qv_topology *topology,
			   uint32_t from, uint32_t to);
void qv_relay_digest_number(struct qv_relay_digest *digest, uint64_t number);
void qv_relay_digest_kme(struct qv_relay_digest *digest, const struct qv_topology *topology, uint32_t kme);
void qv_relay_digest_end(struct qv_relay_digest *digest, uint8_t *bytes);

/*
 * For modules: fills tolerance and privacy of `facts` by judging all sets of the given KMEs, smallest first, as long as
 * there are not too many; facts->scratch is set. QV_E_NOMEM.
 */
struct qv_relay_trial {
	const struct qv_relay_plan *plan;
	void (*judge)(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
		      struct qv_relay_verdict *verdict);
	const struct qv_topology *topology;
	const uint32_t *kmes; /* between the ends */
	size_t count;
};
int qv_relay_try_limits(const struct qv_relay_trial *trial, struct qv_relay_facts *facts, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
