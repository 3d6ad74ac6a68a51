/* SPDX-License-Identifier: Apache-2.0 */
/* What two KMEs compare their pools of a link with. */
#include <stdlib.h>

#include "store.h"

static int copy_label(struct key_list *copies, const char *label, struct qv_error *err)
{
	struct qv_pool_key bare = { label, { NULL, 0 } };
	struct pool_key *copy = pool_key_new(&bare, 0, err);
	if (copy)
		list_append(copies, copy);
	return copy ? 0 : -1;
}

static int visit_labels(struct key_list *copies, int result, struct qv_keystore_visit *visit, struct qv_error *err)
{
	for (struct pool_key *key = copies->first; key && result == 0; key = key->next) {
		struct qv_pool_key given = { key->label, { NULL, 0 } };
		result = visit->pool_key(visit, &given, err);
	}
	pool_free_list(copies);
	return result;
}

/* Keys that are held back are left out: a request has found them to be lacking already. */
int store_walk(struct qv_keystore *store, const char *link_name, unsigned lane, int64_t before, size_t max,
	       int64_t *position, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct key_list copies = { NULL, NULL };
	pthread_mutex_lock(&store->lock);
	struct link *link = link_get(store, link_name, err);
	int result = link ? 0 : -1;
	struct pool_key *key = link ? link->lanes[lane].free.first : NULL;
	for (size_t count = 0; key && result == 0 && count < max; key = key->next) {
		if ((int64_t)key->age < *position || key->imported >= before)
			continue;
		result = copy_label(&copies, key->label, err);
		*position = (int64_t)key->age + 1;
		count++;
	}
	pthread_mutex_unlock(&store->lock);
	return visit_labels(&copies, result, visit, err);
}

int store_lacking(struct qv_keystore *store, const char *link_name, unsigned lane, const char *const *labels,
		  size_t count, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct key_list copies = { NULL, NULL };
	pthread_mutex_lock(&store->lock);
	struct link *link = link_get(store, link_name, err);
	int result = link ? 0 : -1;
	for (size_t i = 0; i < count && result == 0; i++) {
		const struct pool_key *key = pool_find(store, link, labels[i]);
		if (!key || key->lane != lane)
			result = copy_label(&copies, labels[i], err);
	}
	pthread_mutex_unlock(&store->lock);
	return visit_labels(&copies, result, visit, err);
}

int64_t store_discard(struct qv_keystore *store, const char *link_name, unsigned lane, const char *const *labels,
		      size_t count, struct qv_error *err)
{
	int64_t gone = 0;
	pthread_mutex_lock(&store->lock);
	struct link *link = link_get(store, link_name, err);
	for (size_t i = 0; link && i < count; i++) {
		struct pool_key *key = pool_find(store, link, labels[i]);
		if (!key || key->lane != lane || key->request)
			continue;
		pool_remove(store, key);
		free(key);
		gone++;
	}
	pthread_mutex_unlock(&store->lock);
	return link ? gone : -1;
}
