/* SPDX-License-Identifier: Apache-2.0 */
#include "video.h"

#include "damage.h"

#include <qvisio/videocodec.h>

#include <stdlib.h>
#include <string.h>

/* 28 dB of PSNR: what a picture still has at low quality, and a wrong plane or matrix never. */
#define MSE_MAX 103.0
#define DAMAGED 300

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 };
	struct qv_videoencoder *encoders[2] = { NULL, NULL };
	struct qv_videodecoder *decoders[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		encoders[i] = class->encoder_open(&check->host, options, &format, err);
		decoders[i] = encoders[i] ? class->decoder_open(&check->host, options,
								qv_videocodec_wire_name(class, options), &format, err)
					  : NULL;
		result = decoders[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++) {
		class->encoder_close(encoders[i]);
		class->decoder_close(decoders[i]);
	}
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_videocodec_class(class)->encoder_close(NULL);
	qv_videocodec_class(class)->decoder_close(NULL);
}

static struct qv_videoencoder *open_encoder(struct check *check, const struct qv_video_format *format)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	struct qv_videoencoder *encoder =
		qv_videocodec_class(check->class)->encoder_open(&check->host, options, format, &err);
	qv_options_free(options);
	if (!encoder)
		check_not_opened(check, &err);
	return encoder;
}

static struct qv_videodecoder *open_decoder(struct check *check, const struct qv_video_format *format)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	struct qv_videodecoder *decoder =
		class->decoder_open(&check->host, options, qv_videocodec_wire_name(class, options), format, &err);
	qv_options_free(options);
	if (!decoder)
		check_not_opened(check, &err);
	return decoder;
}

static void describes_itself(struct check *check)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	REQUIRE(check, class->wire_names[0], "it has no wire name");
	for (const char *const *name = class->wire_names; *name; name++)
		REQUIRE(check, **name && strspn(*name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(*name),
			"the wire name \"%s\" is not of a-z, 0-9 and -", *name);
	struct qv_options *options = check_options(check, NULL);
	const char *made = qv_videocodec_wire_name(class, options);
	REQUIRE(check, made && qv_videocodec_decodes(class, made), "it makes \"%s\", which it does not decode",
		made ? made : "");
	qv_options_free(options);
	REQUIRE(check, class->pixels & QV_PIXELS_PLANAR, "it takes no planar pixel format");
	REQUIRE(check, !(class->pixels & ~(QV_PIXELS_PLANAR | QV_PIXEL_BIT(QV_PIXEL_JPEG))),
		"it takes an unknown format");
}

static void check_packet(struct check *check, const struct qv_packet *packet, const struct qv_frame *frame)
{
	REQUIRE(check, packet->data && packet->size > 0 && packet->size <= QV_PACKET_MAX, "a packet of %zu bytes",
		packet->size);
	REQUIRE(check, packet->capture_ns == frame->capture_ns, "the packet has not the frame's time");
	if (!packet->told)
		return;
	REQUIRE(check, packet->references <= QV_PACKET_REFERENCES_MAX && !packet->key == (packet->references > 0),
		"a packet, %s, is predicted from %u others", packet->key ? "key" : "not key", packet->references);
	for (size_t i = 0; i < packet->references; i++)
		REQUIRE(check, packet->reference[i] > 0 && packet->reference[i] <= packet->sequence,
			"packet %llu says it is predicted from the one %u before", (unsigned long long)packet->sequence,
			packet->reference[i]);
}

/* False where the codec leaves this frame out. */
static bool encode_or_drop(struct check *check, struct qv_videoencoder *encoder, const struct qv_frame *frame,
			   struct qv_packet *packet)
{
	struct qv_error err = QV_ERROR_INIT;
	int got = qv_videocodec_class(check->class)->encode(encoder, frame, packet, &err);
	REQUIRE(check, got >= 0, "encode of %s %dx%d: %s", qv_pixel_name(frame->format.pixel), frame->format.width,
		frame->format.height, err.message);
	if (got > 0)
		check_packet(check, packet, frame);
	return got > 0;
}

static void encode(struct check *check, struct qv_videoencoder *encoder, const struct qv_frame *frame,
		   struct qv_packet *packet)
{
	if (!encode_or_drop(check, encoder, frame, packet))
		check_skip(check, "the codec keeps frames back");
}

static void compare(struct check *check, const struct qv_frame *in, const struct qv_packet *packet,
		    const struct qv_frame *out)
{
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(check, qv_frame_check(out, &err) == 0, "the decoded frame does not hold what it says: %s", err.message);
	REQUIRE(check, out->format.width == in->format.width && out->format.height == in->format.height,
		"%dx%d became %dx%d", in->format.width, in->format.height, out->format.width, out->format.height);
	REQUIRE(check, QV_PIXELS_PLANAR & QV_PIXEL_BIT(out->format.pixel), "the decoded frame is not planar");
	REQUIRE(check, out->format.range == in->format.range, "the sample range changed");
	REQUIRE(check, out->capture_ns == packet->capture_ns && out->sequence == packet->sequence,
		"the decoded frame has not the packet's time and sequence number");
	if (out->format.pixel == in->format.pixel) {
		double mse = video_mse(in, out);
		REQUIRE(check, mse <= MSE_MAX, "%s %dx%d came back with a mean squared error of %.1f, over %.1f",
			qv_pixel_name(in->format.pixel), in->format.width, in->format.height, mse, MSE_MAX);
	}
}

static void round_trip(struct check *check, const struct qv_video_format *format)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	struct qv_videoencoder *encoder = open_encoder(check, format);
	struct qv_videodecoder *decoder = open_decoder(check, format);
	uint64_t made = 0;
	for (int phase = 0; phase < 3; phase++) {
		struct qv_picture *picture = video_picture(check, format, phase);
		struct qv_frame frame = qv_picture_frame(picture), out;
		struct qv_packet packet;
		struct qv_error err = QV_ERROR_INIT;
		frame.capture_ns = 1000 + phase;
		if (!encode_or_drop(check, encoder, &frame, &packet)) {
			qv_picture_free(picture);
			continue;
		}
		REQUIRE(check, packet.sequence == made, "packet %llu has sequence number %llu",
			(unsigned long long)made, (unsigned long long)packet.sequence);
		made++;
		REQUIRE(check, made > 1 || packet.key, "the first packet cannot be decoded without others");
		int got = class->decode(decoder, &packet, &out, &err);
		REQUIRE(check, got >= 0, "decode: %s", err.message);
		if (got == 1)
			compare(check, &frame, &packet, &out);
		qv_picture_free(picture);
	}
	REQUIRE(check, made > 0, "no packet came of three frames");
	class->encoder_close(encoder);
	class->decoder_close(decoder);
}

static void pictures_come_back(struct check *check)
{
	static const int sizes[][2] = { { 64, 48 }, { 33, 17 }, { 1, 1 }, { 16, 2 }, { 320, 240 } };
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	for (int pixel = QV_PIXEL_I420; pixel <= QV_PIXEL_GRAY; pixel++)
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			struct qv_video_format format = {
				(enum qv_pixel)pixel, QV_RANGE_FULL, sizes[i][0], sizes[i][1], 30, 1
			};
			if (class->pixels & QV_PIXEL_BIT(pixel))
				round_trip(check, &format);
		}
}

static enum qv_pixel any_pixel(const struct qv_videocodec_class *class)
{
	int pixel = QV_PIXEL_I420;
	while (!(class->pixels & QV_PIXEL_BIT(pixel)) && pixel < QV_PIXEL_GRAY)
		pixel++;
	return (enum qv_pixel)pixel;
}

static void false_frames(struct check *check)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	struct qv_video_format format = { any_pixel(class), QV_RANGE_FULL, 64, 48, 30, 1 };
	struct qv_videoencoder *encoder = open_encoder(check, &format);
	struct qv_picture *picture = video_picture(check, &format, 0);
	struct qv_frame good = qv_picture_frame(picture);
	struct qv_frame bad[] = { good, good, good };
	bad[0].size[0] = 64;
	bad[1].stride[0] = 63;
	bad[2].format.height = 4096;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		struct qv_packet packet;
		REQUIRE(check, class->encode(encoder, &bad[i], &packet, &err) < 0,
			"a frame that does not hold what it says was encoded (%zu)", i);
		check_error_filled(check, "encode", &err);
	}
	struct qv_packet packet;
	encode(check, encoder, &good, &packet);
	qv_picture_free(picture);
	class->encoder_close(encoder);
}

static void passes_jpeg(struct check *check)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	if (!(class->pixels & QV_PIXEL_BIT(QV_PIXEL_JPEG)))
		check_skip(check, "it does not take JPEG");
	struct qv_video_format format = { any_pixel(class), QV_RANGE_FULL, 64, 48, 30, 1 };
	struct qv_videoencoder *encoder = open_encoder(check, &format);
	struct qv_picture *picture = video_picture(check, &format, 0);
	struct qv_frame frame = qv_picture_frame(picture);
	struct qv_packet packet, passed;
	encode(check, encoder, &frame, &packet);
	format.pixel = QV_PIXEL_JPEG;
	struct qv_frame jpeg = {
		.format = format, .plane = { packet.data }, .size = { packet.size }, .capture_ns = 7, .sequence = 8
	};
	struct qv_videoencoder *through = open_encoder(check, &format);
	encode(check, through, &jpeg, &passed);
	REQUIRE(check, passed.size == jpeg.size[0] && memcmp(passed.data, jpeg.plane[0], passed.size) == 0,
		"a JPEG frame was changed on its way");
	REQUIRE(check, passed.key, "a JPEG packet is decodable without others");
	class->encoder_close(through);
	class->encoder_close(encoder);
	qv_picture_free(picture);
}

/* Decodes hostile bytes from memory of exactly their size, so that a sanitizer sees any read past them. */
static void decode_damaged(struct check *check, struct qv_videodecoder *decoder, uint64_t sequence,
			   const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	REQUIRE(check, copy, "no memory");
	memcpy(copy, bytes, size);
	struct qv_packet packet = { .data = copy, .size = size, .sequence = sequence, .key = true };
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT, invalid = QV_ERROR_INIT;
	int got = qv_videocodec_class(check->class)->decode(decoder, &packet, &frame, &err);
	if (got < 0)
		check_error_filled(check, "decode", &err);
	REQUIRE(check, got >= 0 || err.code == QV_E_PROTOCOL || err.code == QV_E_NOMEM,
		"a damaged packet is QV_E_PROTOCOL, not %s: %s", qv_code_name(err.code), err.message);
	REQUIRE(check, got <= 0 || qv_frame_check(&frame, &invalid) == 0,
		"the frame of a damaged packet is unsound: %s", invalid.message);
	REQUIRE(check, got <= 0 || size > 0, "a packet without bytes became a frame");
	free(copy);
}

static void survives_damage(struct check *check)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	struct qv_video_format format = { any_pixel(class), QV_RANGE_FULL, 64, 48, 30, 1 };
	struct qv_videoencoder *encoder = open_encoder(check, &format);
	struct qv_videodecoder *decoder = open_decoder(check, &format);
	struct qv_picture *picture = video_picture(check, &format, 0);
	struct qv_frame frame = qv_picture_frame(picture), out;
	struct qv_packet packet;
	encode(check, encoder, &frame, &packet);
	struct damage damage = { .state = 1 };
	for (int i = 0; i < DAMAGED; i++) {
		damage_make(check, &damage, packet.data, packet.size);
		decode_damaged(check, decoder, (uint64_t)i, damage.bytes, damage.size);
	}
	packet.sequence = DAMAGED;
	struct qv_error err = QV_ERROR_INIT;
	int got = class->decode(decoder, &packet, &out, &err);
	REQUIRE(check, got >= 0, "after damaged packets a good key packet is refused: %s", err.message);
	if (got == 1)
		compare(check, &frame, &packet, &out);
	damage_free(&damage);
	qv_picture_free(picture);
	class->encoder_close(encoder);
	class->decoder_close(decoder);
}

/* A stream of small pictures, encoded and, unless a picture is lost, decoded. */
struct stream {
	struct qv_video_format format;
	struct qv_videoencoder *encoder;
	struct qv_videodecoder *decoder;
	int phase;
	uint64_t sequence; /* of the last packet */
	bool key;          /* which it is */
};

static void open_stream(struct check *check, struct stream *stream)
{
	enum qv_pixel pixel = any_pixel(qv_videocodec_class(check->class));
	*stream = (struct stream){ .format = { pixel, QV_RANGE_FULL, 320, 240, 30, 1 } };
	stream->encoder = open_encoder(check, &stream->format);
	stream->decoder = open_decoder(check, &stream->format);
}

static void close_stream(struct check *check, struct stream *stream)
{
	qv_videocodec_class(check->class)->encoder_close(stream->encoder);
	qv_videocodec_class(check->class)->decoder_close(stream->decoder);
}

/* Encodes the next picture that the codec does not leave out; true if it came out, when it is what went in. */
static bool next_picture(struct check *check, struct stream *stream, bool lost)
{
	struct qv_picture *picture = video_picture(check, &stream->format, stream->phase % 3);
	struct qv_frame frame = qv_picture_frame(picture), out;
	int tries = 0;
	struct qv_packet packet;
	struct qv_error err = QV_ERROR_INIT;
	do {
		REQUIRE(check, tries++ < 30, "of 30 frames the codec left out all");
		frame.capture_ns = 33333333 * (int64_t)++stream->phase;
	} while (!encode_or_drop(check, stream->encoder, &frame, &packet));
	stream->sequence = packet.sequence;
	stream->key = packet.key;
	int got = lost ? 0 : qv_videocodec_class(check->class)->decode(stream->decoder, &packet, &out, &err);
	REQUIRE(check, got >= 0, "decode: %s", err.message);
	if (got == 1)
		compare(check, &frame, &packet, &out);
	qv_picture_free(picture);
	return got == 1;
}

static void key_on_demand(struct check *check)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	struct stream stream;
	open_stream(check, &stream);
	for (int i = 0; i < 12; i++) {
		bool asked = i % 4 == 3 && class->request_key;
		if (asked)
			class->request_key(stream.encoder);
		next_picture(check, &stream, false);
		if (!class->request_key)
			REQUIRE(check, stream.key, "packet %d is no key, and none can be requested", i);
		REQUIRE(check, !asked || stream.key, "packet %d is no key, as was requested", i);
	}
	close_stream(check, &stream);
}

static void no_corrupt_picture(struct check *check)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	struct stream stream;
	open_stream(check, &stream);
	for (int i = 0; i < 60; i++)
		next_picture(check, &stream, i % 13 == 5);
	if (class->request_key) {
		class->request_key(stream.encoder);
		REQUIRE(check, next_picture(check, &stream, false), "a key picture after losses is not shown");
		REQUIRE(check, !class->need || class->need(stream.decoder) == QV_NEED_NOTHING,
			"a key picture does not do for the decoder");
	}
	close_stream(check, &stream);
}

static void feedback_repairs(struct check *check)
{
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	if (!class->feedback || !class->need)
		check_skip(check, "it takes no feedback");
	struct stream stream;
	open_stream(check, &stream);
	for (int i = 0; i < 60; i++) {
		bool lost = i % 13 == 5;
		bool shown = next_picture(check, &stream, lost);
		class->feedback(stream.encoder, stream.sequence, shown ? QV_PICTURE_DECODED : QV_PICTURE_LOST);
		REQUIRE(check, lost || shown, "picture %d cannot be shown, though the encoder knew all losses", i);
		REQUIRE(check, lost || class->need(stream.decoder) == QV_NEED_NOTHING,
			"picture %d was shown, and more is needed", i);
	}
	/* What no encoder can remember. */
	class->feedback(stream.encoder, UINT64_MAX, QV_PICTURE_LOST);
	class->feedback(stream.encoder, stream.sequence + 1, QV_PICTURE_DECODED);
	next_picture(check, &stream, false);
	close_stream(check, &stream);
}

static void adjusts(struct check *check)
{
	static const struct qv_video_target targets[] = { { .bitrate = 100000 },
							  { .fps_num = 15, .fps_den = 1 },
							  { 0 },
							  { .bitrate = 2000000, .fps_num = 30, .fps_den = 1 } };
	const struct qv_videocodec_class *class = qv_videocodec_class(check->class);
	if (!class->adjust)
		check_skip(check, "it follows its options only");
	struct stream stream;
	open_stream(check, &stream);
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		next_picture(check, &stream, false);
		REQUIRE(check, class->adjust(stream.encoder, &targets[i], &err) == 0, "adjust %zu: %s", i, err.message);
	}
	for (int i = 0; i < 10; i++)
		next_picture(check, &stream, false);
	stream.format.width = 176;
	stream.format.height = 144;
	REQUIRE(check, next_picture(check, &stream, false), "a picture of another size does not come back");
	close_stream(check, &stream);
}

static const struct check_case cases[] = {
	{ "wire name and pixel formats are valid", describes_itself },
	{ "pictures of each format and odd sizes come back", pictures_come_back },
	{ "frames that do not hold what they say are refused", false_frames },
	{ "a JPEG frame is passed through unchanged", passes_jpeg },
	{ "damaged packets do no harm, and decoding goes on", survives_damage },
	{ "a key picture comes when it is requested", key_on_demand },
	{ "after a loss no corrupt picture is shown", no_corrupt_picture },
	{ "with feedback a loss costs one picture", feedback_repairs },
	{ "bitrate, rate and size change on the way", adjusts },
	{ NULL, NULL },
};

const struct check_suite check_videocodec = { "videocodec", open_close, close_null, cases, NULL };
