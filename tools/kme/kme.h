/* SPDX-License-Identifier: Apache-2.0 */
/* The KME: its configuration and its parts. Made once by the main thread; the parts lock within. */
#ifndef KME_KME_H
#define KME_KME_H

#include <pthread.h>

#include <qvisio/keystore.h>
#include <qvisio/loader.h>
#include <qvisio/qkdlink.h>

#include "audit.h"
#include "identity.h"
#include "peer_client.h"
#include "seal.h"
#include "server.h"

struct peer;

struct sae {
	const char *id;
	struct peer *peer;        /* whose KME it belongs to; NULL: this one */
	struct identity identity; /* of a local SAE */
};

/* Another KME, and the link with it. */
struct peer {
	struct kme *kme;
	const char *kme_id;
	char *host_name; /* of the identity, when the configuration names none */
	struct identity identity;
	unsigned own_lane; /* this KME picks from it, the peer from the other */
	struct qv_options *options;
	struct qv_role link_role;
	const struct qv_qkdlink_class *link_class;
	struct qv_qkdlink *link;
	char cursors[QV_QKDLINK_LANES][QV_QKDLINK_CURSOR_MAX + 1]; /* where the open link has been read to */
	struct qv_log *log;
	struct qv_host host;
	struct peer_client *client;
	pthread_t feeder, undoer;
	bool feeder_runs, undoer_runs;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* keys were taken, there is something to undo, or the KME stops */
	bool stopping, hungry;
	struct pending_undo *undos;
};

struct key_limits {
	unsigned bytes, min_bytes, max_bytes; /* of a key */
	unsigned per_request;
	unsigned additional_slaves; /* of a request */
	int64_t stored;             /* per link and direction */
	int64_t lifetime;           /* ns that a key waits for its slave */
};

struct kme {
	struct qv_log *log;
	struct qv_config *file;
	struct qv_options *top, *sae_api, *kme_api, *keys;
	struct qv_loader *loader;
	const char *id;
	struct key_limits limits;
	struct seal *seal;
	struct qv_options *audit_options;
	struct audit_config audit_config; /* no path: no audit log */
	struct audit *audit;
	struct qv_role store_role;
	const struct qv_keystore_class *store_class;
	struct qv_keystore *store;
	struct qv_host store_host;
	struct qv_log *store_log;
	struct sae *saes;
	struct qv_options **sae_options;
	size_t sae_count;
	struct peer *peers;
	size_t peer_count;
	struct server *sae_server, *kme_server;
};

/* Reads and checks the whole configuration, and loads the modules that it names. Opens nothing. */
int kme_configure(struct kme *kme, const char *path, struct qv_error *err);

/* Opens the store and the links, starts the listeners and threads. */
int kme_start(struct kme *kme, struct qv_error *err);

/* Ends everything and frees it; fine after any failure. */
void kme_stop(struct kme *kme);

/* Drops what has expired; called now and then. */
void kme_maintain(struct kme *kme);

struct sae *kme_sae(struct kme *kme, const char *id);
struct peer *kme_peer(struct kme *kme, const char *kme_id);

int64_t wall_clock(void); /* ns of CLOCK_REALTIME */

#endif
