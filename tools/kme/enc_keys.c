/* SPDX-License-Identifier: Apache-2.0 */
/* ETSI GS QKD 014 clause 5.3: new keys for the master SAE. */
#include <string.h>

#include "apis.h"
#include "event.h"
#include "issue.h"

static int parse(const struct sae_call *call, struct key_request *wanted, struct qv_error *err)
{
	if (strcmp(call->request->method, "POST") == 0)
		return key_request_json(wanted, call->request->body, call->request->body_size, err);
	return key_request_query(wanted, call->uri, err);
}

#define UNSUPPORTED "not all extension_mandatory parameters are supported"
#define UNMET       "not all extension_mandatory request options could be met"
#define UNHANDLED   "not all extension_optional request options handled"

/* Unknown optional extensions are ignored; a known one is not, when its value makes no sense. */
static bool refuse_extensions(const struct key_request *wanted, struct reply *reply)
{
	static const char values[] = "\"direct\", \"relayed\" or \"any\"";
	if (wanted->unknown[0])
		reply_detail(reply, 400, UNSUPPORTED, "extension_mandatory_unsupported", wanted->unknown);
	else if (wanted->mandatory == ROUTE_INVALID)
		reply_detail(reply, 400, UNMET, "qvisio_route", values);
	else if (wanted->optional == ROUTE_INVALID)
		reply_detail(reply, 400, UNHANDLED, "qvisio_route", values);
	else
		return false;
	return true;
}

static void refuse_limit(struct reply *reply, const char *message, const char *low, json_int_t min, const char *high,
			 json_int_t max)
{
	reply_error(reply, 400, message, json_pack("[{s:I},{s:I}]", low, min, high, max));
}

/* Fills in the defaults and checks the limits of the KME and of the SAE. */
static bool fit(const struct key_limits *limits, const struct sae_budget *budget, const struct key_request *wanted,
		struct issue *issue, struct reply *reply)
{
	int64_t size = wanted->size < 0 ? (int64_t)limits->bytes * 8 : wanted->size;
	int64_t number = wanted->number < 0 ? 1 : wanted->number;
	if (size % 8 != 0) {
		reply_error(reply, 400, "size shall be a multiple of 8", NULL);
		return false;
	}
	if (size < (int64_t)limits->min_bytes * 8 || size > (int64_t)budget->max_bytes * 8) {
		refuse_limit(reply, "size is outside what this KME gives", "min_key_size", limits->min_bytes * 8,
			     "max_key_size", budget->max_bytes * 8);
		return false;
	}
	if (number < 1 || number > budget->per_request) {
		refuse_limit(reply, "number is outside what this KME gives", "min_number", 1, "max_key_per_request",
			     budget->per_request);
		return false;
	}
	issue->count = (size_t)number;
	issue->bytes = (size_t)size / 8;
	return true;
}

/* The slave in the URL, then the additional ones. */
static bool find_slaves(const struct sae_call *call, const struct key_request *wanted, struct issue *issue,
			struct reply *reply)
{
	if (wanted->slave_count > call->kme->limits.additional_slaves) {
		reply_error(reply, 400, "there are more additional_slave_SAE_IDs than this KME serves",
			    json_pack("[{s:I}]", "max_SAE_ID_count", (json_int_t)call->kme->limits.additional_slaves));
		return false;
	}
	for (size_t i = 0; i <= wanted->slave_count; i++) {
		const char *id = i == 0 ? call->other : wanted->slaves[i - 1];
		const struct sae *slave = kme_sae(call->kme, id);
		if (!slave) {
			reply_detail(reply, 400, "the slave SAE is not known to this KME", "slave_SAE_ID", id);
			return false;
		}
		if (i > 0 && slave == issue->slaves[0]) {
			reply_detail(reply, 400, "an additional slave SAE is the one in the URL", "slave_SAE_ID", id);
			return false;
		}
		issue->slaves[issue->slave_count++] = slave;
	}
	return true;
}

/* What the KME that could not be served would need, and has. */
static void reply_shortage(const struct sae_call *call, const struct issue *issue, struct reply *reply)
{
	int64_t now;
	if (!issue->failed || stored_keys(call->kme, issue->failed, issue->bytes, &now, NULL) != 0)
		now = 0;
	json_t *details =
		json_pack("[{s:I},{s:I},{s:s}]", "requested_key_count", (json_int_t)issue->count, "stored_key_count",
			  (json_int_t)now, "target_KME_ID", issue->failed ? issue->failed->kme_id : call->kme->id);
	if (issue->short_link[0])
		json_array_append_new(details, json_pack("{s:s}", "link", issue->short_link));
	reply_error(reply, 503, "not enough keys are stored now", details);
	reply->cause = "no_keys";
}

static void reply_peer_failed(const struct peer *peer, struct reply *reply)
{
	reply_detail(reply, 503, "the KME of the slave SAE could not take the keys", "target_KME_ID", peer->kme_id);
	reply->cause = "peer";
}

static void reply_no_route(const struct peer *peer, struct reply *reply)
{
	reply_detail(reply, 503, "no route leads to the KME of the slave SAE", "target_KME_ID", peer->kme_id);
	reply->cause = "no_route";
}

static void reply_failed(const struct sae_call *call, const struct issue *issue, const struct qv_error *err,
			 struct reply *reply)
{
	bool expected = err->code == QV_E_NO_KEY || err->code == QV_E_UNSUPPORTED;
	(expected ? qv_log_info : qv_log_error)(call->kme->log, "no keys for SAE %s with SAE %s: %s", issue->master,
						issue->slaves[0]->id, err->message);
	if (err->code == QV_E_NO_KEY)
		reply_shortage(call, issue, reply);
	else if (err->code == QV_E_UNSUPPORTED && issue->route != ROUTE_NONE)
		reply_detail(reply, 400, UNMET, "qvisio_route",
			     issue->route == ROUTE_DIRECT ? "there is no direct link to the KME of a slave SAE"
							  : "no relay leads to the KME of a slave SAE");
	else if (err->code == QV_E_UNSUPPORTED)
		reply_no_route(issue->failed, reply);
	else if (issue->failed)
		reply_peer_failed(issue->failed, reply);
	else
		reply_unavailable(reply, "store", "the key store does not answer");
}

static void reply_issued(const struct sae_call *call, const struct key_request *wanted, const struct issue *issue,
			 struct reply *reply)
{
	uint32_t bytes[BODY_KEYS_MAX];
	const char(*ids)[UUID_TEXT] = (const char(*)[UUID_TEXT])issue->ids;
	const struct peer *peer = issue->slaves[0]->peer;
	bool told = wanted->mandatory != ROUTE_NONE || wanted->optional != ROUTE_NONE;
	for (size_t i = 0; i < issue->count; i++)
		bytes[i] = (uint32_t)issue->bytes;
	if (event_report(call->kme, &(struct event){ .kind = EVENT_DELIVERED_MASTER,
						     .master = issue->master,
						     .slave = issue->slaves[0]->id,
						     .peer = peer ? peer->kme_id : NULL,
						     .key_ids = ids,
						     .count = issue->count }) != 0)
		reply_unrecorded(reply);
	else
		reply_keys(reply, ids, issue->keys, issue->count, issue->stride, bytes,
			   !told                          ? ROUTE_NONE
			   : issue->used == ROUTE_RELAYED ? ROUTE_RELAYED
							  : ROUTE_DIRECT);
}

/* An optional route is taken where it leads; otherwise any. */
static int issue_by_route(struct kme *kme, const struct key_request *wanted, struct issue *issue, struct qv_error *err)
{
	issue->route = wanted->mandatory > ROUTE_ANY  ? wanted->mandatory
		       : wanted->optional > ROUTE_ANY ? wanted->optional
						      : ROUTE_NONE;
	int result = issue_keys(kme, issue, err);
	if (result == 0 || err->code != QV_E_UNSUPPORTED || wanted->mandatory > ROUTE_ANY || issue->route == ROUTE_NONE)
		return result;
	*err = (struct qv_error)QV_ERROR_INIT;
	issue_clear(issue);
	issue->route = ROUTE_NONE;
	return issue_keys(kme, issue, err);
}

static void handle_request(const struct sae_call *call, const struct key_request *wanted, struct reply *reply)
{
	struct qv_error err = QV_ERROR_INIT;
	const struct sae *slaves[BODY_SLAVES_MAX + 1];
	struct issue issue = { .master = call->caller->id, .slaves = slaves };
	if (refuse_extensions(wanted, reply) || !find_slaves(call, wanted, &issue, reply) ||
	    !fit(&call->kme->limits, call->caller->budget, wanted, &issue, reply) ||
	    !sae_within(&call->caller->budget->keys, (unsigned)issue.count, "max_keys_per_second", reply))
		return;
	if (issue_by_route(call->kme, wanted, &issue, &err) == 0) {
		reply_issued(call, wanted, &issue, reply);
	} else {
		bucket_return(&call->caller->budget->keys, (unsigned)issue.count);
		reply_failed(call, &issue, &err, reply);
	}
	issue_clear(&issue);
}

void enc_keys_handle(const struct sae_call *call, struct reply *reply)
{
	struct key_request wanted = { .number = -1 };
	struct qv_error err = QV_ERROR_INIT;
	if (strcmp(call->request->method, "POST") != 0 && strcmp(call->request->method, "GET") != 0) {
		reply_method(reply, "GET, POST");
		return;
	}
	if (!kme_sae(call->kme, call->other))
		reply_detail(reply, 400, "the slave SAE is not known to this KME", "slave_SAE_ID", call->other);
	else if (parse(call, &wanted, &err) == 0)
		handle_request(call, &wanted, reply);
	else
		reply_failure(reply, &err);
	key_request_clear(&wanted);
	report_refused(call, call->caller->id, call->other, NULL, reply);
}
