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

static bool refuse_unsupported(const struct key_request *wanted, struct reply *reply)
{
	if (wanted->mandatory) {
		reply_detail(reply, 400, "not all extension_mandatory parameters are supported",
			     "extension_mandatory_unsupported", wanted->extension);
		return true;
	}
	if (wanted->additional_slaves) {
		reply_detail(reply, 400, "keys for several slave SAEs are not supported", "max_SAE_ID_count", "0");
		return true;
	}
	return false;
}

static void refuse_limit(struct reply *reply, const char *message, const char *low, json_int_t min, const char *high,
			 json_int_t max)
{
	reply_error(reply, 400, message, json_pack("[{s:I},{s:I}]", low, min, high, max));
}

/* Fills in the defaults and checks the limits. */
static bool fit(const struct key_limits *limits, const struct key_request *wanted, struct issue *issue,
		struct reply *reply)
{
	int64_t size = wanted->size < 0 ? (int64_t)limits->bytes * 8 : wanted->size;
	int64_t number = wanted->number < 0 ? 1 : wanted->number;
	if (size % 8 != 0) {
		reply_error(reply, 400, "size shall be a multiple of 8", NULL);
		return false;
	}
	if (size < (int64_t)limits->min_bytes * 8 || size > (int64_t)limits->max_bytes * 8) {
		refuse_limit(reply, "size is outside what this KME gives", "min_key_size", limits->min_bytes * 8,
			     "max_key_size", limits->max_bytes * 8);
		return false;
	}
	if (number < 1 || number > limits->per_request) {
		refuse_limit(reply, "number is outside what this KME gives", "min_number", 1, "max_key_per_request",
			     limits->per_request);
		return false;
	}
	issue->count = (size_t)number;
	issue->bytes = (size_t)size / 8;
	return true;
}

static void reply_shortage(const struct sae_call *call, const struct sae *slave, const struct issue *issue,
			   struct reply *reply)
{
	int64_t now, max;
	if (stored_keys(call->kme, slave, &now, &max, NULL) != 0)
		now = 0;
	reply_error(reply, 503, "not enough keys are stored now",
		    json_pack("[{s:I},{s:I}]", "requested_key_count", (json_int_t)issue->count, "stored_key_count",
			      (json_int_t)now));
}

static void reply_issued(const struct sae_call *call, const struct issue *issue, struct reply *reply)
{
	uint32_t bytes[ISSUE_MAX];
	const char(*ids)[UUID_TEXT] = (const char(*)[UUID_TEXT])issue->ids;
	if (event_report(call->kme, &(struct event){ .kind = EVENT_DELIVERED_MASTER,
						     .master = issue->master,
						     .slave = issue->slave,
						     .peer = issue->peer ? issue->peer->kme_id : NULL,
						     .key_ids = ids,
						     .count = issue->count }) != 0) {
		reply_unrecorded(reply);
		return;
	}
	for (size_t i = 0; i < issue->count; i++)
		bytes[i] = (uint32_t)issue->bytes;
	reply_keys(reply, ids, issue->keys, issue->count, issue->stride, bytes);
}

static void reply_issue(const struct sae_call *call, const struct sae *slave, struct issue *issue, struct reply *reply)
{
	struct qv_error err = QV_ERROR_INIT;
	if (issue_keys(call->kme, issue, &err) == 0) {
		reply_issued(call, issue, reply);
	} else if (err.code == QV_E_NO_KEY) {
		qv_log_info(call->kme->log, "no keys for SAE %s with SAE %s: %s", call->caller->id, slave->id,
			    err.message);
		reply_shortage(call, slave, issue, reply);
	} else {
		qv_log_error(call->kme->log, "no keys for SAE %s with SAE %s: %s", call->caller->id, slave->id,
			     err.message);
		reply_error(reply, 503,
			    slave->peer ? "the KME of the slave SAE could not take the keys"
					: "the key store does not answer",
			    NULL);
	}
	issue_clear(issue);
}

static void handle(const struct sae_call *call, struct reply *reply)
{
	struct key_request wanted;
	struct qv_error err = QV_ERROR_INIT;
	const struct sae *slave = kme_sae(call->kme, call->other);
	if (!slave) {
		reply_detail(reply, 400, "the slave SAE is not known to this KME", "slave_SAE_ID", call->other);
		return;
	}
	if (parse(call, &wanted, &err) != 0) {
		reply_failure(reply, &err);
		return;
	}
	struct issue issue = { .master = call->caller->id, .slave = slave->id, .peer = slave->peer };
	if (!refuse_unsupported(&wanted, reply) && fit(&call->kme->limits, &wanted, &issue, reply))
		reply_issue(call, slave, &issue, reply);
}

void enc_keys_handle(const struct sae_call *call, struct reply *reply)
{
	if (strcmp(call->request->method, "POST") != 0 && strcmp(call->request->method, "GET") != 0) {
		reply_method(reply, "GET, POST");
		return;
	}
	handle(call, reply);
	report_refused(call, call->caller->id, call->other, NULL, reply);
}
