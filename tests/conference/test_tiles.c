/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of a conference: layout, scaling, letters, tiles, mixing and limiting. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/stamp.h>

#include "../../core/conference/grid.h"
#include "../../core/conference/lettering.h"
#include "../../core/conference/limiter.h"
#include "../../core/conference/mixer.h"
#include "../../core/conference/tile.h"
#include "../../core/picture_scale.h"

static void tiles_stand_side_by_side(void **state)
{
	(void)state;
	static const int columns[] = { 1, 2, 2, 2, 3, 3 };
	for (size_t count = 1; count <= 6; count++) {
		for (size_t i = 0; i < count; i++) {
			struct box a = grid_cell(count, i, 1280, 720);
			assert_true(a.x >= 0 && a.y >= 0 && a.x + a.width <= 1280 && a.y + a.height <= 720);
			assert_true((a.x | a.y | a.width | a.height) % 2 == 0);
			assert_int_equal(a.width, 1280 / columns[count - 1] & ~1);
			for (size_t k = 0; k < i; k++) {
				struct box b = grid_cell(count, k, 1280, 720);
				assert_true(b.x + b.width <= a.x || a.x + a.width <= b.x || b.y + b.height <= a.y);
			}
		}
	}
	/* In an upright window they stand below each other. */
	assert_int_equal(grid_cell(2, 1, 400, 1000).y, 500);
}

static void a_picture_keeps_its_aspect(void **state)
{
	(void)state;
	struct box inside = { 10, 20, 400, 300 }, wide = grid_fit(&inside, 1920, 1080),
		   tall = grid_fit(&inside, 90, 160);
	assert_int_equal(wide.width, 400);
	assert_int_equal(wide.height, 224);
	assert_int_equal(wide.x, 10);
	assert_int_equal(tall.height, 300);
	assert_int_equal(tall.width, 168);
	struct box line = grid_fit(&inside, 8192, 1);
	assert_true(line.height >= 2);
}

static void a_plane_is_scaled_without_moving(void **state)
{
	(void)state;
	uint8_t ramp[64 * 48], out[200 * 150] = { 0 };
	for (int y = 0; y < 48; y++)
		for (int x = 0; x < 64; x++)
			ramp[y * 64 + x] = (uint8_t)(2 * x + 2 * y);
	static const int sizes[][2] = { { 200, 150 }, { 64, 48 }, { 50, 40 }, { 32, 24 }, { 7, 5 }, { 1, 1 } };
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		int width = sizes[i][0], height = sizes[i][1];
		struct plane from = { ramp, 64, 64, 48 };
		struct raster to = { out, width, width, height };
		scale_plane(&from, &to, NULL);
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++) {
				double at_x = (x + 0.5) * 64 / width - 0.5, at_y = (y + 0.5) * 48 / height - 0.5;
				at_x = at_x < 0 ? 0 : at_x > 63 ? 63 : at_x;
				at_y = at_y < 0 ? 0 : at_y > 47 ? 47 : at_y;
				double expected = 2 * at_x + 2 * at_y;
				/* A mean has whole samples only. */
				assert_true(fabs(out[y * width + x] - expected) < (width < 32 ? 6 : 1.6));
			}
	}
	/* A wide sample of one column, and more source than a line has of targets. */
	struct plane thin = { ramp, 64, 1, 48 };
	struct raster to = { out, 200, 200, 3 };
	scale_plane(&thin, &to, NULL);
}

static void text_is_broken_between_words(void **state)
{
	(void)state;
	char ascii[64];
	assert_int_equal(lettering_lines(6 * 10, 1, "one two three four"), 2);
	assert_int_equal(lettering_lines(6 * 10, 1, "averyveryverylongword"), 3);
	assert_int_equal(lettering_lines(3, 1, "x"), 0);
	lettering_ascii(ascii, sizeof ascii, "a · b…\xc3\xa4\x01");
	assert_string_equal(ascii, "a . b...??");
	lettering_ascii(ascii, 5, "abcdefgh");
	assert_true(strlen(ascii) < 5);
}

static void text_stays_inside(void **state)
{
	(void)state;
	uint8_t luma[60 * 40] = { 0 };
	struct box box = { 5, 5, 50, 30 };
	lettering_draw(luma, 60, &box, 1, 255, "Many words that do not fit in at all, by far not, not at all");
	size_t inked = 0;
	for (int y = 0; y < 40; y++)
		for (int x = 0; x < 60; x++) {
			bool in = x >= 5 && x < 55 && y >= 5 && y < 35;
			assert_true(in || luma[y * 60 + x] == 0);
			inked += luma[y * 60 + x] != 0;
		}
	assert_true(inked > 100);
}

static const struct qv_video_format canvas_format = { QV_PIXEL_I420, QV_RANGE_FULL, 1280, 720, 30, 1 };

static void a_stamp_is_read_in_the_tile(void **state)
{
	(void)state;
	static const enum qv_pixel pixels[] = { QV_PIXEL_I420, QV_PIXEL_I422, QV_PIXEL_I444, QV_PIXEL_GRAY };
	for (size_t i = 0; i < 4; i++) {
		struct qv_video_format format = { pixels[i], QV_RANGE_LIMITED, 640, 480, 30, 1 };
		struct qv_picture *canvas = qv_picture_new(&canvas_format, NULL),
				  *picture = qv_picture_new(&format, NULL);
		struct qv_stamp stamp = { 42 + (uint32_t)i, 123456789 }, read;
		assert_int_equal(qv_stamp_paint(picture, &stamp, NULL), 0);
		struct qv_frame frame = qv_picture_frame(picture);
		struct tile tile = { .frame = &frame, .name = "bob", .text = "QKD", .secured = QV_SECURED_QKD };
		struct box cell = grid_cell(6, 4, 1280, 720), room = tile_picture_room(&cell);
		struct box box = grid_fit(&room, 640, 480);
		tile_clear(canvas);
		tile_paint(canvas, &cell, &tile);
		struct qv_frame whole = qv_picture_frame(canvas), part = { .format = canvas_format };
		part.format.pixel = QV_PIXEL_GRAY;
		part.format.width = box.width;
		part.format.height = box.height;
		part.stride[0] = whole.stride[0];
		part.plane[0] = whole.plane[0] + box.y * whole.stride[0] + box.x;
		part.size[0] = whole.size[0] - (size_t)(box.y * whole.stride[0] + box.x);
		assert_true(qv_stamp_read(&part, &read));
		assert_int_equal(read.number, 42 + i);
		qv_picture_free(picture);
		qv_picture_free(canvas);
	}
}

/* The border is green, amber or grey. */
static void a_tile_shows_how_it_is_secured(void **state)
{
	(void)state;
	struct qv_picture *canvas = qv_picture_new(&canvas_format, NULL);
	struct box cell = grid_cell(1, 0, 1280, 720);
	int blue[3], red[3];
	for (int secured = QV_SECURED_NONE; secured <= QV_SECURED_QKD; secured++) {
		struct tile tile = { .name = "bob", .note = "calling", .secured = (enum qv_secured)secured };
		tile_paint(canvas, &cell, &tile);
		blue[secured] = qv_picture_plane(canvas, 1)[0];
		red[secured] = qv_picture_plane(canvas, 2)[0];
	}
	assert_true(red[QV_SECURED_QKD] < 100 && blue[QV_SECURED_QKD] < 100);
	assert_true(red[QV_SECURED_CLASSIC] > 160);
	assert_int_equal(red[QV_SECURED_NONE], 128);
	/* What it says in place of a picture is there. */
	struct qv_frame frame = qv_picture_frame(canvas);
	size_t light = 0;
	for (int y = 200; y < 500; y++)
		for (int x = 10; x < 1270; x++)
			light += frame.plane[0][y * frame.stride[0] + x] > 200;
	assert_true(light > 300);
	qv_picture_free(canvas);
}

static void a_meter_shows_how_loud_somebody_is(void **state)
{
	(void)state;
	struct qv_picture *canvas = qv_picture_new(&canvas_format, NULL);
	struct qv_frame whole = qv_picture_frame(canvas);
	struct box cell = grid_cell(4, 1, 1280, 720), room = tile_picture_room(&cell);
	size_t lit[3] = { 0 };
	for (int i = 0; i < 3; i++) {
		struct tile tile = { .name = "bob", .level = i * TILE_LEVELS / 2 };
		tile_paint(canvas, &cell, &tile);
		/* The caption has no colour otherwise. */
		for (int y = (room.y + room.height) / 2 + 1; y < (cell.y + cell.height) / 2 - 4; y++)
			for (int x = cell.x / 2 + 4; x < (cell.x + cell.width) / 2 - 4; x++)
				lit[i] += whole.plane[1][y * whole.stride[1] + x] != 128;
	}
	assert_int_equal(lit[0], 0);
	assert_true(lit[1] > 20);
	assert_int_equal(lit[2], 2 * lit[1]);
	qv_picture_free(canvas);
}

static void a_warning_stands_over_the_picture(void **state)
{
	(void)state;
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 };
	struct qv_picture *canvas = qv_picture_new(&canvas_format, NULL), *picture = qv_picture_new(&format, NULL);
	memset(qv_picture_plane(picture, 0), 100, 64 * 48);
	struct qv_frame frame = qv_picture_frame(picture), whole = qv_picture_frame(canvas);
	struct tile tile = { .frame = &frame, .name = "bob" };
	struct box cell = grid_cell(4, 3, 1280, 720), room = tile_picture_room(&cell);
	size_t light[3] = { 0 };
	static const char *const texts[] = { "", "NOT QKD any more", "one\ntwo\nthree" };
	for (int i = 0; i < 3; i++) {
		snprintf(tile.overlay[QV_OVERLAY_WARNING], TILE_OVERLAY, "%s", texts[i]);
		tile_paint(canvas, &cell, &tile);
		for (int y = room.y; y < room.y + 30; y++)
			for (int x = room.x; x < room.x + room.width; x++)
				light[i] += whole.plane[0][y * whole.stride[0] + x] > 200;
	}
	assert_int_equal(light[0], 0);
	assert_true(light[1] > 50 && light[2] > 50);
	qv_picture_free(canvas);
	/* However much is to be said, and however little room there is, it stays inside. */
	memset(tile.overlay[QV_OVERLAY_WARNING], 'W', TILE_OVERLAY - 1);
	memset(tile.text, 'W', TILE_TEXT - 1);
	tile.level = TILE_LEVELS;
	for (int side = 2; side <= 400; side += side < 60 ? 2 : 62) {
		struct qv_video_format small = { QV_PIXEL_I420, QV_RANGE_FULL, side, side, 30, 1 };
		canvas = qv_picture_new(&small, NULL);
		for (size_t count = 1; count <= 6; count++)
			for (size_t i = 0; i < count; i++) {
				cell = grid_cell(count, i, side, side);
				tile_paint(canvas, &cell, &tile);
			}
		qv_picture_free(canvas);
	}
	qv_picture_free(picture);
}

#define BLOCK 480

static void a_limiter_never_overflows_and_never_jumps(void **state)
{
	(void)state;
	struct limiter *limiter = limiter_new(BLOCK, 1);
	int32_t in[BLOCK];
	int16_t out[BLOCK], last = 0;
	double steepest = 0;
	int peak = 0;
	for (int block = 0; block < 100; block++) {
		/* Quiet, three times too loud, quiet. */
		double amplitude = block > 20 && block < 60 ? 100000 : 5000;
		for (int i = 0; i < BLOCK; i++)
			in[i] = (int32_t)(amplitude * sin((block * BLOCK + i) * 2 * 3.14159265 * 100 / 48000));
		limiter_run(limiter, in, out);
		for (int i = 0; i < BLOCK; i++) {
			double step = fabs((double)out[i] - last);
			steepest = step > steepest ? step : steepest;
			peak = abs(out[i]) > peak ? abs(out[i]) : peak;
			last = out[i];
		}
	}
	limiter_free(limiter);
	assert_true(peak > 30000 && peak <= 32767);
	/* A sine of 100 Hz at full scale moves by 429 a sample; where the loud one sets in and the gain moves, by a little more. */
	assert_true(steepest < 600);
}

static void quiet_sound_passes_unchanged(void **state)
{
	(void)state;
	struct limiter *limiter = limiter_new(BLOCK, 2);
	int32_t in[2 * BLOCK];
	int16_t out[2 * BLOCK];
	for (int i = 0; i < 2 * BLOCK; i++)
		in[i] = i * 30 - 10000;
	limiter_run(limiter, in, out);
	limiter_run(limiter, in, out);
	for (int i = 0; i < 2 * BLOCK; i++)
		assert_int_equal(out[i], in[i]);
	limiter_free(limiter);
}

static void sounds_are_added(void **state)
{
	(void)state;
	static const struct qv_audio_format format = { 48000, 1 };
	struct mixer *mixer = mixer_new(&format, NULL);
	int16_t a[BLOCK], b[BLOCK], out[BLOCK];
	assert_int_equal(mixer_block(mixer), BLOCK);
	for (int i = 0; i < BLOCK; i++) {
		a[i] = (int16_t)(i * 10);
		b[i] = (int16_t)(i * 7 - 1000);
	}
	assert_int_equal(mixer_put(mixer, 0, a, BLOCK), BLOCK);
	assert_int_equal(mixer_put(mixer, 4, b, BLOCK), BLOCK);
	mixer_run(mixer, out);
	mixer_run(mixer, out);
	for (int i = 0; i < BLOCK; i++)
		assert_int_equal(out[i], a[i] + b[i]);
	assert_true(mixer_level(mixer, 0) > 0.1 && mixer_level(mixer, 1) == 0);
	mixer_free(mixer);
}

static void an_input_holds_little_and_fades_when_it_runs_dry(void **state)
{
	(void)state;
	static const struct qv_audio_format format = { 48000, 2 };
	struct mixer *mixer = mixer_new(&format, NULL);
	int16_t loud[4 * BLOCK * 2], out[2 * BLOCK], last = 0;
	for (int i = 0; i < 4 * BLOCK * 2; i++)
		loud[i] = 20000;
	size_t room = 48000 * MIXER_INPUT_MS / 1000;
	assert_int_equal(mixer_put(mixer, 2, loud, 4 * BLOCK), room);
	assert_int_equal(mixer_put(mixer, 2, loud, 1), 0);
	assert_int_equal(mixer_held(mixer, 2), room);
	for (int block = 0; block < 8; block++) {
		mixer_run(mixer, out);
		for (int i = 0; i < BLOCK; i++) {
			assert_true(block == 1 || abs(out[2 * i] - last) < 400); /* block 1: where it sets in */
			last = out[2 * i];
		}
	}
	assert_int_equal(last, 0);
	mixer_put(mixer, 2, loud, BLOCK);
	mixer_clear(mixer, 2);
	assert_int_equal(mixer_held(mixer, 2), 0);
	mixer_free(mixer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiles_stand_side_by_side),
		cmocka_unit_test(a_picture_keeps_its_aspect),
		cmocka_unit_test(a_plane_is_scaled_without_moving),
		cmocka_unit_test(text_is_broken_between_words),
		cmocka_unit_test(text_stays_inside),
		cmocka_unit_test(a_stamp_is_read_in_the_tile),
		cmocka_unit_test(a_tile_shows_how_it_is_secured),
		cmocka_unit_test(a_meter_shows_how_loud_somebody_is),
		cmocka_unit_test(a_warning_stands_over_the_picture),
		cmocka_unit_test(a_limiter_never_overflows_and_never_jumps),
		cmocka_unit_test(quiet_sound_passes_unchanged),
		cmocka_unit_test(sounds_are_added),
		cmocka_unit_test(an_input_holds_little_and_fades_when_it_runs_dry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
