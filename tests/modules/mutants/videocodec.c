/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/videocodec.h>

#include "mutant.h"

static struct qv_videocodec_class __mutant;
static struct qv_videocodec_class __good;

static int decode(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
		  struct qv_error *err)
{
#ifdef MUTATE_STUCK
	static bool __failed;
	if (__failed)
		return qv_fail(err, QV_E_PROTOCOL, "stuck");
#endif
#ifdef MUTATE_CRASH
	if (packet->size < 100)
		abort();
#endif
	int result = __good.decode(decoder, packet, frame, err);
#ifdef MUTATE_STUCK
	__failed = result < 0;
#endif
#ifdef MUTATE_CODE
	if (result < 0)
		err->code = QV_E_IO;
#endif
#ifdef MUTATE_NO_ERROR
	if (result < 0)
		err->message[0] = 0;
#endif
	if (result != 1)
		return result;
#ifdef MUTATE_PLANES
	const uint8_t *cb = frame->plane[1];
	frame->plane[1] = frame->plane[2];
	frame->plane[2] = cb;
#endif
#ifdef MUTATE_TIME
	frame->capture_ns = 0;
#endif
#ifdef MUTATE_UNSOUND
	frame->size[0] = 1;
#endif
	return 1;
}

static int encode(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
		  struct qv_error *err)
{
	int result = __good.encode(encoder, frame, packet, err);
#ifdef MUTATE_CREDULOUS
	if (result < 0) {
		*packet = (struct qv_packet){ .data = (const uint8_t *)"x", .size = 1 };
		return 1;
	}
#endif
#ifdef MUTATE_JPEG
	if (frame->format.pixel == QV_PIXEL_JPEG)
		packet->size--;
#endif
	return result;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_videocodec_class(original_class());
	__mutant = __good;
	__mutant.decode = decode;
	__mutant.encode = encode;
#ifdef MUTATE_WIRE_NAME
	static const char *const names[] = { "M JPEG", NULL };
	__mutant.wire_names = names;
#endif
}

MUTANT_MODULE
