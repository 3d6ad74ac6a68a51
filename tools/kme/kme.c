/* SPDX-License-Identifier: Apache-2.0 */
#include "kme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/admin.h"
#include "apis.h"
#include "event.h"
#include "links.h"
#include "peers.h"
#include "relay/network.h"
#include "relay/relay.h"
#include "seal_source.h"
#include "store_timed.h"
#include "watch.h"

#define PURGE_AT_ONCE   1024
#define FORGET_AFTER_NS (7 * 86400 * QV_NS_PER_SECOND)

int64_t wall_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * QV_NS_PER_SECOND + now.tv_nsec;
}

struct sae *kme_sae(struct kme *kme, const char *id)
{
	for (size_t i = 0; i < kme->sae_count; i++)
		if (strcmp(kme->saes[i].id, id) == 0)
			return &kme->saes[i];
	return NULL;
}

struct peer *kme_peer(struct kme *kme, const char *kme_id)
{
	for (size_t i = 0; i < kme->peer_count; i++)
		if (strcmp(kme->peers[i].kme_id, kme_id) == 0)
			return &kme->peers[i];
	return NULL;
}

/* A store holds a sealed known text, so that a wrong seal key shows at the start and not with the first request. */
static int check_seal(struct kme *kme, struct qv_error *err)
{
	static const uint8_t known[] = "qvisio";
	uint8_t sealed[sizeof known + SEAL_OVERHEAD], plain[sizeof known];
	size_t size = sizeof sealed;
	int set = kme->store_class->property_get(kme->store, "seal-check", sealed, &size, err);
	if (set < 0)
		return -1;
	if (set == 0) {
		seal_wrap(kme->seal, "check", "", kme->id, known, sizeof known, sealed);
		return kme->store_class->property_set(kme->store, "seal-check", sealed, sizeof sealed, err);
	}
	if (size != sizeof sealed || seal_unwrap(kme->seal, "check", "", kme->id, sealed, size, plain, NULL) != 0)
		return qv_options_fail(kme->top, seal_source(kme->top, NULL), err,
				       "the key store belongs to another seal key, or to another KME than \"%s\"",
				       kme->id);
	return 0;
}

static int open_store(struct kme *kme, struct qv_error *err)
{
	kme->store_log = qv_log_child(kme->log, "store");
	kme->store_host = (struct qv_host){
		.size = sizeof kme->store_host, .log = kme->store_log, .clock = &qv_clock_monotonic, .cancel_fd = -1
	};
	kme->store_role = kme->wanted_store;
	kme->wanted_store = (struct qv_role){ NULL };
	kme->store = kme->store_class->open(&kme->store_host, kme->store_role.options, err);
	if (kme->store && (kme->store_class->traits & QV_KEYSTORE_VOLATILE))
		qv_log_warning(
			kme->log,
			"the key store \"%s\" keeps nothing: when qkd-kme ends, keys that SAEs were promised are "
			"lost, and links start anew with keys that may have been used; for tests only",
			kme->store_class->head.name);
	if (!kme->store || store_time(&kme->store_class, &kme->store, &kme->watch->metrics, err) != 0)
		return -1;
	return check_seal(kme, err);
}

struct left_over {
	struct qv_keystore_visit visit; /* first */
	struct kme *kme;
};

/* A KME that died while it waited for its peer does not know what the peer did. */
static int undo_left_over(struct qv_keystore_visit *visit, const char *request, const char *link, struct qv_error *err)
{
	(void)err;
	struct kme *kme = ((struct left_over *)visit)->kme;
	struct peer *peer = kme_peer(kme, link);
	if (peer)
		undo_later(peer, request);
	else
		qv_log_warning(kme->log, "request %s with KME \"%s\", which is no peer any more, stays undecided",
			       request, link);
	return 0;
}

static int undo_left_overs(struct kme *kme, struct qv_error *err)
{
	struct left_over left = { .visit.reservation = undo_left_over, .kme = kme };
	return kme->store_class->reservations(kme->store, &left.visit, err);
}

static int start_peers(struct kme *kme, struct qv_error *err)
{
	if (peers_open(kme, NULL, err) != 0 || undo_left_overs(kme, err) != 0)
		return -1;
	return peers_start(kme, NULL, err);
}

int kme_start(struct kme *kme, struct qv_error *err)
{
	pthread_mutex_lock(&kme->site->lock);
	kme->site->current = kme;
	pthread_mutex_unlock(&kme->site->lock);
	qv_log_set_level(kme->log, kme->log_level);
	kme->watch = watch_new(err);
	if (!kme->watch)
		return -1;
	if (kme->audit_config.path && !(kme->audit = audit_open(&kme->audit_config, kme->seal, kme->log, err)))
		return -1;
	if (open_store(kme, err) != 0)
		return -1;
	kme_maintain(kme);
	if (kme->network && !(kme->relay = relay_start(kme, err)))
		return -1;
	if (start_peers(kme, err) != 0 || (kme->kme_api && kme_start_kme_api(kme, err) != 0))
		return -1;
	if (kme_start_sae_api(kme, err) != 0)
		return -1;
	kme->watch->admin = kme->admin_options ? admin_start(kme, err) : NULL;
	return kme->admin_options && !kme->watch->admin ? -1 : 0;
}

struct expiry {
	struct qv_keystore_visit visit; /* first */
	struct kme *kme;
	size_t count;
};

static int report_expired(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	struct expiry *expiry = (struct expiry *)visit;
	char id[1][UUID_TEXT];
	(void)err;
	expiry->count++;
	snprintf(id[0], sizeof id[0], "%s", promise->key_id);
	event_report(expiry->kme, &(struct event){ .kind = EVENT_EXPIRED,
						   .master = promise->master,
						   .slave = promise->slave,
						   .key_ids = (const char(*)[UUID_TEXT])id,
						   .count = 1 });
	return 0;
}

static void tell_expired_crl(const struct kme *kme, const struct qv_options *api, const struct tls *tls)
{
	if (tls && tls_crl_until(tls) > 0 && tls_crl_until(tls) < time(NULL))
		qv_log_error(kme->log,
			     "%s: the CRL has expired: nobody is admitted until there is a new one and a reload",
			     qv_options_where(api, "crl"));
}

/* Another process on the same store may have died. */
static void adopt(struct kme *kme)
{
	struct qv_error err = QV_ERROR_INIT;
	if ((kme->store_class->traits & QV_KEYSTORE_SHARED) && undo_left_overs(kme, &err) != 0)
		qv_log_error(kme->log, "what other processes left is not looked for: %s", err.message);
}

void kme_maintain(struct kme *kme)
{
	tell_expired_crl(kme, kme->sae_api, kme->sae_tls);
	tell_expired_crl(kme, kme->kme_api, kme->kme_tls);
	if (kme->sae_server)
		adopt(kme);
	struct qv_error err = QV_ERROR_INIT;
	struct expiry expiry = { .visit.promise = report_expired, .kme = kme };
	int64_t now = wall_clock(), gone;
	do
		gone = kme->store_class->purge(kme->store, now, now - FORGET_AFTER_NS, PURGE_AT_ONCE, &expiry.visit,
					       &err);
	while (gone == PURGE_AT_ONCE);
	if (gone < 0)
		qv_log_error(kme->log, "expired keys are not removed: %s", err.message);
	if (expiry.count > 0)
		qv_log_warning(kme->log, "%zu keys expired that their slave SAEs did not fetch", expiry.count);
}

static void free_peer(struct peer *peer)
{
	peer_client_free(peer->client);
	link_release(peer->link);
	qv_role_free(&peer->link_role);
	qv_options_free(peer->options);
	free(peer->host_name);
}

static void free_configuration(struct kme *kme)
{
	for (size_t i = 0; i < kme->peer_count; i++)
		free_peer(&kme->peers[i]);
	free(kme->peers);
	for (size_t i = 0; i < kme->sae_count; i++) {
		qv_options_free(kme->sae_options[i]);
		free(kme->saes[i].budget);
	}
	free(kme->sae_options);
	free(kme->saes);
	qv_options_free(kme->admin_options);
	qv_options_free(kme->audit_options);
	network_release(kme->network);
	tls_release(kme->sae_tls);
	tls_release(kme->kme_tls);
	qv_role_free(&kme->wanted_store);
	qv_options_free(kme->keys);
	qv_options_free(kme->kme_api);
	qv_options_free(kme->sae_api);
	qv_options_free(kme->top);
	qv_config_free(kme->file);
	free(kme);
}

struct kme *kme_new(struct site *site, struct qv_log *log)
{
	struct kme *kme = calloc(1, sizeof *kme);
	if (!kme)
		return NULL;
	atomic_init(&kme->references, 1);
	kme->site = site;
	kme->log = log;
	kme->generation = 1;
	return kme;
}

struct kme *kme_hold(struct site *site)
{
	pthread_mutex_lock(&site->lock);
	struct kme *kme = site->current;
	atomic_fetch_add(&kme->references, 1);
	pthread_mutex_unlock(&site->lock);
	return kme;
}

void kme_release(struct kme *kme)
{
	if (kme && atomic_fetch_sub(&kme->references, 1) == 1)
		free_configuration(kme);
}

void kme_stop(struct kme *kme)
{
	struct seal *seal = kme->seal;
	struct qv_loader *loader = kme->loader;
	struct watch *watch = kme->watch;
	server_stop(kme->sae_server);
	server_stop(kme->kme_server);
	relay_stop(kme->relay);
	peers_stop(kme, NULL);
	/* Nobody is left who reports an event. */
	if (kme->watch)
		admin_stop(kme->watch->admin);
	if (kme->store)
		kme->store_class->close(kme->store);
	audit_close(kme->audit);
	qv_role_free(&kme->store_role);
	qv_log_free(kme->store_log);
	kme_release(kme);
	seal_free(seal);
	qv_loader_free(loader);
	watch_free(watch);
}
