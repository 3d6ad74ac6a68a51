/* SPDX-License-Identifier: Apache-2.0 */
/* Video sink "caca": the picture in characters, and how the session is secured, in a terminal. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caca.h>

#include <qvisio/videosink.h>

#include "cells.h"
#include "terminal.h"

#define SMALL_SIDE  320
#define SELF_SIDE   96
#define KEYS_MAX    16
#define METER_CELLS 12
#define METER_DB    60.0
#define CTRL_C      3

struct qv_videosink {
	const struct qv_host *host;
	char *title;
	caca_canvas_t *canvas;
	caca_display_t *display;
	bool has_terminal;
	struct small picture, self;
	enum qv_secured secured;
	char *status;
	char *overlays[QV_OVERLAY_COUNT];
	double sent, received;
	int keys[KEYS_MAX], key_count;
	bool asked; /* the program wants keys */
	bool ended, redraw;
	int64_t interval_ns, drawn_ns;
	int64_t second_ns; /* when frames were counted last */
	int frames;
	double fps;
};

static const char *const drivers[] = { "ncurses", "slang", "raw", "null", NULL };

static const struct qv_option options[] = {
	{ .name = "driver",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "ncurses",
	  .choices = drivers,
	  .help = "How libcaca draws: ncurses and slang in the terminal, raw as its own format on standard output "
		  "(for cacaserver), null nowhere." },
	{ .name = "fps",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "15.0",
	  .min = 0.5,
	  .max = 120,
	  .unit = "frames/s",
	  .help = "Most pictures drawn in a second; a slow connection wants fewer." },
	{ .name = NULL },
};

static const char *const state_words[] = { "NOT SECURED", "NOT QKD", "QKD" };

/* The line of state: always in words, whatever the program says. */
static char *state_text(enum qv_secured secured, const char *text)
{
	const char *words = state_words[secured <= QV_SECURED_QKD ? secured : 0];
	char *made;
	if (text && strncasecmp(text, words, strlen(words)) == 0)
		return strdup(text);
	bool some = text && *text;
	return asprintf(&made, "%s%s%s", words, some ? " - " : "", some ? text : "") < 0 ? NULL : made;
}

static void meter(char *text, size_t room, const char *name, double level)
{
	char bar[METER_CELLS + 1];
	if (isnan(level)) {
		text[0] = '\0';
		return;
	}
	int filled = (int)lrint((level + METER_DB) / METER_DB * METER_CELLS);
	for (int i = 0; i < METER_CELLS; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[METER_CELLS] = '\0';
	snprintf(text, room, "  %s [%s]", name, bar);
}

static void facts_text(const struct qv_videosink *sink, char *text, size_t room)
{
	char sent[40], received[40], picture[60] = "no picture yet";
	meter(sent, sizeof sent, "sent", sink->sent);
	meter(received, sizeof received, "received", sink->received);
	if (sink->picture.pixels)
		snprintf(picture, sizeof picture, "%dx%d %.1f frames/s", sink->picture.of_width,
			 sink->picture.of_height, sink->fps);
	snprintf(text, room, "%s%s%s", picture, sent, received);
}

static int draw_overlays(struct qv_videosink *sink, int width, int rows)
{
	int y = 0;
	static const enum qv_overlay order[] = { QV_OVERLAY_WARNING, QV_OVERLAY_NOTICE, QV_OVERLAY_HELP };
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		const char *text = sink->overlays[order[i]];
		bool warning = order[i] == QV_OVERLAY_WARNING;
		if (!text)
			continue;
		caca_set_color_ansi(sink->canvas, CACA_WHITE, warning ? CACA_RED : CACA_BLUE);
		y += text_draw(sink->canvas, y, width, rows - y, text);
	}
	return y;
}

/* The state of security has its rows first; the picture has what is left. */
static void draw(struct qv_videosink *sink)
{
	static const uint8_t backgrounds[] = { CACA_RED, CACA_BROWN, CACA_GREEN };
	caca_canvas_t *canvas = sink->canvas;
	int width = caca_get_canvas_width(canvas), height = caca_get_canvas_height(canvas);
	char facts[160];
	facts_text(sink, facts, sizeof facts);
	int state_rows = text_draw(NULL, 0, width, height, sink->status);
	int fact_rows = height > state_rows + 4 ? 1 : 0;
	struct area above = { 0, 0, width, height - state_rows - fact_rows };
	caca_set_color_ansi(canvas, CACA_LIGHTGRAY, CACA_BLACK);
	caca_clear_canvas(canvas);
	small_draw(&sink->picture, canvas, &above, false);
	struct area corner = { width - width / 4, above.height - above.height / 3, width / 4, above.height / 3 };
	small_draw(&sink->self, canvas, &corner, true);
	draw_overlays(sink, width, above.height);
	caca_set_color_ansi(canvas, CACA_LIGHTGRAY, CACA_BLACK);
	text_draw(canvas, above.height, width, fact_rows, facts);
	caca_set_color_ansi(canvas, CACA_WHITE, backgrounds[sink->secured <= QV_SECURED_QKD ? sink->secured : 0]);
	text_draw(canvas, height - state_rows, width, state_rows, sink->status);
	caca_refresh_display(sink->display);
	sink->redraw = false;
	sink->drawn_ns = qv_clock_now(sink->host->clock);
}

static void draw_when_due(struct qv_videosink *sink)
{
	if (qv_clock_now(sink->host->clock) - sink->drawn_ns >= sink->interval_ns)
		draw(sink);
	else
		sink->redraw = true;
}

static int to_key(int code)
{
	if (code >= 'A' && code <= 'Z')
		return code - 'A' + 'a';
	return code == CACA_KEY_RETURN ? '\r' : code;
}

static void press(struct qv_videosink *sink, int code)
{
	/* Nobody else would hear of it. */
	if (code == CTRL_C || (!sink->asked && (code == 'q' || code == 'Q' || code == CACA_KEY_ESCAPE)))
		sink->ended = true;
	else if (sink->key_count < KEYS_MAX && code < CACA_KEY_UP)
		sink->keys[sink->key_count++] = to_key(code);
}

static int handle_events(struct qv_videosink *sink, struct qv_error *err)
{
	caca_event_t event;
	while (caca_get_event(sink->display, CACA_EVENT_KEY_PRESS | CACA_EVENT_RESIZE | CACA_EVENT_QUIT, &event, 0) >
	       0) {
		switch (caca_get_event_type(&event)) {
		case CACA_EVENT_KEY_PRESS:
			press(sink, caca_get_event_key_ch(&event));
			break;
		case CACA_EVENT_RESIZE:
			/* The display takes the new size when it is drawn next. */
			caca_refresh_display(sink->display);
			sink->redraw = true;
			break;
		default:
			sink->ended = true;
		}
	}
	return sink->ended ? qv_fail(err, QV_E_END, "the picture in the terminal was closed") : 0;
}

static void sink_close(struct qv_videosink *sink)
{
	if (!sink)
		return;
	if (sink->display)
		caca_free_display(sink->display);
	if (sink->canvas)
		caca_free_canvas(sink->canvas);
	if (sink->has_terminal)
		terminal_leave();
	small_free(&sink->picture);
	small_free(&sink->self);
	for (int i = 0; i < QV_OVERLAY_COUNT; i++)
		free(sink->overlays[i]);
	free(sink->status);
	free(sink->title);
	free(sink);
}

/* libcaca sets the locale of the process, for the terminal's characters; numbers stay as everybody writes them. */
static int make_display(struct qv_videosink *sink, const char *driver, struct qv_error *err)
{
	if ((strcmp(driver, "ncurses") == 0 || strcmp(driver, "slang") == 0) && terminal_enter(err) != 0)
		return -1;
	sink->has_terminal = strcmp(driver, "ncurses") == 0 || strcmp(driver, "slang") == 0;
	sink->canvas = caca_create_canvas(80, 24);
	sink->display = sink->canvas ? caca_create_display_with_driver(sink->canvas, driver) : NULL;
	setlocale(LC_NUMERIC, "C");
	if (!sink->display)
		return qv_fail(err, QV_E_UNSUPPORTED, "video sink caca: libcaca cannot draw with its driver \"%s\"",
			       driver);
	caca_set_display_title(sink->display, sink->title);
	caca_set_cursor(sink->display, 0);
	return 0;
}

static struct qv_videosink *sink_open(const struct qv_host *host, const struct qv_options *values, const char *title,
				      struct qv_error *err)
{
	struct qv_videosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for the video sink caca");
		return NULL;
	}
	sink->host = host;
	sink->interval_ns = (int64_t)(1e9 / qv_options_float(values, "fps"));
	sink->sent = sink->received = NAN;
	sink->title = strdup(title ? title : "Qvisio");
	sink->status = state_text(QV_SECURED_NONE, NULL);
	if (!sink->title || !sink->status)
		qv_fail(err, QV_E_NOMEM, "no memory for the video sink caca");
	else if (make_display(sink, qv_options_string(values, "driver"), err) == 0) {
		draw(sink);
		return sink;
	}
	sink_close(sink);
	return NULL;
}

static void count_frame(struct qv_videosink *sink)
{
	int64_t now = qv_clock_now(sink->host->clock), since = now - sink->second_ns;
	sink->frames++;
	if (since < QV_NS_PER_SECOND)
		return;
	sink->fps = sink->second_ns ? sink->frames * 1e9 / (double)since : 0;
	sink->frames = 0;
	sink->second_ns = now;
}

static int check_planar(const struct qv_frame *frame, struct qv_error *err)
{
	if (qv_frame_check(frame, err) != 0)
		return qv_error_prefix(err, "video sink caca");
	if (frame->format.pixel == QV_PIXEL_JPEG)
		return qv_fail(err, QV_E_INVALID, "video sink caca: a jpeg frame came, where sinks take planar ones");
	return 0;
}

static int sink_show(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	if (check_planar(frame, err) != 0 || handle_events(sink, err) != 0)
		return -1;
	count_frame(sink);
	if (sink->picture.pixels && qv_clock_now(sink->host->clock) - sink->drawn_ns < sink->interval_ns)
		return 0;
	if (small_take(&sink->picture, frame, SMALL_SIDE, err) != 0)
		return -1;
	draw(sink);
	return 0;
}

static int sink_status(struct qv_videosink *sink, enum qv_secured secured, const char *text, struct qv_error *err)
{
	char *made = state_text(secured, text);
	if (!made)
		return qv_fail(err, QV_E_NOMEM, "no memory for the state of security");
	free(sink->status);
	sink->status = made;
	sink->secured = secured;
	draw(sink);
	return 0;
}

static int sink_poll(struct qv_videosink *sink, struct qv_error *err)
{
	if (handle_events(sink, err) != 0)
		return -1;
	if (sink->redraw)
		draw_when_due(sink);
	return 0;
}

static int sink_overlay(struct qv_videosink *sink, enum qv_overlay overlay, const char *text, struct qv_error *err)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return qv_fail(err, QV_E_NOMEM, "no memory for a text over the picture");
	free(sink->overlays[overlay]);
	sink->overlays[overlay] = copy;
	draw(sink);
	return 0;
}

static int sink_key(struct qv_videosink *sink)
{
	sink->asked = true;
	if (sink->key_count == 0)
		return 0;
	int key = sink->keys[0];
	memmove(sink->keys, sink->keys + 1, (size_t)--sink->key_count * sizeof sink->keys[0]);
	return key;
}

static int sink_self_view(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	sink->redraw = true;
	if (frame)
		return check_planar(frame, err) == 0 ? small_take(&sink->self, frame, SELF_SIDE, err) : -1;
	small_free(&sink->self);
	return 0;
}

static void sink_levels(struct qv_videosink *sink, double sent, double received)
{
	sink->sent = sent;
	sink->received = received;
	sink->redraw = true;
}

static const struct qv_videosink_class caca = {
	.head = { .kind = "videosink",
		  .name = "caca",
		  .summary = "shows the picture in characters in a terminal (libcaca)",
		  .abi_major = QV_VIDEOSINK_ABI_MAJOR,
		  .abi_minor = QV_VIDEOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_videosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = sink_open,
	.close = sink_close,
	.show = sink_show,
	.status = sink_status,
	.poll = sink_poll,
	.overlay = sink_overlay,
	.key = sink_key,
	.self_view = sink_self_view,
	.levels = sink_levels,
};

static const struct qv_class *const classes[] = { &caca.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND WTFPL AND X11 AND GPL-2.0-or-later",
	.classes = classes,
};
