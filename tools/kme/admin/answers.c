/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "../links.h"
#include "../relay/view.h"
#include "../watch.h"

static void print_audit(FILE *out, struct audit *audit)
{
	struct audit_status status;
	audit_status(audit, &status);
	fprintf(out,
		"# HELP qkd_kme_audit_sequence Number of the newest line of the audit log.\n"
		"# TYPE qkd_kme_audit_sequence counter\n"
		"qkd_kme_audit_sequence %" PRIu64 "\n"
		"# HELP qkd_kme_audit_up Whether the audit log could be written when it was last tried.\n"
		"# TYPE qkd_kme_audit_up gauge\n"
		"qkd_kme_audit_up %d\n"
		"# HELP qkd_kme_audit_lost_total Events that could not be recorded in the audit log.\n"
		"# TYPE qkd_kme_audit_lost_total counter\n"
		"qkd_kme_audit_lost_total %" PRIu64 "\n",
		status.head.sequence, status.working, status.failed);
}

char *answer_metrics(struct kme *kme, struct sampler *sampler, struct live *live)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	metrics_print(&kme->watch->metrics, out);
	sampler_print(sampler, kme, out);
	if (kme->audit)
		print_audit(out, kme->audit);
	relay_metrics(kme, out);
	fprintf(out,
		"# HELP qkd_kme_admin_event_clients Pages that take live events.\n"
		"# TYPE qkd_kme_admin_event_clients gauge\n"
		"qkd_kme_admin_event_clients %u\n"
		"# HELP qkd_kme_start_time_seconds When the KME was started, in Unix time.\n"
		"# TYPE qkd_kme_start_time_seconds gauge\n"
		"qkd_kme_start_time_seconds %.3f\n"
		"# HELP qkd_kme_build_info Always 1; the version is in its label.\n"
		"# TYPE qkd_kme_build_info gauge\n"
		"qkd_kme_build_info{version=\"%s\"} 1\n",
		live_clients(live), (double)kme->watch->started / (double)QV_NS_PER_SECOND, PACKAGE_VERSION);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static char *dump(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

static const char *identity_words(const struct sae *sae)
{
	switch (sae->identity.kind) {
	case IDENTITY_SERIAL:
		return "certificate serial";
	case IDENTITY_COMMON_NAME:
		return "certificate CN";
	case IDENTITY_URI:
		return "certificate URI";
	default:
		return NULL;
	}
}

static json_t *saes_json(const struct kme *kme)
{
	json_t *list = json_array();
	for (size_t i = 0; i < kme->sae_count; i++) {
		const struct sae *sae = &kme->saes[i];
		bool local = !sae->peer;
		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:b,s:s*,s:s*}", "id", sae->id, "kme",
						local ? kme->id : sae->peer->kme_id, "local", local, "known_by",
						identity_words(sae), "known_as", local ? sae->identity.text : NULL));
	}
	return list;
}

static json_t *peers_json(const struct kme *kme)
{
	json_t *list = json_array();
	for (size_t i = 0; i < kme->peer_count; i++) {
		const struct peer *peer = &kme->peers[i];
		json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "peer", peer->kme_id, "address",
						      qv_options_string(peer->options, "address"), "link",
						      peer->link->class ? peer->link->role.class->name : "none"));
	}
	return list;
}

char *answer_kme(const struct kme *kme, bool token)
{
	json_t *limits = json_pack("{s:i,s:i,s:i,s:i,s:I,s:I}", "key_size", (int)kme->limits.bytes * 8, "min_key_size",
				   (int)kme->limits.min_bytes * 8, "max_key_size", (int)kme->limits.max_bytes * 8,
				   "max_key_per_request", (int)kme->limits.per_request, "max_stored",
				   (json_int_t)kme->limits.stored, "lifetime",
				   (json_int_t)(kme->limits.lifetime / QV_NS_PER_SECOND));
	return dump(json_pack("{s:s,s:b,s:s,s:I,s:b,s:o,s:s,s:o,s:o}", "kme_id", kme->id, "relays",
			      kme->network && kme->relay, "version", PACKAGE_VERSION, "started",
			      (json_int_t)(kme->watch->started / QV_NS_PER_MS), "token", token, "limits", limits,
			      "store", kme->store_class->head.name, "saes", saes_json(kme), "links", peers_json(kme)));
}

char *answer_relay(struct kme *kme)
{
	return dump(relay_view(kme));
}

char *answer_history(struct sampler *sampler, bool day)
{
	return dump(sampler_history(sampler, day));
}

json_t *event_json(const struct event *event)
{
	const char *to = event->kind == EVENT_DELIVERED_MASTER  ? "master"
			 : event->kind == EVENT_DELIVERED_SLAVE ? "slave"
								: NULL;
	json_t *json = json_pack(
		"{s:I,s:s,s:s*,s:s*,s:s*,s:s*,s:s*,s:I}", "time", (json_int_t)(wall_clock() / QV_NS_PER_MS), "event",
		to ? "delivered" : event_name(event->kind), "to", to, "master", event->master, "slave", event->slave,
		"peer", event->peer, "cause", event->reason, "count", (json_int_t)event->count);
	if (json && event->count)
		json_object_set_new(json, "key_ID", json_string(event->key_ids[0]));
	if (json && event->status)
		json_object_set_new(json, "status", json_integer(event->status));
	return json;
}
