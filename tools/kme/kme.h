/* SPDX-License-Identifier: Apache-2.0 */
/* The KME: its configurations and its parts. */
#ifndef KME_KME_H
#define KME_KME_H

#include <pthread.h>
#include <stdatomic.h>

#include <qvisio/keystore.h>
#include <qvisio/loader.h>
#include <qvisio/qkdlink.h>

#include "audit.h"
#include "bucket.h"
#include "identity.h"
#include "peer_client.h"
#include "seal.h"
#include "server.h"

struct network;
struct peer;
struct relay;
struct watch;

struct sae {
	const char *id;
	struct peer *peer;         /* whose KME it belongs to; NULL: this one */
	struct identity identity;  /* of a local SAE */
	struct sae_budget *budget; /* owned; of a local SAE */
};

/* What a local SAE may ask for. The buckets begin full with each configuration. */
struct sae_budget {
	unsigned max_bytes, per_request; /* at most those of the KME */
	struct bucket keys, requests;
};

/* Another KME, as one configuration has it. */
struct peer {
	struct kme *kme;
	const char *kme_id;
	char *host_name; /* of the identity, when the configuration names none */
	struct identity identity;
	bool linked;       /* by QKD, as the configuration has it */
	unsigned own_lane; /* this KME picks from it, the peer from the other */
	struct qv_options *options;
	struct qv_role link_role;
	struct link *link;        /* counted; goes on through new configurations */
	const struct qv_log *log; /* of the link */
	struct peer_client *client;
};

struct key_limits {
	unsigned bytes, min_bytes, max_bytes; /* of a key */
	unsigned per_request;
	unsigned additional_slaves; /* of a request */
	int64_t stored;             /* per link and direction */
	int64_t lifetime;           /* ns that a key waits for its slave */
	int64_t lag;                /* ns that a link key may be at one end only */
};

/*
 * What is done now by the configuration that is current. Requests and threads hold it while they work with it, so that
 * each sees one configuration from its start to its end.
 */
struct site {
	pthread_mutex_t lock;
	struct kme *current;
};

/* The KME by one configuration. Nothing here changes once it is current; what changes lies in the parts, which lock. */
struct kme {
	struct site *site;
	atomic_uint references;
	uint64_t generation; /* 1 for the first configuration, one more for each next */
	struct qv_log *log;
	struct qv_config *file;
	struct qv_options *top, *sae_api, *kme_api, *keys;
	enum qv_log_level log_level;
	const char *id;
	struct key_limits limits;
	struct sae *saes;
	struct qv_options **sae_options;
	size_t sae_count;
	struct peer *peers;
	size_t peer_count;
	struct qv_options *audit_options;
	struct qv_options *admin_options; /* NULL: no admin interface */
	struct audit_config audit_config; /* no path: no audit log */
	struct tls *sae_tls, *kme_tls;    /* counted */
	struct network *network;          /* counted; NULL: no keys are relayed */
	struct qv_role wanted_store;      /* becomes store_role when the store is opened */

	/* Parts that all configurations share: opened with the first one, then passed on (inherit in reload.c). */
	struct qv_loader *loader;
	struct seal *seal;
	struct qv_role store_role;
	const struct qv_keystore_class *store_class;
	struct qv_keystore *store;
	struct qv_host store_host;
	struct qv_log *store_log;
	struct audit *audit;
	struct watch *watch;
	struct relay *relay; /* NULL as long as no keys are relayed */
	struct server *sae_server, *kme_server;
};

/* The first configuration of a site, still empty. NULL: no memory. */
struct kme *kme_new(struct site *site, struct qv_log *log);

/* Reads and checks the whole configuration, and loads the modules that it names. Opens no part. */
int kme_configure(struct kme *kme, const char *path, struct qv_error *err);

/* Opens the store and the links, starts the listeners and threads. */
int kme_start(struct kme *kme, struct qv_error *err);

/*
 * Reads the configuration and its files anew. A bad one is refused whole, and the current one stays. What needs a restart
 * is logged and stays as it is. Main thread.
 */
int kme_reload(struct site *site, const char *path, struct qv_error *err);

int kme_start_sae_api(struct kme *kme, struct qv_error *err);
int kme_start_kme_api(struct kme *kme, struct qv_error *err);

/* Ends all parts and frees the current configuration; fine after any failure. */
void kme_stop(struct kme *kme);

/* The current configuration, held until it is released. Any thread. */
struct kme *kme_hold(struct site *site);
void kme_release(struct kme *kme); /* NULL is fine */

/* Drops what has expired; called now and then. */
void kme_maintain(struct kme *kme);

struct sae *kme_sae(struct kme *kme, const char *id);
struct peer *kme_peer(struct kme *kme, const char *kme_id);

int64_t wall_clock(void); /* ns of CLOCK_REALTIME */

#endif
