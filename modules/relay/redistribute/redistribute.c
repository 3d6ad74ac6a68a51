/* SPDX-License-Identifier: Apache-2.0 */
/* Relay module "redistribute": each KME folds the sub-shares it gets into one share, and splits that one on. */
#include <config.h>

#include "redistribute.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/shamir.h>

static const struct qv_option options[] = {
	{ .name = "alternatives",
	  .type = QV_OPTION_INT,
	  .fallback = "4",
	  .min = 1,
	  .max = 16,
	  .unit = "groups",
	  .help = "Where not all KMEs of a step are linked with all of the next, groups of these that the keys are "
		  "handed on to "
		  "at most, each as a sharing of its own: more tolerate more losses and take more messages." },
	{ .name = "max_next",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = MEMBERS_MAX,
	  .unit = "KMEs",
	  .help = "Next hops that a KME splits over at most; 0: all." },
	{ .name = NULL },
};

static void close_relay(struct qv_relay *relay)
{
	free(relay);
}

static struct qv_relay *open_relay(const struct qv_host *host, const struct qv_options *given, struct qv_error *err)
{
	(void)host;
	struct qv_relay *relay = calloc(1, sizeof *relay);
	if (!relay) {
		qv_fail(err, QV_E_NOMEM, "no memory for a relay module");
		return NULL;
	}
	relay->alternatives = (uint32_t)qv_options_int(given, "alternatives");
	relay->routes.max_next = (uint32_t)qv_options_int(given, "max_next");
	return relay;
}

static const struct qv_relay_facts *facts(const struct qv_relay_plan *plan)
{
	return &plan->facts;
}

static void end(struct qv_relay_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->part_count; i++) {
		free(node->parts[i].came);
		free(node->parts[i].labels);
		qv_secret_free(node->parts[i].shares);
	}
	free(node->parts);
	qv_secret_free(node->work);
	free(node);
}

static size_t parent_label_size(const struct qv_relay_plan *plan, const struct group *group)
{
	return group->parent == NONE ? 0 : plan->groups[group->parent].label_size;
}

static int add_part(struct qv_relay_node *node, uint32_t index, unsigned member, struct qv_error *err)
{
	const struct group *group = &node->plan->groups[index];
	struct part *part = &node->parts[node->part_count++];
	unsigned awaits = group_awaits(group);
	*part = (struct part){ .group = index, .member = member };
	part->came = calloc(awaits, sizeof *part->came);
	part->labels = calloc(awaits * parent_label_size(node->plan, group) + 1, 1);
	if (!part->came || !part->labels)
		return qv_fail(err, QV_E_NOMEM, "no memory for a relay session");
	unsigned most = awaits > group->n ? awaits : group->n + 1;
	if (most * node->bytes > QV_SECRET_MAX)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "relay redistribute: %u shares of %zu bytes are more than fit into locked memory: "
			       "use smaller batches",
			       most, node->bytes);
	return 0;
}

static int add_parts(struct qv_relay_node *node, struct qv_error *err)
{
	const struct qv_relay_plan *plan = node->plan;
	size_t count = 0;
	for (uint32_t i = 0; i < plan->group_count; i++)
		count += plan->groups[i].alive && group_place(&plan->groups[i], node->self) >= 0;
	if (count == 0 && node->self != plan->from)
		return qv_fail(err, QV_E_INVALID, "relay redistribute: this KME has no part in the plan");
	node->parts = calloc(count + 1, sizeof *node->parts);
	if (!node->parts)
		return qv_fail(err, QV_E_NOMEM, "no memory for a relay session");
	for (uint32_t i = 0; i < plan->group_count; i++) {
		int place = plan->groups[i].alive ? group_place(&plan->groups[i], node->self) : -1;
		if (place >= 0 && add_part(node, i, (unsigned)place, err) != 0)
			return -1;
	}
	return 0;
}

static struct qv_relay_node *begin(const struct qv_relay_plan *plan, uint32_t self,
				   const struct qv_relay_session *session, struct qv_error *err)
{
	if (qv_relay_session_check(session, err) != 0)
		return NULL;
	struct qv_relay_node *node = calloc(1, sizeof *node);
	if (!node) {
		qv_fail(err, QV_E_NOMEM, "no memory for a relay session");
		return NULL;
	}
	node->plan = plan;
	node->self = self;
	node->attempt = session->attempt;
	node->bytes = (size_t)session->keys * session->key_bytes;
	if (add_parts(node, err) == 0)
		return node;
	end(node);
	return NULL;
}

static int send_share(const struct qv_relay_node *node, uint32_t group, unsigned member, unsigned position,
		      const uint8_t *label, size_t label_size, const uint8_t *share, struct qv_relay_send *send,
		      struct qv_error *err)
{
	uint8_t head[HEAD_FIXED + LABEL_MAX] = { (uint8_t)(group >> 8), (uint8_t)group, (uint8_t)position };
	if (label && label_size)
		memcpy(head + HEAD_FIXED, label, label_size);
	const struct qv_relay_message message = { head, HEAD_FIXED + label_size, share, node->bytes };
	return send->message(send, node->plan->groups[group].members[member], &message, err);
}

/* Room for a folded share and for the shares of the widest splitting to come. */
static uint8_t *make_room(struct qv_relay_node *node, unsigned shares, struct qv_error *err)
{
	size_t size = ((size_t)shares + 1) * node->bytes;
	if (node->work && qv_secret_size(node->work) >= size)
		return qv_secret_edit(node->work);
	struct qv_secret *work = qv_secret_new(size, err);
	if (!work)
		return NULL;
	if (node->work)
		memcpy(qv_secret_edit(work), qv_secret_bytes(node->work), node->bytes);
	qv_secret_free(node->work);
	node->work = work;
	return qv_secret_edit(work);
}

/* Splits the folded share, which lies first in the work space, or the origin's keys, over the members of a group. */
static int deal(struct qv_relay_node *node, struct qv_generator *generator, uint32_t index, unsigned position,
		const uint8_t *label, const uint8_t *keys, struct qv_relay_send *send, struct qv_error *err)
{
	const struct group *group = &node->plan->groups[index];
	uint8_t *work = make_room(node, group->n, err), *shares[MEMBERS_MAX];
	if (!work)
		return -1;
	for (unsigned i = 0; i < group->n; i++)
		shares[i] = work + (i + 1) * node->bytes;
	int result =
		qv_shamir_split(generator, keys ? keys : work, node->bytes, group->t, group->x, group->n, shares, err);
	for (unsigned i = 0; i < group->n && result == 0; i++)
		result = send_share(node, index, i, position, label, parent_label_size(node->plan, group), shares[i],
				    send, err);
	return result;
}

/* Hands the share in the work space on to one group that may have a use for it. */
static int hand_on(struct qv_relay_node *node, struct qv_generator *generator, const struct part *part, uint32_t index,
		   const uint8_t *label, struct qv_relay_send *send, struct qv_error *err)
{
	const struct group *group = &node->plan->groups[index];
	size_t label_size = parent_label_size(node->plan, group);
	for (unsigned i = 0; i < group->contributor_count && group->alive; i++) {
		if (group->contributors[i] != part->member)
			continue;
		if (group->kind == GROUP_FOLD)
			return deal(node, generator, index, i, label, NULL, send, err);
		bool carried = group->kind == GROUP_CARRY;
		return send_share(node, index, carried ? i : 0, carried ? 0 : i, label, label_size,
				  qv_secret_bytes(node->work), send, err);
	}
	return 0;
}

static int hand_on_all(struct qv_relay_node *node, struct qv_generator *generator, const struct part *part,
		       const uint8_t *label, struct qv_relay_send *send, struct qv_error *err)
{
	const struct group *group = &node->plan->groups[part->group];
	for (uint32_t i = 0; i < group->children; i++)
		if (hand_on(node, generator, part, group->first_child + i, label, send, err) != 0)
			return -1;
	return 0;
}

/* Folds the chosen contributions and hands the share on. */
static int fold(struct qv_relay_node *node, struct qv_generator *generator, struct part *part, const uint8_t *chosen,
		struct qv_relay_send *send, struct qv_error *err)
{
	const struct group *group = &node->plan->groups[part->group], *parent = &node->plan->groups[group->parent];
	uint8_t x[MEMBERS_MAX], weights[MEMBERS_MAX], label[LABEL_MAX] = { 0 };
	const uint8_t *shares[MEMBERS_MAX];
	uint8_t *work = make_room(node, 0, err);
	if (!work)
		return -1;
	for (unsigned i = 0; i < parent->t; i++) {
		x[i] = parent->x[group->contributors[chosen[i]]];
		shares[i] = qv_secret_bytes(part->shares) + chosen[i] * node->bytes;
		label[parent->label_size + chosen[i] / 8] |= (uint8_t)(1u << chosen[i] % 8);
	}
	memcpy(label, part->labels + chosen[0] * parent->label_size, parent->label_size);
	if (qv_shamir_weights(x, parent->t, 0, weights, err) != 0)
		return -1;
	qv_shamir_fold(weights, shares, parent->t, node->bytes, work);
	part->done = true;
	return hand_on_all(node, generator, part, label, send, err);
}

static int try_fold(struct qv_relay_node *node, struct qv_generator *generator, struct part *part, bool final,
		    struct qv_relay_send *send, struct qv_error *err)
{
	const struct group *group = &node->plan->groups[part->group];
	uint16_t labels[MEMBERS_MAX];
	uint8_t chosen[MEMBERS_MAX];
	part_number_labels(node, part, labels);
	struct choice choice = { .count = group->contributor_count,
				 .needed = node->plan->groups[group->parent].t,
				 .attempt = node->attempt,
				 .final = final || part->received == group->contributor_count,
				 .came = part->came,
				 .labels = labels };
	if (choose_contributors(&choice, chosen))
		return fold(node, generator, part, chosen, send, err);
	part->done |= choice.final;
	return 0;
}

static int carry(struct qv_relay_node *node, struct qv_generator *generator, struct part *part,
		 const struct qv_relay_message *message, struct qv_relay_send *send, struct qv_error *err)
{
	uint8_t *work = make_room(node, 0, err);
	if (!work)
		return -1;
	memcpy(work, message->share, node->bytes);
	part->done = true;
	return hand_on_all(node, generator, part, message->head + HEAD_FIXED, send, err);
}

static int split(struct qv_relay_node *node, struct qv_generator *generator, const uint8_t *keys, size_t size,
		 struct qv_relay_send *send, struct qv_error *err)
{
	if (node->self != node->plan->from || size != node->bytes || node->was_split)
		return qv_fail(err, QV_E_INVALID, "relay redistribute: the origin splits all keys of a session, once");
	node->was_split = true;
	return deal(node, generator, 0, 0, NULL, keys, send, err);
}

static int progress(const struct qv_relay_node *node)
{
	bool done = true;
	for (size_t i = 0; i < node->part_count; i++)
		done = done && node->parts[i].done;
	if (done)
		return QV_RELAY_DONE;
	return node->self == node->plan->to && redistribute_possible(node) ? QV_RELAY_POSSIBLE : QV_RELAY_WAITING;
}

static struct part *find_part(const struct qv_relay_node *node, uint32_t group)
{
	for (size_t i = 0; i < node->part_count; i++)
		if (node->parts[i].group == group)
			return &node->parts[i];
	return NULL;
}

static int refuse(struct qv_error *err, const char *why)
{
	return qv_fail(err, QV_E_PROTOCOL, "relay redistribute: %s", why);
}

/* The part that a message is for and the contribution it is; NULL: it is refused. */
static struct part *place_message(const struct qv_relay_node *node, uint32_t from,
				  const struct qv_relay_message *message, unsigned *position, struct qv_error *err)
{
	const uint8_t *head = message->head;
	if (message->head_size < HEAD_FIXED || message->share_size != node->bytes) {
		refuse(err, "a message of a wrong size");
		return NULL;
	}
	struct part *part = find_part(node, (uint32_t)head[0] << 8 | head[1]);
	if (!part) {
		refuse(err, "a share for a group that this KME is not in");
		return NULL;
	}
	const struct group *group = &node->plan->groups[part->group];
	*position = head[2];
	if (*position >= group_awaits(group) || group_contributor(node->plan, group, part->member, *position) != from)
		refuse(err, "a share that does not come from that KME");
	else if (message->head_size != HEAD_FIXED + parent_label_size(node->plan, group))
		refuse(err, "a label of a wrong size");
	else if (part->came[*position])
		refuse(err, "a share that came before");
	else
		return part;
	return NULL;
}

static int keep(struct qv_relay_node *node, struct part *part, unsigned position,
		const struct qv_relay_message *message, struct qv_error *err)
{
	const struct group *group = &node->plan->groups[part->group];
	size_t label_size = parent_label_size(node->plan, group);
	if (!part->shares)
		part->shares = qv_secret_new(group_awaits(group) * node->bytes, err);
	if (!part->shares)
		return -1;
	memcpy(qv_secret_edit(part->shares) + position * node->bytes, message->share, node->bytes);
	memcpy(part->labels + position * label_size, message->head + HEAD_FIXED, label_size);
	return 0;
}

static int receive(struct qv_relay_node *node, struct qv_generator *generator, uint32_t from,
		   const struct qv_relay_message *message, struct qv_relay_send *send, struct qv_error *err)
{
	unsigned position;
	struct part *part = place_message(node, from, message, &position, err);
	if (!part)
		return -1;
	const struct group *group = &node->plan->groups[part->group];
	bool collects = group->kind == GROUP_FOLD || group->kind == GROUP_GATHER;
	/* After folding a late contribution changes nothing any more. */
	if (collects && !part->done && keep(node, part, position, message, err) != 0)
		return -1;
	part->came[position] = true;
	part->received++;
	int result = 0;
	if (!collects)
		result = carry(node, generator, part, message, send, err);
	else if (group->kind == GROUP_GATHER)
		part->done = part->received == group->contributor_count;
	else if (!part->done)
		result = try_fold(node, generator, part, false, send, err);
	return result == 0 ? progress(node) : -1;
}

static int expire(struct qv_relay_node *node, struct qv_generator *generator, struct qv_relay_send *send,
		  struct qv_error *err)
{
	for (size_t i = 0; i < node->part_count; i++) {
		struct part *part = &node->parts[i];
		if (part->done || node->plan->groups[part->group].kind == GROUP_GATHER)
			continue;
		if (node->plan->groups[part->group].kind == GROUP_FOLD &&
		    try_fold(node, generator, part, true, send, err) != 0)
			return -1;
		part->done = true;
	}
	return progress(node);
}

static const struct qv_relay_class redistribute = {
	.head = { .kind = "relay",
		  .name = "redistribute",
		  .summary = "each KME folds the sub-shares it gets into one share and splits that on",
		  .abi_major = QV_RELAY_ABI_MAJOR,
		  .abi_minor = QV_RELAY_ABI_MINOR,
		  .size = sizeof(struct qv_relay_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = open_relay,
	.close = close_relay,
	.plan = redistribute_plan,
	.plan_free = redistribute_plan_free,
	.facts = facts,
	.load = redistribute_load,
	.begin = begin,
	.end = end,
	.split = split,
	.receive = receive,
	.expire = expire,
	.rebuild = redistribute_rebuild,
	.judge = redistribute_judge,
};

static const struct qv_class *const classes[] = { &redistribute.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = PACKAGE_VERSION,
	.license = "Apache-2.0",
	.classes = classes,
};
