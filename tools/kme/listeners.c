/* SPDX-License-Identifier: Apache-2.0 */
/* The two listeners: each request is answered by the configuration that is current when it comes. */
#include <sys/resource.h>

#include "apis.h"
#include "kme.h"
#include "watch.h"

#define LISTENERS         2
#define OTHER_DESCRIPTORS 128 /* of the key store, peers, files, and connections that are just being closed */
#define KME_BODY_MAX      ((size_t)4 * 1024 * 1024)

static void answer_sae(void *site, const struct request *request, struct reply *reply)
{
	struct kme *kme = kme_hold(site);
	watched_sae_api(kme, request, reply);
	kme_release(kme);
}

static bool answer_sae_quickly(void *site, const struct request *request, struct reply *reply)
{
	struct kme *kme = kme_hold(site);
	bool quick = sae_api_is_quick(kme, request);
	if (quick)
		watched_sae_api(kme, request, reply);
	kme_release(kme);
	return quick;
}

static void answer_kme(void *site, const struct request *request, struct reply *reply)
{
	struct kme *kme = kme_hold(site);
	watched_kme_api(kme, request, reply);
	kme_release(kme);
}

/* Descriptors for as many connections must be there, or accepting would fail where idle ones could have been closed. */
static unsigned fit_connections(const struct kme *kme, unsigned wanted, const char *name)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return wanted;
	rlim_t room = limit.rlim_cur > 2 * OTHER_DESCRIPTORS ? limit.rlim_cur - OTHER_DESCRIPTORS : OTHER_DESCRIPTORS;
	if (wanted <= room / LISTENERS)
		return wanted;
	qv_log_warning(
		kme->log,
		"this process may have %llu descriptors: enough for %llu connections of %s, not for %u; raise the "
		"limit (LimitNOFILE, ulimit -Hn) or lower connections",
		(unsigned long long)limit.rlim_cur, (unsigned long long)(room / LISTENERS), name, wanted);
	return (unsigned)(room / LISTENERS);
}

static struct server *start(struct kme *kme, const struct qv_options *options, struct listener *listener,
			    server_handler *handler, struct qv_error *err)
{
	listener->listen = qv_options_string(options, "listen");
	listener->metrics = &kme->watch->metrics;
	listener->workers = (unsigned)qv_options_int(options, "workers");
	listener->connections = fit_connections(kme, (unsigned)qv_options_int(options, "connections"), listener->name);
	listener->idle_seconds = (unsigned)qv_options_int(options, "idle_timeout");
	return server_start(listener, handler, kme->site, kme->log, err);
}

int kme_start_sae_api(struct kme *kme, struct qv_error *err)
{
	struct listener listener = { .name = "SAEs",
				     .tls = kme->sae_tls,
				     .quick = answer_sae_quickly,
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
