/* SPDX-License-Identifier: Apache-2.0 */
/* Goes over to sessions with new keys, and says how the call is secured. */
#include <stdio.h>
#include <string.h>

#include "side.h"

void rekeying_offer(struct side *side)
{
	if (side->plan->renewal && side->role == QV_CALL_ANSWERER)
		control_set_token(side->control, attach_token(&side->media.connection->link));
}

/* Shows, beside how the call is secured, how old its key is and when the next one is due; or that there is none. */
void rekeying_show(struct side *side)
{
	const struct renewer *renewer = &side->renewer;
	struct qv_call_security shown = side->security;
	int64_t now = qv_clock_now(&qv_clock_monotonic), next = renewer_next(renewer);
	char age[BOARD_TEXT + 80], due[40] = "";
	if (!side->plan->renewal || !shown.text[0])
		return;
	if (next > now)
		snprintf(due, sizeof due, ", next in %d s", (int)((next - now) / QV_NS_PER_SECOND));
	snprintf(age, sizeof age, "; key %d s old%s%s%s", (int)((now - renewer->keyed_ns) / QV_NS_PER_SECOND), due,
		 side->no_key[0] ? "; NO NEW KEY: " : "", side->no_key);
	size_t used = strlen(shown.text);
	snprintf(shown.text + used, sizeof shown.text - used, "%s", age);
	board_set_security(&side->board, &shown);
}

/* Without a new key the policy decides; either way somebody is told. */
static int rekey_failed(struct side *side, const struct qv_error *why, struct qv_error *err)
{
	side->result->rekey_failures++;
	snprintf(side->no_key, sizeof side->no_key, "%.*s", BOARD_TEXT - 1, why->message);
	rekeying_show(side);
	struct qv_call_event event = { .happening = QV_CALL_REKEY_FAILED, .text = why->message };
	side_tell(side, &event);
	if (side->plan->renewal->end_without)
		return qv_fail(err, QV_E_NO_KEY, "the key of the call could not be replaced: %s", why->message);
	qv_log_warning(side->media.host->log, "the call goes on with the key that it has: %s", why->message);
	return 0;
}

int rekeying_look(struct side *side, bool now, struct qv_error *err)
{
	struct connection *c = side->media.connection;
	struct renewer *renewer = &side->renewer;
	struct qv_error why = QV_ERROR_INIT;
	struct qv_link next;
	if (!side->plan->renewal || c->phase != PHASE_OPEN)
		return 0;
	int got = renewer_take(renewer, &next, &side->next_security, &why);
	if (got < 0)
		return rekey_failed(side, &why, err);
	if (got > 0 && !connection_switch(c, &next))
		side->plan->renewal->release(side->plan->renewal, &next);
	if (got > 0 || (!now && !renewer_due(renewer, qv_clock_now(&qv_clock_monotonic)))) {
		c->look_ns = renewer_next(renewer);
		return 0;
	}
	c->look_ns = 0;
	if (!side->plan->renewal->renew) {
		renewer->asked = connection_send_new(c, QV_RECORD_RENEW, NULL, 0);
		return 0;
	}
	if (renewer->running || c->has_next)
		return 0;
	return renewer_start(renewer) ? 0 : rekey_failed(side, &renewer->failure, err);
}

bool rekeying_next_link(struct side *side, struct qv_link *link)
{
	return control_take_next(side->control, link, &side->next_security);
}

int rekeying_switched(struct side *side, struct qv_error *err)
{
	(void)err;
	side->result->rekeyed++;
	side->current = side->media.connection->link;
	side->security = side->next_security;
	side->no_key[0] = '\0';
	board_set_security(&side->board, &side->security);
	rekeying_offer(side);
	renewer_keyed(&side->renewer);
	struct qv_call_event event = { .happening = QV_CALL_REKEYED, .security = &side->next_security };
	side_tell(side, &event);
	return 0;
}

void rekeying_release(struct side *side, struct qv_link *link)
{
	side->plan->renewal->release(side->plan->renewal, link);
}

/* The session in use, and one that was on its way, if they are not the one that the call began with. */
void rekeying_release_links(struct side *side)
{
	const struct connection *c = side->media.connection;
	struct qv_link last = c->link, next = c->next;
	if (c->has_next)
		rekeying_release(side, &next);
	if (last.session != side->first.session)
		rekeying_release(side, &last);
}
