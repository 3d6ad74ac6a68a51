/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>
#include <time.h>

const struct qv_video_format parts_video_format = { QV_PIXEL_I420, QV_RANGE_FULL, 16, 16, 30, 1 };
struct parts parts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void parts_lock(void)
{
	pthread_mutex_lock(&lock);
}

void parts_changed(void)
{
	pthread_cond_broadcast(&changed);
}

void parts_unlock(void)
{
	parts_changed();
	pthread_mutex_unlock(&lock);
}

bool parts_await(const struct timespec *deadline)
{
	if (deadline)
		return pthread_cond_timedwait(&changed, &lock, deadline) == 0;
	return pthread_cond_wait(&changed, &lock) == 0;
}

void parts_reset(void)
{
	parts_lock();
	memset(&parts, 0, sizeof parts);
	parts.video_frames = parts.audio_blocks = 20;
	parts.video_interval_ms = 5;
	parts.audio_interval_ms = 5;
	parts.video_packet = 40000;
	parts.same_sink_thread = true;
	parts_unlock();
}

bool parts_wait(const int *counter, int value)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 10;
	parts_lock();
	while (*counter < value && parts_await(&deadline))
		continue;
	bool reached = *counter >= value;
	parts_unlock();
	return reached;
}

void parts_release(void)
{
	parts_lock();
	parts.show_blocks = false;
	parts_unlock();
}
