/* SPDX-License-Identifier: Apache-2.0 */
#include "apis.h"

#include <stdlib.h>
#include <string.h>

#include "event.h"

/* Entries may look at different parts of a certificate: one that matches two is nobody's. */
static const struct sae *caller_of(struct kme *kme, gnutls_x509_crt_t certificate)
{
	const struct sae *found = NULL;
	for (size_t i = 0; i < kme->sae_count; i++) {
		const struct sae *sae = &kme->saes[i];
		if (sae->peer || !identity_matches(&sae->identity, certificate))
			continue;
		if (found) {
			qv_log_warning(kme->log, "a certificate matches SAE %s as well as SAE %s", found->id, sae->id);
			return NULL;
		}
		found = sae;
	}
	return found;
}

/* The same, but looked up once for a connection and a configuration. */
static const struct sae *known_caller(struct kme *kme, const struct request *request)
{
	struct known_caller *known = request->known;
	if (!known)
		return caller_of(kme, request->certificate);
	if (known->generation != kme->generation)
		*known = (struct known_caller){ kme->generation, caller_of(kme, request->certificate) };
	return known->who;
}

static void log_stranger(struct kme *kme, gnutls_x509_crt_t certificate)
{
	char name[256] = "?";
	size_t size = sizeof name;
	gnutls_x509_crt_get_dn(certificate, name, &size);
	qv_log_warning(kme->log, "a client whose certificate is no SAE's is refused: subject %.200s", name);
}

/* Programs made for the Rust KME take an ID that looks like an integer as a JSON number. */
static json_t *id_json(const char *id)
{
	size_t digits = strspn(id, "0123456789");
	bool number = digits > 0 && digits <= 18 && id[digits] == '\0' && (id[0] != '0' || digits == 1);
	return number ? json_integer(strtoll(id, NULL, 10)) : json_string(id);
}

static void info_handle(const struct sae_call *call, struct reply *reply)
{
	if (strcmp(call->request->method, "GET") != 0)
		reply_method(reply, "GET");
	else
		reply_json(reply, 200, json_pack("{s:o}", "SAE_ID", id_json(call->caller->id)));
}

static bool path_is(const struct uri *uri, const char *const *segments, size_t count)
{
	if (uri->segment_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (segments[i] && strcmp(uri->segments[i], segments[i]) != 0)
			return false;
	return true;
}

static void route(struct sae_call *call, struct reply *reply)
{
	static const struct {
		const char *path[5];
		bool gives_keys;
		void (*handle)(const struct sae_call *call, struct reply *reply);
	} routes[] = {
		{ { "api", "v1", "keys", NULL, "status" }, false, status_handle },
		{ { "api", "v1", "keys", NULL, "enc_keys" }, true, enc_keys_handle },
		{ { "api", "v1", "keys", NULL, "dec_keys" }, true, dec_keys_handle },
		{ { "api", "v1", "sae", "info", "me" }, false, info_handle },
	};
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
		if (path_is(call->uri, routes[i].path, 5)) {
			call->other = call->uri->segments[3];
			if (routes[i].gives_keys && !event_ready(call->kme))
				reply_unrecorded(reply);
			else
				routes[i].handle(call, reply);
			return;
		}
	reply_not_found(reply);
}

void sae_api_handle(void *context, const struct request *request, struct reply *reply)
{
	struct uri uri = { .text = NULL };
	struct qv_error err = QV_ERROR_INIT;
	struct sae_call call = { .kme = context, .request = request, .uri = &uri };
	call.caller = known_caller(call.kme, request);
	if (!call.caller) {
		log_stranger(call.kme, request->certificate);
		reply_empty(reply, 401);
		report_refused(&call, NULL, NULL, NULL, reply);
		return;
	}
	if (!sae_within(&call.caller->budget->requests, 1, "max_requests_per_second", reply))
		return;
	if (uri_parse(&uri, request->target, &err) == 0)
		route(&call, reply);
	else if (err.code == QV_E_NOT_FOUND)
		reply_not_found(reply);
	else
		reply_failure(reply, &err);
	uri_clear(&uri);
}

void report_refused(const struct sae_call *call, const char *master, const char *slave, const struct key_ids *ids,
		    const struct reply *reply)
{
	if (reply->status < 400)
		return;
	event_report(call->kme, &(struct event){ .kind = EVENT_REFUSED,
						 .master = master,
						 .slave = slave,
						 .api = call->uri->segment_count == 5 ? call->uri->segments[4] : NULL,
						 .status = reply->status,
						 .reason = reply->why[0] ? reply->why : "not authorized",
						 .key_ids = ids ? (const char(*)[UUID_TEXT])ids->ids : NULL,
						 .count = ids ? ids->count : 0 });
}

bool sae_within(struct bucket *bucket, unsigned tokens, const char *limit, struct reply *reply)
{
	int64_t wait = bucket_take(bucket, tokens, qv_clock_now(&qv_clock_monotonic));
	if (wait == 0)
		return true;
	unsigned seconds = (unsigned)((wait + QV_NS_PER_SECOND - 1) / QV_NS_PER_SECOND);
	reply_error(reply, 503, "this SAE asks for more than it may",
		    json_pack("[{s:I},{s:I}]", limit, (json_int_t)bucket->rate, "retry_after_seconds",
			      (json_int_t)seconds));
	reply->retry_after = seconds;
	reply->cause = "too_many";
	return false;
}

void reply_unrecorded(struct reply *reply)
{
	reply_unavailable(reply, "audit", "the audit log of this KME cannot be written: it hands out no keys");
}

void reply_failure(struct reply *reply, const struct qv_error *err)
{
	reply_error(reply, err->code == QV_E_INVALID ? 400 : 503, err->message, NULL);
}
