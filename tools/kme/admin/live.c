/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING  256 /* events kept */
#define FIRST 50  /* of them for a page that opens */
#define BLOCK 4096
#define RETRY "retry: 2000\n\n"

struct client {
	struct client *next;
	struct live *live;
	struct MHD_Connection *connection;
	bool suspended;
	uint64_t event, state; /* the newest that it got */
	char *message;         /* on its way */
	size_t size, sent;
};

struct live {
	pthread_mutex_t lock;
	bool stopping;
	unsigned clients_max, client_count;
	struct client *clients;
	uint64_t last; /* number of the newest event; they count from 1 */
	char *ring[RING];
	char *state;
	uint64_t state_number;
};

struct live *live_new(unsigned clients_max, struct qv_error *err)
{
	struct live *live = calloc(1, sizeof *live);
	if (!live) {
		qv_fail(err, QV_E_NOMEM, "no memory for live events");
		return NULL;
	}
	live->clients_max = clients_max;
	pthread_mutex_init(&live->lock, NULL);
	return live;
}

/* Called with the lock. */
static void wake(struct live *live)
{
	for (struct client *client = live->clients; client; client = client->next)
		if (client->suspended) {
			client->suspended = false;
			MHD_resume_connection(client->connection);
		}
}

void live_event(struct live *live, json_t *event)
{
	char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	if (!text)
		return;
	pthread_mutex_lock(&live->lock);
	char **slot = &live->ring[++live->last % RING];
	free(*slot);
	*slot = text;
	wake(live);
	pthread_mutex_unlock(&live->lock);
}

void live_state(struct live *live, const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		return;
	pthread_mutex_lock(&live->lock);
	free(live->state);
	live->state = copy;
	live->state_number++;
	wake(live);
	pthread_mutex_unlock(&live->lock);
}

/* The next message of a client, or none. Called with the lock. */
static int next_message(struct client *client)
{
	struct live *live = client->live;
	uint64_t oldest = live->last >= RING ? live->last - RING + 1 : 1;
	int length = 0;
	if (client->event + 1 < oldest) {
		length = asprintf(&client->message, "event: missed\ndata: %" PRIu64 "\n\n", oldest - client->event - 1);
		client->event = oldest - 1;
	} else if (client->event < live->last) {
		client->event++;
		length = asprintf(&client->message, "id: %" PRIu64 "\nevent: key\ndata: %s\n\n", client->event,
				  live->ring[client->event % RING]);
	} else if (client->state < live->state_number) {
		client->state = live->state_number;
		length = asprintf(&client->message, "event: state\ndata: %s\n\n", live->state);
	} else {
		return 0;
	}
	if (length < 0) {
		client->message = NULL;
		return -1;
	}
	client->size = (size_t)length;
	client->sent = 0;
	return 1;
}

static ssize_t give(void *context, uint64_t position, char *out, size_t room)
{
	struct client *client = context;
	struct live *live = client->live;
	size_t used = 0;
	(void)position;
	pthread_mutex_lock(&live->lock);
	while (used < room && !live->stopping) {
		if (!client->message && next_message(client) <= 0)
			break;
		size_t rest = client->size - client->sent, part = rest < room - used ? rest : room - used;
		memcpy(out + used, client->message + client->sent, part);
		used += part;
		client->sent += part;
		if (client->sent == client->size) {
			free(client->message);
			client->message = NULL;
		}
	}
	ssize_t result = (ssize_t)used;
	if (used == 0 && live->stopping) {
		result = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (used == 0) {
		client->suspended = true;
		MHD_suspend_connection(client->connection);
	}
	pthread_mutex_unlock(&live->lock);
	return result;
}

static void forget(void *context)
{
	struct client *client = context;
	struct live *live = client->live;
	pthread_mutex_lock(&live->lock);
	for (struct client **at = &live->clients; *at; at = &(*at)->next)
		if (*at == client) {
			*at = client->next;
			live->client_count--;
			break;
		}
	pthread_mutex_unlock(&live->lock);
	free(client->message);
	free(client);
}

static struct client *add_client(struct live *live, struct MHD_Connection *connection, uint64_t after)
{
	struct client *client = calloc(1, sizeof *client);
	if (!client)
		return NULL;
	client->live = live;
	client->connection = connection;
	client->message = strdup(RETRY);
	client->size = sizeof RETRY - 1;
	pthread_mutex_lock(&live->lock);
	/* A number from before a restart means nothing any more. */
	client->event = after && after <= live->last ? after : live->last > FIRST ? live->last - FIRST : 0;
	bool room = client->message && !live->stopping && live->client_count < live->clients_max;
	if (room) {
		client->next = live->clients;
		live->clients = client;
		live->client_count++;
	}
	pthread_mutex_unlock(&live->lock);
	if (room)
		return client;
	free(client->message);
	free(client);
	return NULL;
}

struct MHD_Response *live_stream(struct live *live, struct MHD_Connection *connection, uint64_t after)
{
	struct client *client = add_client(live, connection, after);
	if (!client)
		return NULL;
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, client, forget);
	if (!response)
		forget(client);
	return response;
}

unsigned live_clients(struct live *live)
{
	pthread_mutex_lock(&live->lock);
	unsigned count = live->client_count;
	pthread_mutex_unlock(&live->lock);
	return count;
}

void live_stop(struct live *live)
{
	pthread_mutex_lock(&live->lock);
	live->stopping = true;
	wake(live);
	pthread_mutex_unlock(&live->lock);
}

void live_free(struct live *live)
{
	if (!live)
		return;
	for (size_t i = 0; i < RING; i++)
		free(live->ring[i]);
	free(live->state);
	pthread_mutex_destroy(&live->lock);
	free(live);
}
