/* SPDX-License-Identifier: Apache-2.0 */
#include "trouble.h"

#include <jansson.h>
#include <string.h>

#include "origin.h"
#include "outbox.h"

static char *write_trouble(const struct session *session, const struct trouble *trouble)
{
	json_t *json = json_pack("{s:s,s:s,s:s,s:s}", "session", session->text, "from", trouble->from, "to",
				 trouble->to, "cause", trouble_name(trouble->cause));
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

void trouble_tell(struct relay *relay, struct session *session, const struct trouble *trouble)
{
	const char *back[PREVIOUS_MAX];
	size_t count = 0;
	if (session->origin) {
		origin_hear_trouble(session, trouble);
		return;
	}
	pthread_mutex_lock(&session->lock);
	if (session->troubles < TROUBLES_MAX) {
		session->troubles++;
		for (; count < session->previous_count; count++)
			back[count] =
				qv_topology_kme(network_topology(session->plan->network), session->previous[count])->id;
	}
	pthread_mutex_unlock(&session->lock);
	for (size_t i = 0; i < count; i++)
		outbox_note(relay->outboxes, back[i], "/inter-kme/v1/relay/trouble", write_trouble(session, trouble));
}
