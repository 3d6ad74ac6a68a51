/* SPDX-License-Identifier: Apache-2.0 */
#include "mirror.h"

/* Decoded pictures a second: enough to see oneself, and little beside what the encoder of another codec would take. */
#define MIRROR_FPS 10

static bool open_decoder(struct mirror *mirror, const struct qv_video_format *format)
{
	struct qv_error why = QV_ERROR_INIT;
	const char *name = qv_videocodec_wire_name(mirror->class, mirror->codec->options);
	if (mirror->decoder || mirror->failed)
		return mirror->decoder;
	mirror->decoder = mirror->class->decoder_open(mirror->host, mirror->codec->options, name, format, &why);
	mirror->failed = !mirror->decoder;
	if (mirror->failed)
		qv_log_warning(mirror->host->log, "our own picture cannot be shown: %s", why.message);
	return mirror->decoder;
}

static void show_decoded(struct mirror *mirror, struct window *window, const struct qv_frame *jpeg)
{
	struct qv_packet packet = { .data = jpeg->plane[0],
				    .size = jpeg->size[0],
				    .capture_ns = jpeg->capture_ns,
				    .sequence = jpeg->sequence,
				    .key = true };
	struct qv_frame frame;
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (!window_wants_mirror(window) || now < mirror->due_ns || !open_decoder(mirror, &jpeg->format))
		return;
	mirror->due_ns = now + QV_NS_PER_SECOND / MIRROR_FPS;
	/* What cannot be decoded here the peer will tell of. */
	if (mirror->class->decode(mirror->decoder, &packet, &frame, NULL) == 1)
		window_mirror(window, &frame);
}

void mirror_show(struct mirror *mirror, struct window *window, const struct qv_frame *frame)
{
	if (frame && frame->format.pixel == QV_PIXEL_JPEG)
		show_decoded(mirror, window, frame);
	else
		window_mirror(window, frame);
}

void mirror_clear(struct mirror *mirror)
{
	if (mirror->decoder)
		mirror->class->decoder_close(mirror->decoder);
	mirror->decoder = NULL;
	mirror->failed = false;
}
