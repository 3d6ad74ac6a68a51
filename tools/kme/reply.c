/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reply_clear(struct reply *reply)
{
	qv_secret_free(reply->body);
	*reply = (struct reply){ .status = 0 };
}

void reply_empty(struct reply *reply, unsigned status)
{
	reply_clear(reply);
	reply->status = status;
}

void reply_json(struct reply *reply, unsigned status, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	reply_empty(reply, text ? status : 503);
	if (text)
		reply->body = qv_secret_copy(text, strlen(text), NULL);
	free(text);
}

void reply_error(struct reply *reply, unsigned status, const char *message, json_t *details)
{
	json_t *error = json_pack("{s:s}", "message", message);
	if (error && details)
		json_object_set_new(error, "details", details);
	else
		json_decref(details);
	reply_json(reply, status, error);
	snprintf(reply->why, sizeof reply->why, "%s", message);
}

void reply_detail(struct reply *reply, unsigned status, const char *message, const char *name, const char *value)
{
	reply_error(reply, status, message, json_pack("[{s:s}]", name, value));
}

void reply_unavailable(struct reply *reply, const char *cause, const char *message)
{
	reply_error(reply, 503, message, NULL);
	reply->cause = cause;
}

void reply_not_found(struct reply *reply)
{
	reply_error(reply, 404, "no such resource", NULL);
}

void reply_method(struct reply *reply, const char *allow)
{
	reply_error(reply, 405, "method not allowed here", NULL);
	reply->allow = allow;
}
