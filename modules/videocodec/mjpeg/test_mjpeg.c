/* SPDX-License-Identifier: Apache-2.0 */
/* The mjpeg codec against ffmpeg and ImageMagick, which encode and decode JPEG with code of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/videocodec.h>

#include "../../../tests/harness/media_test.h"

static const char *const defaults[] = { NULL };
static const char *const fine[] = { "quality=95", NULL };

struct codec {
	const struct qv_videocodec_class *class;
	struct qv_options *options;
	struct qv_videoencoder *encoder;
	struct qv_videodecoder *decoder;
};

static struct codec codec_open(const char *const *assignments)
{
	struct codec codec = { .class = qv_videocodec_class(media_class("videocodec", "mjpeg")) };
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_LIMITED, 64, 64, 30, 1 };
	struct qv_error err = QV_ERROR_INIT;
	codec.options = media_options(&codec.class->head, assignments);
	codec.encoder = codec.class->encoder_open(&media_host, codec.options, &format, &err);
	codec.decoder = codec.class->decoder_open(&media_host, codec.options, "mjpeg", &format, &err);
	if (!codec.encoder || !codec.decoder)
		fail_msg("%s", err.message);
	return codec;
}

static void codec_close(struct codec *codec)
{
	codec->class->encoder_close(codec->encoder);
	codec->class->decoder_close(codec->decoder);
	qv_options_free(codec->options);
}

static struct qv_packet encode(struct codec *codec, const struct qv_frame *frame)
{
	struct qv_packet packet;
	struct qv_error err = QV_ERROR_INIT;
	if (codec->class->encode(codec->encoder, frame, &packet, &err) != 1)
		fail_msg("not encoded: %s", err.message);
	return packet;
}

static struct qv_frame decode(struct codec *codec, const uint8_t *data, size_t size)
{
	struct qv_packet packet = { .data = data, .size = size, .capture_ns = 5, .sequence = 7, .key = true };
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	if (codec->class->decode(codec->decoder, &packet, &frame, &err) != 1)
		fail_msg("not decoded: %s", err.message);
	assert_int_equal(qv_frame_check(&frame, &err), 0);
	assert_int_equal(frame.capture_ns, 5);
	assert_int_equal(frame.sequence, 7);
	return frame;
}

static struct qv_error refused(struct codec *codec, const uint8_t *data, size_t size)
{
	struct qv_packet packet = { .data = data, .size = size };
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	if (codec->class->decode(codec->decoder, &packet, &frame, &err) != -1)
		fail_msg("%zu bytes were decoded", size);
	return err;
}

static const enum qv_pixel planar[] = { QV_PIXEL_I420, QV_PIXEL_I422, QV_PIXEL_I444, QV_PIXEL_GRAY };
/* Sides that fill blocks, that do not, and odd ones. */
static const int sizes[][2] = { { 320, 240 }, { 176, 100 }, { 33, 21 }, { 1, 1 }, { 17, 64 } };

static void round_trip_keeps_the_picture(void **state)
{
	(void)state;
	struct codec codec = codec_open(fine);
	for (size_t p = 0; p < 4; p++)
		for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
			struct qv_picture *picture = media_pattern(planar[p], sizes[s][0], sizes[s][1], 1);
			struct qv_frame in = qv_picture_frame(picture);
			in.capture_ns = 1234567;
			in.sequence = 42;
			struct qv_packet packet = encode(&codec, &in);
			assert_int_equal(packet.capture_ns, 1234567);
			assert_int_equal(packet.sequence, p * 5 + s);
			assert_true(packet.key);
			struct qv_frame out = decode(&codec, packet.data, packet.size);
			/* The range is what the sender announced, not JPEG's own. */
			assert_int_equal(out.format.range, QV_RANGE_LIMITED);
			double psnr = media_psnr(&in, &out);
			if (psnr < 38)
				fail_msg("%s %dx%d: %.1f dB", qv_pixel_name(planar[p]), sizes[s][0], sizes[s][1], psnr);
			qv_picture_free(picture);
		}
	codec_close(&codec);
}

/* Guards every byte that the format does not give: an odd picture must be read only up to its sides. */
static void odd_frames_are_read_within_their_bytes(void **state)
{
	(void)state;
	struct codec codec = codec_open(defaults);
	for (size_t p = 0; p < 4; p++) {
		struct qv_video_format format = { planar[p], QV_RANGE_FULL, 35, 27, 0, 1 };
		struct qv_frame frame = { .format = format };
		uint8_t *plane[3] = { NULL, NULL, NULL };
		for (int i = 0; i < qv_pixel_planes(planar[p]); i++) {
			int width, height;
			qv_plane_dimensions(&format, i, &width, &height);
			frame.size[i] = (size_t)width * (size_t)height;
			frame.stride[i] = width;
			frame.plane[i] = plane[i] = malloc(frame.size[i]);
			memset(plane[i], 90, frame.size[i]);
		}
		struct qv_packet packet = encode(&codec, &frame);
		struct qv_frame out = decode(&codec, packet.data, packet.size);
		assert_true(media_psnr(&frame, &out) > 40);
		for (int i = 0; i < 3; i++)
			free(plane[i]);
	}
	codec_close(&codec);
}

static void quality_is_the_option(void **state)
{
	(void)state;
	struct qv_picture *picture = media_pattern(QV_PIXEL_I420, 640, 480, 1);
	struct qv_frame frame = qv_picture_frame(picture);
	struct codec low = codec_open(defaults), high = codec_open(fine);
	size_t small = encode(&low, &frame).size, large = encode(&high, &frame).size;
	assert_true(small * 2 < large);
	codec_close(&low);
	codec_close(&high);
	qv_picture_free(picture);
}

static const char *ffmpeg_name(enum qv_pixel pixel)
{
	static const char *const names[] = { "", "yuvj420p", "yuvj422p", "yuvj444p", "gray" };
	return names[pixel];
}

/* Decodes folder/name with ffmpeg and compares the planes. */
static double compare_with_ffmpeg(const char *folder, const char *name, const struct qv_frame *ours)
{
	char path[512];
	size_t size;
	if (media_run("ffmpeg -v error -y -i '%s/%s' -pix_fmt %s -f rawvideo '%s/raw'", folder, name,
		      ffmpeg_name(ours->format.pixel), folder) != 0)
		fail_msg("ffmpeg does not decode %s", name);
	snprintf(path, sizeof path, "%s/raw", folder);
	uint8_t *raw = media_read_file(path, &size);
	assert_non_null(raw);
	struct qv_frame theirs =
		media_raw_frame(raw, size, ours->format.pixel, ours->format.width, ours->format.height);
	double psnr = media_psnr(ours, &theirs);
	free(raw);
	return psnr;
}

static void need(const char *program)
{
	if (media_run("command -v %s >/dev/null", program) != 0) {
		print_message("# no program %s\n", program);
		skip();
	}
}

static void ffmpeg_decodes_ours(void **state)
{
	(void)state;
	need("ffmpeg");
	struct codec codec = codec_open(fine);
	char *folder = media_folder(), path[512];
	for (size_t p = 0; p < 4; p++) {
		struct qv_picture *picture = media_pattern(planar[p], 161, 119, 3);
		struct qv_frame frame = qv_picture_frame(picture);
		struct qv_packet packet = encode(&codec, &frame);
		snprintf(path, sizeof path, "%s/ours.jpg", folder);
		media_write_file(path, packet.data, packet.size);
		double psnr = compare_with_ffmpeg(folder, "ours.jpg", &frame);
		if (psnr < 38)
			fail_msg("%s: %.1f dB", qv_pixel_name(planar[p]), psnr);
		qv_picture_free(picture);
	}
	media_folder_remove(folder);
	codec_close(&codec);
}

static struct qv_frame decode_file(struct codec *codec, const char *folder, const char *name)
{
	char path[512];
	size_t size;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	uint8_t *data = media_read_file(path, &size);
	assert_non_null(data);
	struct qv_frame frame = decode(codec, data, size);
	free(data);
	return frame;
}

static void ours_decodes_ffmpeg(void **state)
{
	(void)state;
	need("ffmpeg");
	struct codec codec = codec_open(defaults);
	char *folder = media_folder();
	for (size_t p = 0; p < 3; p++) {
		assert_int_equal(media_run("ffmpeg -v error -y -f lavfi -i testsrc2=size=318x182 -frames:v 1 -q:v 3 "
					   "-pix_fmt %s -c:v mjpeg '%s/in.jpg'",
					   ffmpeg_name(planar[p]), folder),
				 0);
		struct qv_frame frame = decode_file(&codec, folder, "in.jpg");
		assert_int_equal(frame.format.pixel, planar[p]);
		assert_int_equal(frame.format.width, 318);
		double psnr = compare_with_ffmpeg(folder, "in.jpg", &frame);
		if (psnr < 45)
			fail_msg("%s: %.1f dB", qv_pixel_name(planar[p]), psnr);
	}
	media_folder_remove(folder);
	codec_close(&codec);
}

static void ours_decodes_every_subsampling(void **state)
{
	(void)state;
	need("convert");
	need("ffmpeg");
	static const struct {
		const char *arguments;
		enum qv_pixel pixel;
	} cases[] = {
		{ "-sampling-factor 2x2", QV_PIXEL_I420 },
		{ "-sampling-factor 2x1", QV_PIXEL_I422 },
		{ "-sampling-factor 1x1", QV_PIXEL_I444 },
		{ "-sampling-factor 1x2", QV_PIXEL_I444 }, /* 4:4:0 */
		{ "-sampling-factor 4x1", QV_PIXEL_I422 }, /* 4:1:1 */
		{ "-colorspace gray", QV_PIXEL_GRAY },
		{ "-sampling-factor 2x2 -interlace JPEG", QV_PIXEL_I420 }, /* progressive */
	};
	struct codec codec = codec_open(defaults);
	char *folder = media_folder();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(media_run("convert -size 203x101 plasma:red-blue -seed 1 %s -quality 90 '%s/in.jpg'",
					   cases[i].arguments, folder),
				 0);
		struct qv_frame frame = decode_file(&codec, folder, "in.jpg");
		assert_int_equal(frame.format.pixel, cases[i].pixel);
		double psnr = compare_with_ffmpeg(folder, "in.jpg", &frame);
		if (psnr < 35)
			fail_msg("%s: %.1f dB", cases[i].arguments, psnr);
	}
	media_folder_remove(folder);
	codec_close(&codec);
}

static void cmyk_is_refused(void **state)
{
	(void)state;
	need("convert");
	struct codec codec = codec_open(defaults);
	char *folder = media_folder(), path[512];
	size_t size;
	snprintf(path, sizeof path, "%s/in.jpg", folder);
	assert_int_equal(media_run("convert -size 64x48 gradient:red-blue -colorspace CMYK '%s'", path), 0);
	uint8_t *data = media_read_file(path, &size);
	assert_non_null(data);
	struct qv_error err = refused(&codec, data, size);
	assert_int_equal(err.code, QV_E_PROTOCOL);
	assert_string_equal(err.message, "a JPEG image in CMYK, where only YCbCr and gray are shown");
	free(data);
	media_folder_remove(folder);
	codec_close(&codec);
}

static struct qv_frame jpeg_frame(const uint8_t *data, size_t size)
{
	struct qv_frame frame = { .format = { QV_PIXEL_JPEG, QV_RANGE_FULL, 64, 48, 30, 1 },
				  .capture_ns = 9,
				  .sequence = 3 };
	frame.plane[0] = data;
	frame.size[0] = size;
	return frame;
}

static uint8_t *copy_packet(const struct qv_packet *packet, size_t room)
{
	uint8_t *copy = calloc(1, room);
	assert_non_null(copy);
	memcpy(copy, packet->data, packet->size < room ? packet->size : room);
	return copy;
}

static void camera_images_pass_without_a_copy(void **state)
{
	(void)state;
	struct codec codec = codec_open(defaults);
	struct qv_picture *picture = media_pattern(QV_PIXEL_I422, 64, 48, 1);
	struct qv_frame frame = qv_picture_frame(picture), camera;
	struct qv_packet made = encode(&codec, &frame), out;
	size_t size = made.size;
	uint8_t *image = copy_packet(&made, size + 500); /* padded, as cameras do */
	camera = jpeg_frame(image, size + 500);
	out = encode(&codec, &camera);
	assert_ptr_equal(out.data, image);
	assert_int_equal(out.size, size);
	assert_int_equal(out.capture_ns, 9);
	assert_int_equal(out.sequence, 1);

	/* One that was cut, or is no image, is left out; the next one passes. */
	camera = jpeg_frame(image, size - 2);
	assert_int_equal(codec.class->encode(codec.encoder, &camera, &out, NULL), 0);
	image[0] = 0;
	camera = jpeg_frame(image, size);
	assert_int_equal(codec.class->encode(codec.encoder, &camera, &out, NULL), 0);
	image[0] = 0xff;
	out = encode(&codec, &camera);
	assert_int_equal(out.size, size);
	free(image);
	qv_picture_free(picture);
	codec_close(&codec);
}

static size_t find_marker(const uint8_t *data, size_t size, uint8_t marker)
{
	for (size_t i = 0; i + 1 < size; i++)
		if (data[i] == 0xff && data[i + 1] == marker)
			return i;
	fail_msg("no marker %02x", marker);
	return 0;
}

enum damage {
	EMPTY,
	NO_START,
	CUT_HEADER,
	CUT_HALF,
	CUT_END,
	SIDE_ZERO,
	SIDE_HUGE,
	TWELVE_BITS,
	LOSSLESS,
	ARITHMETIC,
	TWO_FRAME_HEADERS,
	SEGMENT_PAST_END,
	SEGMENT_LENGTH,
	OVERWRITTEN,
	DAMAGES
};

/* Damages a sound image in place; the size that is left. */
static size_t damage(enum damage kind, uint8_t *data, size_t size)
{
	size_t sof = find_marker(data, size, 0xc0), sos = find_marker(data, size, 0xda);
	switch (kind) {
	case EMPTY:
		return 0;
	case NO_START:
		data[1] = 0xd9;
		break;
	case CUT_HEADER:
		return sof + 6;
	case CUT_HALF:
		return sos + (size - sos) / 2;
	case CUT_END:
		return size - 8;
	case SIDE_ZERO:
		data[sof + 5] = data[sof + 6] = 0;
		break;
	case SIDE_HUGE:
		data[sof + 7] = data[sof + 8] = 0xff;
		break;
	case TWELVE_BITS:
		data[sof + 4] = 12;
		break;
	case LOSSLESS:
		data[sof + 1] = 0xc3;
		break;
	case ARITHMETIC:
		data[sof + 1] = 0xc9;
		break;
	case TWO_FRAME_HEADERS:
		data[find_marker(data, size, 0xc4) + 1] = 0xc0;
		break;
	case SEGMENT_PAST_END:
		data[sos + 2] = 0xff;
		break;
	case SEGMENT_LENGTH:
		data[sos + 3] += 5;
		break;
	case OVERWRITTEN:
		memset(data + sos + (size - sos) / 3, 0x55, (size - sos) / 3);
		break;
	default:
		break;
	}
	return size;
}

static void damaged_images_are_refused_and_the_next_is_shown(void **state)
{
	(void)state;
	static const char *const expected[DAMAGES] = {
		[EMPTY] = "no JPEG image: it does not start with ff d8",
		[NO_START] = "no JPEG image: it does not start with ff d8",
		[CUT_HEADER] = "damaged JPEG image: a segment reaches past its end",
		[CUT_HALF] = "damaged JPEG image: Premature end of JPEG file",
		[CUT_END] = "damaged JPEG image: Premature end of JPEG file",
		[SIDE_ZERO] = "damaged JPEG image: a side is 0",
		[SIDE_HUGE] = "a JPEG image of 65535x240 is over 8192 a side or 16777216 pixels (option max_pixels)",
		[TWELVE_BITS] = "a JPEG image of 12 bits a sample, where 8 are read",
		[LOSSLESS] = "a JPEG image of coding process 3, where only baseline and progressive are read",
		[ARITHMETIC] = "a JPEG image of coding process 9, where only baseline and progressive are read",
		[TWO_FRAME_HEADERS] = "damaged JPEG image: two frame headers",
		[SEGMENT_PAST_END] = "damaged JPEG image: a segment reaches past its end",
		[SEGMENT_LENGTH] = "damaged or unusual JPEG image: Bogus marker length",
		[OVERWRITTEN] = "damaged JPEG image: ",
	};
	struct codec codec = codec_open(fine);
	struct qv_picture *picture = media_pattern(QV_PIXEL_I420, 320, 240, 1);
	struct qv_frame in = qv_picture_frame(picture);
	struct qv_packet sound = encode(&codec, &in);
	for (int kind = 0; kind < DAMAGES; kind++) {
		uint8_t *data = copy_packet(&sound, sound.size);
		size_t size = damage((enum damage)kind, data, sound.size);
		uint8_t *exact = malloc(size ? size : 1);
		assert_non_null(exact);
		memcpy(exact, data, size);
		struct qv_error err = refused(&codec, exact, size);
		assert_int_equal(err.code, QV_E_PROTOCOL);
		if (strncmp(err.message, expected[kind], strlen(expected[kind])) != 0)
			fail_msg("damage %d: %s", kind, err.message);
		free(exact);
		free(data);
		struct qv_frame out = decode(&codec, sound.data, sound.size);
		assert_true(media_psnr(&in, &out) > 38);
	}
	qv_picture_free(picture);
	codec_close(&codec);
}

/* Logitech cameras and others do this in every frame. */
static void few_bytes_behind_the_last_block_are_harmless(void **state)
{
	(void)state;
	struct codec codec = codec_open(fine);
	struct qv_picture *picture = media_pattern(QV_PIXEL_I422, 64, 48, 1);
	struct qv_frame in = qv_picture_frame(picture);
	struct qv_packet sound = encode(&codec, &in);
	uint8_t *data = copy_packet(&sound, sound.size + 2);
	memcpy(data + sound.size - 2, "\x12\x34\xff\xd9", 4);
	struct qv_frame out = decode(&codec, data, sound.size + 2);
	assert_true(media_psnr(&in, &out) > 38);
	free(data);

	/* So many are no padding: blocks went astray. */
	data = copy_packet(&sound, sound.size + 62);
	memset(data + sound.size - 2, 0x12, 62);
	memcpy(data + sound.size + 60, "\xff\xd9", 2);
	struct qv_error err = refused(&codec, data, sound.size + 62);
	assert_int_equal(err.code, QV_E_PROTOCOL);
	assert_non_null(strstr(err.message, "extraneous bytes"));
	free(data);
	qv_picture_free(picture);
	codec_close(&codec);
}

static void large_pictures_are_bounded(void **state)
{
	(void)state;
	static const char *const bounded[] = { "max_pixels=3071", NULL };
	struct codec codec = codec_open(bounded);
	struct qv_picture *picture = media_pattern(QV_PIXEL_GRAY, 64, 48, 1);
	struct qv_frame in = qv_picture_frame(picture);
	struct qv_packet packet = encode(&codec, &in);
	struct qv_error err = refused(&codec, packet.data, packet.size);
	assert_string_equal(err.message,
			    "a JPEG image of 64x48 is over 8192 a side or 3071 pixels (option max_pixels)");
	qv_picture_free(picture);
	codec_close(&codec);
}

/* A scan costs a pass over all blocks, so a small packet with many of them could hold the receiver up. */
static void many_scans_are_refused(void **state)
{
	(void)state;
	need("convert");
	struct codec codec = codec_open(defaults);
	char *folder = media_folder(), path[512];
	size_t size;
	snprintf(path, sizeof path, "%s/in.jpg", folder);
	assert_int_equal(media_run("convert -size 64x48 gradient:red-blue -interlace JPEG '%s'", path), 0);
	uint8_t *data = media_read_file(path, &size);
	assert_non_null(data);
	decode(&codec, data, size);
	size_t scan = size;
	while (scan > 1 && !(data[scan - 2] == 0xff && data[scan - 1] == 0xda))
		scan--;
	assert_true(scan > 1);
	scan -= 2;
	size_t length = size - 2 - scan;
	uint8_t *bomb = malloc(size + 40 * length);
	assert_non_null(bomb);
	memcpy(bomb, data, size - 2);
	for (size_t i = 0; i < 40; i++)
		memcpy(bomb + size - 2 + i * length, data + scan, length);
	memcpy(bomb + size - 2 + 40 * length, "\xff\xd9", 2);
	struct qv_error err = refused(&codec, bomb, size + 40 * length);
	assert_string_equal(err.message, "a JPEG image of more than 32 scans");
	free(bomb);
	free(data);
	media_folder_remove(folder);
	codec_close(&codec);
}

static void unusable_frames_are_refused(void **state)
{
	(void)state;
	struct codec codec = codec_open(defaults);
	struct qv_picture *picture = media_pattern(QV_PIXEL_I420, 64, 48, 1);
	struct qv_frame frame = qv_picture_frame(picture);
	struct qv_packet packet;
	struct qv_error err = QV_ERROR_INIT;
	frame.size[1] = 3;
	assert_int_equal(codec.class->encode(codec.encoder, &frame, &packet, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	assert_string_equal(err.message, "mjpeg encoder: plane 1 has 3 bytes where 768 are needed");
	codec.class->encoder_close(NULL);
	codec.class->decoder_close(NULL);
	qv_picture_free(picture);
	codec_close(&codec);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_keeps_the_picture),
		cmocka_unit_test(odd_frames_are_read_within_their_bytes),
		cmocka_unit_test(quality_is_the_option),
		cmocka_unit_test(ffmpeg_decodes_ours),
		cmocka_unit_test(ours_decodes_ffmpeg),
		cmocka_unit_test(ours_decodes_every_subsampling),
		cmocka_unit_test(cmyk_is_refused),
		cmocka_unit_test(camera_images_pass_without_a_copy),
		cmocka_unit_test(damaged_images_are_refused_and_the_next_is_shown),
		cmocka_unit_test(few_bytes_behind_the_last_block_are_harmless),
		cmocka_unit_test(large_pictures_are_bounded),
		cmocka_unit_test(many_scans_are_refused),
		cmocka_unit_test(unusable_frames_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
