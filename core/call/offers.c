/* SPDX-License-Identifier: Apache-2.0 */
#include "offers.h"

#include <stdio.h>

#include <qvisio/audiocodec.h>
#include <qvisio/videocodec.h>

/* Picture and sound are numbered in turn, so that each kind's first stream has the number that it always had. */
#define STREAM_STEP 2

static int describe(struct qv_stream_offer *stream, const struct qv_role *codec, struct qv_error *err)
{
	size_t block_frames;
	if (stream->kind == QV_STREAM_VIDEO) {
		snprintf(stream->codec, sizeof stream->codec, "%s",
			 qv_videocodec_wire_name(qv_videocodec_class(codec->class), codec->options));
		return 0;
	}
	const struct qv_audiocodec_class *class = qv_audiocodec_class(codec->class);
	if (class->plan(codec->options, &stream->audio, &block_frames, err) != 0)
		return qv_error_prefix(err, "audio codec \"%s\"", class->head.name);
	stream->block_frames = (uint32_t)block_frames;
	snprintf(stream->codec, sizeof stream->codec, "%s", class->wire_name);
	return 0;
}

int offers_add(struct offers *offers, const struct qv_stream_offer *first, const struct qv_role *codecs, size_t count,
	       struct qv_error *err)
{
	offers->entry[offers->count++] = (struct offered){ *first, &codecs[0] };
	for (size_t i = 1; i < count; i++) {
		struct offered *offered = &offers->entry[offers->count];
		*offered = (struct offered){ *first, &codecs[i] };
		offered->stream.stream = (uint16_t)(first->stream + STREAM_STEP * i);
		if (describe(&offered->stream, &codecs[i], err) != 0)
			return -1;
		offers->count++;
	}
	return 0;
}

void offers_say(const struct offers *offers, struct qv_hello *hello)
{
	for (size_t i = 0; i < offers->count; i++)
		hello->offer[hello->offers++] = offers->entry[i].stream;
}

static bool fits(const struct qv_hello *takes, const struct qv_stream_offer *offer)
{
	for (size_t i = 0; i < takes->takes; i++)
		if (qv_stream_take_fits(&takes->take[i], offer))
			return true;
	return false;
}

void offers_say_fitting(const struct offers *offers, const struct qv_hello *takes, struct qv_hello *hello)
{
	bool said[QV_STREAM_AUDIO + 1] = { false };
	for (size_t i = 0; i < offers->count; i++) {
		const struct qv_stream_offer *stream = &offers->entry[i].stream;
		if (said[stream->kind] || !fits(takes, stream))
			continue;
		said[stream->kind] = true;
		hello->offer[hello->offers++] = *stream;
	}
}

const struct offered *offers_find(const struct offers *offers, uint16_t stream)
{
	for (size_t i = 0; i < offers->count; i++)
		if (offers->entry[i].stream.stream == stream)
			return &offers->entry[i];
	return NULL;
}
