/* SPDX-License-Identifier: Apache-2.0 */
/* Video sink "sdl": a window with the picture and, below it, how the session is secured. */
#include <SDL.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/videosink.h>

#include "banner.h"
#include "input.h"
#include "library.h"
#include "picture.h"
#include "strip.h"

#define WIDTH       640
#define HEIGHT      480
#define MIN_SIDE    160
#define SELF_MARGIN 8
#define SELF_FRAME  2

struct qv_videosink {
	const struct qv_log *log;
	char *title;
	SDL_Window *window;
	SDL_Renderer *renderer;
	struct input input;
	struct picture picture, self; /* the peer's, and our own, small */
	struct strip strip;
	struct banners banners;
	bool watching;
	int fitted_width, fitted_height; /* of the picture that the window was made for; 0: none yet */
	int given_width, given_height;   /* size that the window was given then */
	bool fullscreen;
};

static const struct qv_option options[] = {
	{ .name = "fullscreen", .type = QV_OPTION_BOOL, .fallback = "false", .help = "Start in full screen." },
	{ .name = "vsync",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Show frames on the refresh of the screen: no tearing, up to one refresh later." },
	{ .name = "font",
	  .type = QV_OPTION_PATH,
	  .help = "TrueType font for the security state; unset: DejaVu Sans or another usual one." },
	{ .name = "font_size",
	  .type = QV_OPTION_INT,
	  .fallback = "14",
	  .min = 6,
	  .max = 72,
	  .unit = "pt",
	  .help = "Size of that text." },
	{ .name = NULL },
};

static void set_fullscreen(struct qv_videosink *sink, bool on)
{
	if (SDL_SetWindowFullscreen(sink->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) != 0) {
		qv_log_warning(sink->log, "full screen cannot be switched: SDL: %s", SDL_GetError());
		return;
	}
	sink->fullscreen = on;
	sink->input.redraw = true;
	qv_log_debug(sink->log, "full screen is %s", on ? "on" : "off");
}

/* SDL may hand out further events while it switches: what was asked for is forgotten before, not after. */
static void obey_keys(struct qv_videosink *sink)
{
	bool toggle = sink->input.toggle, leave = sink->input.leave;
	sink->input.toggle = sink->input.leave = false;
	if (toggle)
		set_fullscreen(sink, !sink->fullscreen);
	else if (leave && sink->fullscreen)
		set_fullscreen(sink, false);
	else if (leave)
		input_put(&sink->input, 27);
}

static int handle_events(struct qv_videosink *sink, struct qv_error *err)
{
	SDL_PumpEvents();
	SDL_FlushEvents(SDL_FIRSTEVENT, SDL_LASTEVENT);
	if (sink->input.closed)
		return qv_fail(err, QV_E_END, "the video window was closed");
	obey_keys(sink);
	if (sink->input.reset) {
		picture_free(&sink->picture);
		picture_free(&sink->self);
		strip_forget(&sink->strip);
		banners_forget(&sink->banners);
		sink->input.reset = false;
		sink->input.redraw = true;
	}
	return 0;
}

/* In the lower right corner, in a frame, a quarter as broad as the window. */
static void draw_self(struct qv_videosink *sink, const SDL_Rect *area)
{
	const struct qv_video_format *format = &sink->self.format;
	if (!sink->self.texture)
		return;
	int width = area->w / 4 - 2 * SELF_FRAME, height = width * format->height / format->width;
	SDL_Rect inside = { area->x + area->w - width - SELF_FRAME - SELF_MARGIN,
			    area->y + area->h - height - SELF_FRAME - SELF_MARGIN, width, height };
	SDL_Rect frame = { inside.x - SELF_FRAME, inside.y - SELF_FRAME, width + 2 * SELF_FRAME,
			   height + 2 * SELF_FRAME };
	SDL_SetRenderDrawColor(sink->renderer, 255, 255, 255, 255);
	SDL_RenderFillRect(sink->renderer, &frame);
	picture_draw(&sink->self, sink->renderer, &inside);
}

static void draw(struct qv_videosink *sink)
{
	int width, height;
	if (SDL_GetRendererOutputSize(sink->renderer, &width, &height) != 0)
		return;
	int rows = strip_height(&sink->strip, sink->renderer, width);
	SDL_Rect above = { 0, 0, width, height - rows }, below = { 0, height - rows, width, rows };
	SDL_SetRenderDrawColor(sink->renderer, 0, 0, 0, 255);
	SDL_RenderClear(sink->renderer);
	picture_draw(&sink->picture, sink->renderer, &above);
	draw_self(sink, &above);
	banners_draw(&sink->banners, sink->renderer, sink->strip.font, &above);
	strip_draw(&sink->strip, sink->renderer, &below);
	SDL_RenderPresent(sink->renderer);
	sink->input.redraw = false;
}

/* The first picture was sent smaller than one that comes now, and nobody has given the window a size of their own. */
static bool outgrown(const struct qv_videosink *sink, const struct qv_video_format *format)
{
	int width, height;
	if (sink->fitted_width == 0)
		return true;
	if (sink->fullscreen || format->width <= sink->fitted_width || format->height <= sink->fitted_height)
		return false;
	SDL_GetWindowSize(sink->window, &width, &height);
	return width == sink->given_width && height == sink->given_height;
}

/* Gives the window the size of a picture, or what of it the screen has room for. */
static void fit_window(struct qv_videosink *sink, const struct qv_video_format *format)
{
	SDL_Rect screen;
	int width = format->width, height = format->height;
	sink->fitted_width = width;
	sink->fitted_height = height;
	if (SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(sink->window), &screen) == 0 && screen.w > 0 &&
	    screen.h > 0) {
		width = width < screen.w ? width : screen.w;
		height = height < screen.h ? height : screen.h;
	}
	width = width > MIN_SIDE ? width : MIN_SIDE;
	height += strip_height(&sink->strip, sink->renderer, width);
	sink->given_width = width;
	sink->given_height = height > MIN_SIDE ? height : MIN_SIDE;
	SDL_SetWindowSize(sink->window, sink->given_width, sink->given_height);
}

static const char *plain(char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++)
		if ((unsigned char)*from < 0x80)
			*to++ = *from;
		else if (((unsigned char)*from & 0xc0) == 0xc0)
			*to++ = '-';
	*to = '\0';
	return text;
}

static void set_title(struct qv_videosink *sink)
{
	char title[1200];
	const char *warning = sink->banners.labels[QV_OVERLAY_WARNING].text;
	snprintf(title, sizeof title, "%s%.300s%s — %s", warning ? "! " : "", warning ? warning : sink->title,
		 warning ? " !" : "", sink->strip.label.text);
	SDL_ClearError();
	SDL_SetWindowTitle(sink->window, title);
	/* In the locale of a program that has set none, X takes nothing but ASCII, and SDL leaves the title as it was. */
	if (SDL_GetError()[0])
		SDL_SetWindowTitle(sink->window, plain(title));
}

static int make_window(struct qv_videosink *sink, const struct qv_options *values, struct qv_error *err)
{
	Uint32 flags = SDL_WINDOW_RESIZABLE;
	sink->fullscreen = qv_options_bool(values, "fullscreen");
	if (sink->fullscreen)
		flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
	sink->window =
		SDL_CreateWindow(sink->title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, WIDTH, HEIGHT, flags);
	if (!sink->window)
		return qv_fail(err, QV_E_UNSUPPORTED, "no video window: SDL: %s", SDL_GetError());
	SDL_SetWindowMinimumSize(sink->window, MIN_SIDE, MIN_SIDE);
	sink->renderer =
		SDL_CreateRenderer(sink->window, -1, qv_options_bool(values, "vsync") ? SDL_RENDERER_PRESENTVSYNC : 0);
	if (!sink->renderer)
		return qv_fail(err, QV_E_UNSUPPORTED, "nothing draws into the video window: SDL: %s", SDL_GetError());
	sink->input.window = SDL_GetWindowID(sink->window);
	SDL_RendererInfo info;
	if (SDL_GetRendererInfo(sink->renderer, &info) == 0)
		qv_log_debug(sink->log, "SDL video driver %s, renderer %s", SDL_GetCurrentVideoDriver(), info.name);
	return 0;
}

static int set_up(struct qv_videosink *sink, const struct qv_options *values, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	const char *font = qv_options_string(values, "font");
	if (strip_open(&sink->strip, font, (int)qv_options_int(values, "font_size"), &why) != 0)
		return qv_options_fail(values, "font", err, "%s", why.message);
	if (make_window(sink, values, err) != 0)
		return -1;
	if (!sink->strip.font)
		qv_log_warning(sink->log,
			       "no font was found: the security state stands in the window's title only; install "
			       "DejaVu Sans (fonts-dejavu-core) or set the option font");
	input_watch(&sink->input);
	sink->watching = true;
	SDL_StopTextInput();
	set_title(sink);
	draw(sink);
	return 0;
}

static void sdl_close(struct qv_videosink *sink)
{
	if (!sink)
		return;
	if (sink->watching)
		input_unwatch(&sink->input);
	picture_free(&sink->picture);
	picture_free(&sink->self);
	banners_free(&sink->banners);
	strip_close(&sink->strip);
	if (sink->renderer)
		SDL_DestroyRenderer(sink->renderer);
	if (sink->window)
		SDL_DestroyWindow(sink->window);
	library_leave();
	free(sink->title);
	free(sink);
}

static struct qv_videosink *sdl_open(const struct qv_host *host, const struct qv_options *values, const char *title,
				     struct qv_error *err)
{
	if (library_enter(err) != 0)
		return NULL;
	struct qv_videosink *sink = calloc(1, sizeof *sink);
	char *own_title = strdup(title && *title ? title : "Qvisio");
	if (!sink || !own_title) {
		free(sink);
		free(own_title);
		library_leave();
		qv_fail(err, QV_E_NOMEM, "no memory for the video sink sdl");
		return NULL;
	}
	sink->log = sink->input.log = host->log;
	sink->title = own_title;
	if (set_up(sink, values, err) != 0) {
		sdl_close(sink);
		return NULL;
	}
	return sink;
}

static int sdl_show(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	if (qv_frame_check(frame, err) != 0)
		return qv_error_prefix(err, "video sink sdl");
	if (frame->format.pixel == QV_PIXEL_JPEG)
		return qv_fail(err, QV_E_INVALID, "video sink sdl: a jpeg frame came, where sinks take planar ones");
	if (handle_events(sink, err) != 0)
		return -1;
	if (outgrown(sink, &frame->format))
		fit_window(sink, &frame->format);
	if (picture_update(&sink->picture, sink->renderer, frame, err) != 0)
		return -1;
	draw(sink);
	return 0;
}

static int sdl_status(struct qv_videosink *sink, enum qv_secured secured, const char *text, struct qv_error *err)
{
	if (strip_set(&sink->strip, secured, text, err) != 0)
		return -1;
	set_title(sink);
	draw(sink);
	return 0;
}

static int sdl_poll(struct qv_videosink *sink, struct qv_error *err)
{
	if (handle_events(sink, err) != 0)
		return -1;
	if (sink->input.redraw)
		draw(sink);
	return 0;
}

static int sdl_overlay(struct qv_videosink *sink, enum qv_overlay overlay, const char *text, struct qv_error *err)
{
	if (banner_set(&sink->banners, overlay, text, err) != 0)
		return -1;
	set_title(sink);
	draw(sink);
	return 0;
}

static int sdl_key(struct qv_videosink *sink)
{
	return input_take(&sink->input);
}

static int sdl_self_view(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	sink->input.redraw = true;
	if (!frame) {
		picture_free(&sink->self);
		return 0;
	}
	if (qv_frame_check(frame, err) != 0 || frame->format.pixel == QV_PIXEL_JPEG)
		return qv_fail(err, QV_E_INVALID, "video sink sdl: our own picture is not a planar one");
	return picture_update(&sink->self, sink->renderer, frame, err);
}

static int sdl_fullscreen(struct qv_videosink *sink, bool on, struct qv_error *err)
{
	set_fullscreen(sink, on);
	return sink->fullscreen == on ? 0 : qv_fail(err, QV_E_UNSUPPORTED, "SDL: %s", SDL_GetError());
}

static void sdl_levels(struct qv_videosink *sink, double sent, double received)
{
	strip_levels(&sink->strip, sent, received);
	sink->input.redraw = true;
}

static const struct qv_videosink_class sdl = {
	.head = { .kind = "videosink",
		  .name = "sdl",
		  .summary = "shows the picture in a window (SDL 2)",
		  .abi_major = QV_VIDEOSINK_ABI_MAJOR,
		  .abi_minor = QV_VIDEOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_videosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = sdl_open,
	.close = sdl_close,
	.show = sdl_show,
	.status = sdl_status,
	.poll = sdl_poll,
	.overlay = sdl_overlay,
	.key = sdl_key,
	.self_view = sdl_self_view,
	.fullscreen = sdl_fullscreen,
	.levels = sdl_levels,
};

static const struct qv_class *const classes[] = { &sdl.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND Zlib",
	.classes = classes,
};
