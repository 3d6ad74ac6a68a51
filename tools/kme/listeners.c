/* SPDX-License-Identifier: Apache-2.0 */
/* The two listeners: each request is answered by the configuration that is current when it comes. */
#include "kme.h"
#include "watch.h"

#define KME_BODY_MAX ((size_t)4 * 1024 * 1024)

static void answer_sae(void *site, const struct request *request, struct reply *reply)
{
	struct kme *kme = kme_hold(site);
	watched_sae_api(kme, request, reply);
	kme_release(kme);
}

static void answer_kme(void *site, const struct request *request, struct reply *reply)
{
	struct kme *kme = kme_hold(site);
	watched_kme_api(kme, request, reply);
	kme_release(kme);
}

static struct server *start(struct kme *kme, const struct qv_options *options, struct listener *listener,
			    server_handler *handler, struct qv_error *err)
{
	listener->listen = qv_options_string(options, "listen");
	listener->workers = (unsigned)qv_options_int(options, "workers");
	listener->connections = (unsigned)qv_options_int(options, "connections");
	listener->idle_seconds = (unsigned)qv_options_int(options, "idle_timeout");
	return server_start(listener, handler, kme->site, kme->log, err);
}

int kme_start_sae_api(struct kme *kme, struct qv_error *err)
{
	struct listener listener = { .name = "SAEs",
				     .tls = kme->sae_tls,
				     .body_max = (size_t)qv_options_int(kme->sae_api, "max_body") };
	kme->sae_server = start(kme, kme->sae_api, &listener, answer_sae, err);
	return kme->sae_server ? 0 : -1;
}

int kme_start_kme_api(struct kme *kme, struct qv_error *err)
{
	struct listener listener = { .name = "KMEs", .tls = kme->kme_tls, .body_max = KME_BODY_MAX };
	kme->kme_server = start(kme, kme->kme_api, &listener, answer_kme, err);
	return kme->kme_server ? 0 : -1;
}
