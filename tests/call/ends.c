/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

void end_init(struct end *end, int fd)
{
	*end = (struct end){ .link = { &plain_tls, plain_session(fd), fd } };
	end->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	end->host = (struct qv_host){ sizeof end->host, NULL, &qv_clock_monotonic, end->cancel_fd, NULL };
	end->send.program = "sender 1";
	end->send.video_source = &video_source_role;
	end->send.video_codecs = &video_codec_role;
	end->send.video_codec_count = 1;
	end->send.audio_source = &audio_source_role;
	end->send.audio_codecs = &audio_codec_role;
	end->send.audio_codec_count = 1;
	end->receive.program = "receiver 1";
	end->receive.video_sinks = &video_sink_role;
	end->receive.video_sink_count = 1;
	end->receive.audio_sinks = &audio_sink_role;
	end->receive.audio_sink_count = 1;
	end->receive.video_codecs = &video_codec_role;
	end->receive.video_codec_count = 1;
	end->receive.audio_codecs = &audio_codec_role;
	end->receive.audio_codec_count = 1;
}

static void *run_sender(void *argument)
{
	struct end *end = argument;
	end->outcome = qv_call_send(&end->link, &end->send, &end->host, end->observer, &end->result, &end->err);
	return NULL;
}

static void *run_receiver(void *argument)
{
	struct end *end = argument;
	end->outcome = qv_call_receive(&end->link, &end->receive, &end->host, end->observer, &end->result, &end->err);
	return NULL;
}

void end_start_sender(struct end *end)
{
	pthread_create(&end->thread, NULL, run_sender, end);
}

void end_start_receiver(struct end *end)
{
	pthread_create(&end->thread, NULL, run_receiver, end);
}

void end_cancel(struct end *end)
{
	eventfd_write(end->cancel_fd, 1);
}

void end_join(struct end *end)
{
	pthread_join(end->thread, NULL);
}

void end_clear(struct end *end)
{
	free(end->link.session);
	if (end->link.fd >= 0)
		close(end->link.fd);
	close(end->cancel_fd);
}
