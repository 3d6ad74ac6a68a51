/* SPDX-License-Identifier: Apache-2.0 */
/* HELLO and WELCOME: a fixed head, then fields as type, length, value, so that later versions can add some. */
#include <qvisio/session.h>

#include "bytes.h"
#include "text.h"

enum {
	FIELD_PROGRAM = 1,
	FIELD_VIDEO = 2,
	FIELD_AUDIO = 3,
	FIELD_ACCEPT = 4,
	FIELD_TAKE = 5,         /* since 1.1 */
	FIELD_TRANSPORT = 6,    /* since 1.2 */
	FIELD_CONFERENCE = 7,   /* since 1.2 */
	FIELD_OTP = 8,          /* since 1.2 */
	FIELD_RESUMPTION = 9,   /* since 1.2 */
	FIELD_REPAIRS = 10,     /* since 1.2 */
	FIELD_CRITICAL = 0x8000 /* a reader that does not know the type must give up */
};

#define REPAIRS_CODE 1

static const uint8_t magic[4] = { 'Q', 'V', 'I', 'S' };

static int check_offer(const struct qv_hello *hello, size_t index, struct qv_error *err)
{
	const struct qv_stream_offer *offer = &hello->offer[index];
	if (offer->stream == 0)
		return qv_fail(err, QV_E_INVALID, "a stream is offered under the number 0");
	for (size_t i = 0; i < index; i++)
		if (hello->offer[i].stream == offer->stream)
			return qv_fail(err, QV_E_INVALID, "two streams are offered under the number %u", offer->stream);
	if (!offer->codec[0])
		return qv_fail(err, QV_E_INVALID, "stream %u names no codec", offer->stream);
	for (const char *c = offer->codec; *c; c++)
		if (*c <= ' ' || *c > '~')
			return qv_fail(err, QV_E_INVALID, "the codec name of stream %u is not printable ASCII",
				       offer->stream);
	if (offer->kind == QV_STREAM_VIDEO)
		return qv_video_format_check(&offer->video, err);
	if (qv_audio_format_check(&offer->audio, err) != 0)
		return -1;
	if (offer->block_frames < 1 || offer->block_frames > (uint32_t)offer->audio.rate)
		return qv_fail(err, QV_E_INVALID, "sound blocks of %u samples are outside 1 to a second",
			       offer->block_frames);
	return 0;
}

static void put_field(struct writer *out, unsigned type, const struct writer *value)
{
	put_number(out, type, 2);
	put_number(out, value->used, 2);
	put_bytes(out, value->bytes, value->used);
}

static void put_offer(struct writer *out, const struct qv_stream_offer *offer)
{
	uint8_t bytes[32 + QV_SESSION_NAME_MAX];
	struct writer value = { .bytes = bytes, .room = sizeof bytes };
	put_number(&value, offer->stream, 2);
	if (offer->kind == QV_STREAM_VIDEO) {
		put_number(&value, (uint64_t)offer->video.width, 2);
		put_number(&value, (uint64_t)offer->video.height, 2);
		put_number(&value, (uint64_t)offer->video.fps_num, 4);
		put_number(&value, (uint64_t)offer->video.fps_den, 4);
		put_number(&value, offer->video.range, 1);
	} else {
		put_number(&value, (uint64_t)offer->audio.rate, 4);
		put_number(&value, (uint64_t)offer->audio.channels, 1);
		put_number(&value, offer->block_frames, 4);
	}
	size_t length = strnlen(offer->codec, QV_SESSION_NAME_MAX);
	put_number(&value, length, 1);
	put_bytes(&value, offer->codec, length);
	put_field(out, offer->kind == QV_STREAM_VIDEO ? FIELD_VIDEO : FIELD_AUDIO, &value);
}

static int check_codec(const char *codec, struct qv_error *err)
{
	for (const char *c = codec; *c; c++)
		if (*c <= ' ' || *c > '~')
			return qv_fail(err, QV_E_INVALID, "a codec name is not printable ASCII");
	return codec[0] ? 0 : qv_fail(err, QV_E_INVALID, "a codec has no name");
}

static int check_take(const struct qv_stream_take *take, struct qv_error *err)
{
	if (check_codec(take->codec, err) != 0)
		return -1;
	if (take->kind == QV_STREAM_VIDEO) {
		if (take->width < 1 || take->width > QV_VIDEO_SIDE_MAX || take->height < 1 ||
		    take->height > QV_VIDEO_SIDE_MAX || take->fps < 0)
			return qv_fail(err, QV_E_INVALID, "pictures of %dx%d at %d a second cannot be taken",
				       take->width, take->height, take->fps);
		return 0;
	}
	struct qv_audio_format most = { take->rate, take->channels };
	return qv_audio_format_check(&most, err);
}

bool qv_stream_take_fits(const struct qv_stream_take *take, const struct qv_stream_offer *offer)
{
	if (take->kind != offer->kind || strcmp(take->codec, offer->codec) != 0)
		return false;
	if (take->kind == QV_STREAM_AUDIO)
		return offer->audio.rate <= take->rate && offer->audio.channels <= take->channels;
	const struct qv_video_format *video = &offer->video;
	bool slow = take->fps == 0 || (int64_t)video->fps_num <= (int64_t)take->fps * video->fps_den;
	return video->width <= take->width && video->height <= take->height && slow;
}

static void put_take(struct writer *out, const struct qv_stream_take *take)
{
	uint8_t bytes[32 + QV_SESSION_NAME_MAX];
	struct writer value = { .bytes = bytes, .room = sizeof bytes };
	put_number(&value, take->kind, 1);
	if (take->kind == QV_STREAM_VIDEO) {
		put_number(&value, (uint64_t)take->width, 2);
		put_number(&value, (uint64_t)take->height, 2);
		put_number(&value, (uint64_t)take->fps, 2);
	} else {
		put_number(&value, (uint64_t)take->rate, 4);
		put_number(&value, (uint64_t)take->channels, 1);
	}
	size_t length = strnlen(take->codec, QV_SESSION_NAME_MAX);
	put_number(&value, length, 1);
	put_bytes(&value, take->codec, length);
	put_field(out, FIELD_TAKE, &value);
}

int qv_hello_encode(const struct qv_hello *hello, uint8_t *bytes, size_t room, struct qv_error *err)
{
	struct writer out = { .bytes = bytes, .room = room };
	if (hello->offers > QV_SESSION_STREAMS_MAX || hello->accepts > QV_SESSION_STREAMS_MAX ||
	    hello->takes > QV_SESSION_TAKES_MAX)
		return qv_fail(err, QV_E_INVALID, "more than %d streams in a session", QV_SESSION_STREAMS_MAX);
	put_bytes(&out, magic, sizeof magic);
	put_number(&out, hello->major, 2);
	put_number(&out, hello->minor, 2);
	size_t length = strnlen(hello->program, QV_SESSION_NAME_MAX);
	if (length) {
		put_number(&out, FIELD_PROGRAM, 2);
		put_number(&out, length, 2);
		put_bytes(&out, hello->program, length);
	}
	for (size_t i = 0; i < hello->offers; i++) {
		if (check_offer(hello, i, err) != 0)
			return -1;
		put_offer(&out, &hello->offer[i]);
	}
	if (hello->accepts) {
		put_number(&out, FIELD_ACCEPT, 2);
		put_number(&out, 2 * hello->accepts, 2);
		for (size_t i = 0; i < hello->accepts; i++)
			put_number(&out, hello->accept[i], 2);
	}
	for (size_t i = 0; i < hello->takes; i++) {
		if (check_take(&hello->take[i], err) != 0)
			return -1;
		put_take(&out, &hello->take[i]);
	}
	if (hello->in_conference) {
		put_number(&out, FIELD_CONFERENCE, 2);
		put_number(&out, QV_CONFERENCE_ID, 2);
		put_bytes(&out, hello->conference, QV_CONFERENCE_ID);
	}
	if (hello->srtp_port) {
		put_number(&out, FIELD_TRANSPORT, 2);
		put_number(&out, 3, 2);
		put_number(&out, QV_TRANSPORT_SRTP, 1);
		put_number(&out, hello->srtp_port, 2);
	}
	if (hello->otp) {
		put_number(&out, FIELD_OTP, 2);
		put_number(&out, 1, 2);
		put_number(&out, hello->otp, 1);
	}
	if (hello->resume_ms) {
		put_number(&out, FIELD_RESUMPTION, 2);
		put_number(&out, 4, 2);
		put_number(&out, hello->resume_ms, 4);
	}
	if (hello->repairs) {
		put_number(&out, FIELD_REPAIRS, 2);
		put_number(&out, 1, 2);
		put_number(&out, REPAIRS_CODE, 1);
	}
	if (out.overflow)
		return qv_fail(err, QV_E_INVALID, "no room for a HELLO in %zu bytes", room);
	return (int)out.used;
}

static int bounded(uint64_t number)
{
	return number > INT32_MAX ? INT32_MAX : (int)number;
}

/* What stands behind the codec name belongs to later minor versions. */
static int parse_offer(struct reader *in, enum qv_stream_kind kind, struct qv_hello *hello, struct qv_error *err)
{
	if (hello->offers == QV_SESSION_STREAMS_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "the peer offers more than %d streams", QV_SESSION_STREAMS_MAX);
	struct qv_stream_offer *offer = &hello->offer[hello->offers];
	*offer = (struct qv_stream_offer){ .kind = kind, .stream = (uint16_t)get_number(in, 2) };
	if (kind == QV_STREAM_VIDEO) {
		offer->video.pixel = QV_PIXEL_I420;
		offer->video.width = bounded(get_number(in, 2));
		offer->video.height = bounded(get_number(in, 2));
		offer->video.fps_num = bounded(get_number(in, 4));
		offer->video.fps_den = bounded(get_number(in, 4));
		offer->video.range = (enum qv_range)get_number(in, 1);
	} else {
		offer->audio.rate = bounded(get_number(in, 4));
		offer->audio.channels = bounded(get_number(in, 1));
		offer->block_frames = (uint32_t)get_number(in, 4);
	}
	size_t length = (size_t)get_number(in, 1);
	const uint8_t *codec = get_bytes(in, length);
	if (!codec || length > QV_SESSION_NAME_MAX || memchr(codec, 0, length))
		return qv_fail(err, QV_E_PROTOCOL, "the peer's offer of stream %u is malformed", offer->stream);
	memcpy(offer->codec, codec, length);
	if (check_offer(hello, hello->offers, err) != 0) {
		if (err)
			err->code = QV_E_PROTOCOL;
		return qv_error_prefix(err, "the peer's offer");
	}
	hello->offers++;
	return 0;
}

/* Of a kind that belongs to later versions: skipped, as is what stands behind the codec name. */
static int parse_take(struct reader *in, struct qv_hello *hello, struct qv_error *err)
{
	unsigned kind = (unsigned)get_number(in, 1);
	if (in->underflow)
		return qv_fail(err, QV_E_PROTOCOL, "what the peer takes is malformed");
	if (kind != QV_STREAM_VIDEO && kind != QV_STREAM_AUDIO)
		return 0;
	if (hello->takes == QV_SESSION_TAKES_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "the peer takes more than %d kinds of stream", QV_SESSION_TAKES_MAX);
	struct qv_stream_take *take = &hello->take[hello->takes];
	*take = (struct qv_stream_take){ .kind = (enum qv_stream_kind)kind };
	if (take->kind == QV_STREAM_VIDEO) {
		take->width = bounded(get_number(in, 2));
		take->height = bounded(get_number(in, 2));
		take->fps = bounded(get_number(in, 2));
	} else {
		take->rate = bounded(get_number(in, 4));
		take->channels = bounded(get_number(in, 1));
	}
	size_t length = (size_t)get_number(in, 1);
	const uint8_t *codec = get_bytes(in, length);
	if (!codec || length > QV_SESSION_NAME_MAX || memchr(codec, 0, length))
		return qv_fail(err, QV_E_PROTOCOL, "what the peer takes is malformed");
	memcpy(take->codec, codec, length);
	if (check_take(take, err) != 0) {
		if (err)
			err->code = QV_E_PROTOCOL;
		return qv_error_prefix(err, "what the peer takes");
	}
	hello->takes++;
	return 0;
}

static int parse_accept(struct reader *in, struct qv_hello *hello, struct qv_error *err)
{
	if (hello->accepts || in->size % 2 != 0 || in->size == 0 || in->size / 2 > QV_SESSION_STREAMS_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "the peer's list of accepted streams is malformed");
	while (in->at < in->size)
		hello->accept[hello->accepts++] = (uint16_t)get_number(in, 2);
	return 0;
}

static int parse_conference(struct reader *in, struct qv_hello *hello, struct qv_error *err)
{
	if (hello->in_conference || in->size != QV_CONFERENCE_ID)
		return qv_fail(err, QV_E_PROTOCOL, "the peer's conference ID is malformed, or told twice");
	hello->in_conference = true;
	memcpy(hello->conference, in->bytes, QV_CONFERENCE_ID);
	return 0;
}

/* A transport of a later version is skipped, and so is what stands behind the port. */
static int parse_transport(struct reader *in, struct qv_hello *hello, struct qv_error *err)
{
	unsigned transport = (unsigned)get_number(in, 1);
	uint16_t port = transport == QV_TRANSPORT_SRTP ? (uint16_t)get_number(in, 2) : 0;
	if (in->underflow || (transport == QV_TRANSPORT_SRTP && (port == 0 || hello->srtp_port)))
		return qv_fail(err, QV_E_PROTOCOL, "the transport that the peer offers is malformed, or told twice");
	if (port)
		hello->srtp_port = port;
	return 0;
}

/* What stands behind it belongs to later minor versions, and so do other words. */
static int parse_otp(struct reader *in, struct qv_hello *hello, struct qv_error *err)
{
	hello->otp = (uint8_t)get_number(in, 1);
	if (in->underflow)
		return qv_fail(err, QV_E_PROTOCOL, "what the peer says of one-time pads is malformed");
	if (hello->otp > QV_HELLO_OTP_REQUIRE)
		hello->otp = QV_HELLO_OTP_PREFER;
	return 0;
}

/* What stands behind it belongs to later minor versions. */
static int parse_resumption(struct reader *in, struct qv_hello *hello, struct qv_error *err)
{
	if (hello->resume_ms)
		return qv_fail(err, QV_E_PROTOCOL, "the peer says twice for how long it looks for a lost call");
	hello->resume_ms = (uint32_t)get_number(in, 4);
	if (in->underflow)
		return qv_fail(err, QV_E_PROTOCOL, "what the peer says of lost calls is malformed");
	return 0;
}

/* One byte for each code that is understood; another than ours is not looked at. */
static int parse_repairs(struct reader *in, struct qv_hello *hello, struct qv_error *err)
{
	if (in->size == 0 || hello->repairs)
		return qv_fail(err, QV_E_PROTOCOL, "what the peer says of repair packets is empty, or told twice");
	while (in->at < in->size)
		hello->repairs |= get_number(in, 1) == REPAIRS_CODE;
	return 0;
}

static int parse_field(unsigned type, struct reader *in, struct qv_hello *hello, struct qv_error *err)
{
	switch (type & ~(unsigned)FIELD_CRITICAL) {
	case FIELD_PROGRAM:
		if (hello->program[0] || in->size == 0 || in->size > QV_SESSION_NAME_MAX)
			return qv_fail(err, QV_E_PROTOCOL, "the peer's program name is empty, too long or told twice");
		qv_session_text_copy(hello->program, in->bytes, in->size);
		return 0;
	case FIELD_VIDEO:
		return parse_offer(in, QV_STREAM_VIDEO, hello, err);
	case FIELD_AUDIO:
		return parse_offer(in, QV_STREAM_AUDIO, hello, err);
	case FIELD_ACCEPT:
		return parse_accept(in, hello, err);
	case FIELD_TAKE:
		return parse_take(in, hello, err);
	case FIELD_CONFERENCE:
		return parse_conference(in, hello, err);
	case FIELD_TRANSPORT:
		return parse_transport(in, hello, err);
	case FIELD_OTP:
		return parse_otp(in, hello, err);
	case FIELD_RESUMPTION:
		return parse_resumption(in, hello, err);
	case FIELD_REPAIRS:
		return parse_repairs(in, hello, err);
	}
	if (type & FIELD_CRITICAL)
		return qv_fail(err, QV_E_PROTOCOL, "the peer insists on field %u of its greeting, unknown here", type);
	return 0;
}

int qv_hello_decode(const uint8_t *bytes, size_t size, struct qv_hello *hello, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	*hello = (struct qv_hello){ 0 };
	const uint8_t *start = get_bytes(&in, sizeof magic);
	hello->major = (uint16_t)get_number(&in, 2);
	hello->minor = (uint16_t)get_number(&in, 2);
	if (in.underflow || memcmp(start, magic, sizeof magic) != 0)
		return qv_fail(err, QV_E_PROTOCOL, "the peer's greeting is not one of a Qvisio session");
	if (hello->major != QV_SESSION_MAJOR)
		return 0;
	while (in.at < in.size) {
		unsigned type = (unsigned)get_number(&in, 2);
		size_t length = (size_t)get_number(&in, 2);
		struct reader value = { .bytes = get_bytes(&in, length), .size = length };
		if (in.underflow)
			return qv_fail(err, QV_E_PROTOCOL, "a field of the peer's greeting is cut short");
		if (parse_field(type, &value, hello, err) != 0)
			return -1;
	}
	return 0;
}
