/* SPDX-License-Identifier: Apache-2.0 */
#include "farewell.h"

#include "succession.h"

/* With the lock held. */
static struct qv_call_control *take(struct departed *departed)
{
	struct qv_call_control *control = departed->control;
	departed->control = NULL;
	return control;
}

/* With the lock held: a free place, or that of the one that has waited longest. */
static struct departed *find_place(struct visio *visio)
{
	struct departed *oldest = &visio->departed[0];
	for (size_t i = 0; i < CALLS_MAX; i++) {
		if (!visio->departed[i].control)
			return &visio->departed[i];
		if (visio->departed[i].until_ns < oldest->until_ns)
			oldest = &visio->departed[i];
	}
	return oldest;
}

static void put(struct visio *visio, const struct departed *departed)
{
	pthread_mutex_lock(&visio->lock);
	struct departed *place = find_place(visio);
	struct qv_call_control *old = take(place);
	*place = *departed;
	pthread_mutex_unlock(&visio->lock);
	qv_call_control_free(old);
}

void farewell_keep(struct conversation *talk)
{
	/* Ours is how long we would have waited; the caller, who looks, has its own. */
	int64_t wait_ns = 2 * talk->renewal.reconnect_ms * QV_NS_PER_MS;
	struct departed departed = { .control = talk->control, .session = talk->session };
	departed.session.session = NULL;
	departed.until_ns = qv_clock_now(&qv_clock_monotonic) + wait_ns;
	if (qv_call_control_untold(talk->control))
		put(talk->visio, &departed);
	else
		qv_call_control_free(talk->control);
	talk->control = NULL;
}

/* With the lock held: somebody who hung up on this SAE; those that have waited too long are dropped. */
static bool find(struct visio *visio, size_t number, const struct qv_secure_session *session, struct departed *found)
{
	struct departed *departed = &visio->departed[number];
	struct qv_error why = QV_ERROR_INIT;
	if (departed->control && departed->until_ns <= qv_clock_now(&qv_clock_monotonic))
		qv_call_control_free(take(departed));
	if (!departed->control || succession_check(&departed->session, session, &why) != 0)
		return false;
	*found = *departed;
	departed->control = NULL;
	return true;
}

int farewell_say(struct visio *visio, const struct qv_secure_session *session, int fd,
		 const struct qv_greeting *greeting, struct qv_error *err)
{
	struct qv_link link = { session->tls, session->session, fd };
	int status = -1;
	for (size_t i = 0; i < CALLS_MAX && status != 0; i++) {
		struct departed departed;
		pthread_mutex_lock(&visio->lock);
		bool meant = find(visio, i, session, &departed);
		pthread_mutex_unlock(&visio->lock);
		if (!meant)
			continue;
		status = qv_call_control_farewell(departed.control, greeting, &link, &visio->settings.host, err);
		if (status == 0 || !qv_call_control_untold(departed.control))
			qv_call_control_free(departed.control);
		else
			put(visio, &departed);
	}
	return status;
}

void farewell_forget(struct visio *visio)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		qv_call_control_free(take(&visio->departed[i]));
}
