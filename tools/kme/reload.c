/* SPDX-License-Identifier: Apache-2.0 */
/* A new configuration takes the place of the current one. */
#include <string.h>

#include "kme.h"
#include "links.h"
#include "peers.h"
#include "relay/relay.h"
#include "seal_source.h"

/* Every part that kme.h lists, or it is lost with the next configuration. */
static void inherit(struct kme *kme, const struct kme *before)
{
	kme->generation = before->generation + 1;
	kme->loader = before->loader;
	kme->seal = before->seal;
	kme->store_role = before->store_role;
	kme->store_class = before->store_class;
	kme->store = before->store;
	kme->store_host = before->store_host;
	kme->store_log = before->store_log;
	kme->audit = before->audit;
	kme->watch = before->watch;
	kme->relay = before->relay;
	kme->sae_server = before->sae_server;
	kme->kme_server = before->kme_server;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void tell(const struct kme *kme, const struct qv_options *options, const char *name)
{
	qv_log_warning(kme->log, "%s: %s: the change needs a restart; until then it stays as it was",
		       qv_options_where(options, name), name);
}

static void tell_group(const struct kme *kme, const char *name)
{
	qv_log_warning(kme->log, "%s: %s: the change needs a restart; until then it stays as it was",
		       qv_section_where(qv_config_root(kme->file)), name);
}

static bool options_equal(const struct qv_options *a, const struct qv_options *b)
{
	return a && b ? qv_options_equal(a, b) : a == b;
}

static void compare_text(const struct kme *kme, const struct qv_options *now, const struct qv_options *before,
			 const char *name)
{
	if (!text_equal(qv_options_string(now, name), qv_options_string(before, name)))
		tell(kme, now, name);
}

static void compare_number(const struct kme *kme, const struct qv_options *now, const struct qv_options *before,
			   const char *name)
{
	if (qv_options_int(now, name) != qv_options_int(before, name))
		tell(kme, now, name);
}

static void compare_api(const struct kme *kme, const struct qv_options *now, const struct qv_options *before)
{
	static const char *const numbers[] = { "workers", "connections", "idle_timeout" };
	if (!now || !before)
		return;
	compare_text(kme, now, before, "listen");
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		compare_number(kme, now, before, numbers[i]);
}

static bool role_equal(const struct qv_role *a, const struct qv_role *b)
{
	return a->class == b->class && options_equal(a->options, b->options);
}

static void compare_links(const struct kme *kme)
{
	for (size_t i = 0; i < kme->peer_count; i++) {
		const struct peer *peer = &kme->peers[i];
		bool changed = peer->linked != link_has_keys(peer->link);
		if (peer->link_role.class && !role_equal(&peer->link_role, &peer->link->role))
			changed = true;
		if (changed)
			tell(kme, peer->options, "link");
	}
}

static void tell_what_needs_a_restart(const struct kme *kme, const struct kme *before)
{
	compare_api(kme, kme->sae_api, before->sae_api);
	compare_number(kme, kme->sae_api, before->sae_api, "max_body");
	compare_api(kme, kme->kme_api, before->kme_api);
	compare_text(kme, kme->top, before->top, "seal_key_file");
	compare_text(kme, kme->top, before->top, "seal_key_credential");
	if (!options_equal(kme->audit_options, before->audit_options))
		tell_group(kme, "audit");
	if (!options_equal(kme->admin_options, before->admin_options))
		tell_group(kme, "admin");
	if (!role_equal(&kme->wanted_store, &before->store_role))
		tell_group(kme, "store");
	compare_links(kme);
}

static int check_id(const struct kme *kme, const struct kme *before, struct qv_error *err)
{
	if (strcmp(kme->id, before->id) == 0)
		return 0;
	return qv_options_fail(kme->top, "kme_id", err, "a KME that runs as \"%s\" cannot become another; restart it",
			       before->id);
}

static int prepare(struct kme *kme, const struct kme *before, const char *path, struct qv_error *err)
{
	if (kme_configure(kme, path, err) != 0 || !seal_source(kme->top, err) || check_id(kme, before, err) != 0 ||
	    peers_open(kme, before, err) != 0)
		return -1;
	if (kme->kme_api && !kme->kme_server && kme_start_kme_api(kme, err) != 0)
		return -1;
	return kme->network && !kme->relay && !(kme->relay = relay_start(kme, err)) ? -1 : 0;
}

static void make_current(struct kme *kme)
{
	qv_log_set_level(kme->log, kme->log_level);
	qv_log_set_level(kme->store_log, kme->log_level);
	for (size_t i = 0; i < kme->peer_count; i++)
		qv_log_set_level(kme->peers[i].link->log, kme->log_level);
	server_use(kme->sae_server, kme->sae_tls);
	if (kme->kme_server && kme->kme_tls)
		server_use(kme->kme_server, kme->kme_tls);
	pthread_mutex_lock(&kme->site->lock);
	kme->site->current = kme;
	pthread_mutex_unlock(&kme->site->lock);
}

int kme_reload(struct site *site, const char *path, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	struct kme *before = site->current;
	struct kme *kme = kme_new(site, before->log);
	if (!kme)
		return qv_fail(err, QV_E_NOMEM, "no memory for a configuration");
	inherit(kme, before);
	if (prepare(kme, before, path, err) != 0) {
		peers_stop(kme, before);
		kme_release(kme);
		return -1;
	}
	tell_what_needs_a_restart(kme, before);
	make_current(kme);
	if (peers_start(kme, before, &why) != 0)
		qv_log_error(kme->log, "a link does not start: %s", why.message);
	peers_stop(before, kme);
	kme_release(before);
	return 0;
}
