/* SPDX-License-Identifier: Apache-2.0 */
/* JSON bodies of relay in the inter-KME API. Hostile input, as in body.h: a failure is QV_E_INVALID. */
#ifndef KME_RELAY_BODY_RELAY_H
#define KME_RELAY_BODY_RELAY_H

#include <qvisio/relay.h>

#include "confirm.h"
#include "session.h"
#include "trouble.h"

#define MODULE_NAME_MAX 64

/* relay/open: the destination is to collect keys. Freed with relay_open_clear, also after a failure. */
struct relay_open {
	char session[SESSION_TEXT];
	char module[MODULE_NAME_MAX + 1];
	char digest[2 * QV_RELAY_DIGEST_SIZE + 1]; /* hexadecimal digits */
	struct qv_relay_session size;
	struct activation activation; /* without labels */
};

int relay_open_json(struct relay_open *open, const char *body, size_t size, struct qv_error *err);
char *relay_open_text(const struct relay_open *open); /* freed by the caller; NULL without memory */
void relay_open_clear(struct relay_open *open);

/* relay/news: what the destination has. */
struct relay_news {
	char session[SESSION_TEXT];
	bool rebuilt, last;
};
int relay_news_json(struct relay_news *news, const char *body, size_t size, struct qv_error *err);
char *relay_news_text(const struct relay_news *news);

/* relay/trouble. */
struct relay_trouble {
	char session[SESSION_TEXT];
	char from[QV_TOPOLOGY_ID_MAX + 1], to[QV_TOPOLOGY_ID_MAX + 1];
	enum trouble_cause cause;
};
int relay_trouble_json(struct relay_trouble *trouble, const char *body, size_t size, struct qv_error *err);

/* relay/confirm, its answer, relay/commit, relay/close. */
struct relay_confirm {
	char session[SESSION_TEXT];
	unsigned time;
	uint8_t challenge[CONFIRM_CHALLENGE];
};
int relay_confirm_json(struct relay_confirm *confirm, const char *body, size_t size, struct qv_error *err);
char *relay_confirm_text(const struct relay_confirm *confirm);
int relay_tag_json(uint8_t tag[CONFIRM_TAG], const char *body, size_t size, struct qv_error *err);

struct relay_commit {
	char session[SESSION_TEXT];
	char request[UUID_TEXT];
	uint8_t token[CONFIRM_TOKEN];
};
int relay_commit_json(struct relay_commit *commit, const char *body, size_t size, struct qv_error *err);
char *relay_commit_text(const struct relay_commit *commit);

int relay_close_json(char session[SESSION_TEXT], const char *body, size_t size, struct qv_error *err);

#endif
