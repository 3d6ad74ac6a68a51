/* SPDX-License-Identifier: Apache-2.0 */
#include "tui_view.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define METER_WIDTH 24
#define QUIET_DB    (-60.0)

#define PLAIN   "\033[0m"
#define BOLD    "\033[1m"
#define RED     "\033[1;37;41m"
#define GREEN   "\033[1;37;42m"
#define AMBER   "\033[30;43m"
#define BAR     "\033[32m"
#define BAR_HOT "\033[31m"

struct screen {
	FILE *to;
	int columns, rows, row;
};

/* Length of the UTF-8 character at `at` if it may be shown, otherwise 0. */
static size_t character(const unsigned char *at)
{
	size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc2 ? 2 : 0;
	if (length == 1)
		return at[0] >= 0x20 && at[0] != 0x7f;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* C1 controls, and marks that turn the direction of text. */
	bool control = at[0] == 0xc2 && at[1] < 0xa0;
	bool turns = at[0] == 0xe2 && ((at[1] == 0x80 && (at[2] & 0xf8) >= 0x88 && at[2] != 0x90 && at[2] < 0xaf) ||
				       (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
	return control || turns ? 0 : length;
}

/* Puts at most `room` characters of a text and returns where it stopped. */
static const char *put_some(struct screen *screen, const char *text, int room, int *used)
{
	*used = 0;
	while (*text && *text != '\n' && *used < room) {
		size_t length = character((const unsigned char *)text);
		if (length > 0)
			fwrite(text, 1, length, screen->to);
		else
			fputc('?', screen->to);
		text += length > 0 ? length : 1;
		++*used;
	}
	return text;
}

static void end_line(struct screen *screen, int used)
{
	fputs(used < screen->columns ? "\033[K" PLAIN : PLAIN, screen->to);
	if (++screen->row < screen->rows)
		fputs("\r\n", screen->to);
}

/* A text in one style, over as many lines as it takes. */
static void put(struct screen *screen, const char *style, const char *text)
{
	do {
		int used;
		if (screen->row >= screen->rows)
			return;
		fputs(style, screen->to);
		text = put_some(screen, text, screen->columns, &used);
		end_line(screen, used);
		text += *text == '\n';
	} while (*text);
}

__attribute__((format(printf, 3, 4))) static void putf_line(struct screen *screen, const char *style,
							    const char *format, ...)
{
	char line[1000];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	put(screen, style, line);
}

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));
	return text ? text : "";
}

static double number_of(const json_t *json, const char *name)
{
	return json_number_value(json_object_get(json, name));
}

static bool flag_of(const json_t *json, const char *name, const char *part)
{
	const json_t *value = json_object_get(json, name);
	return json_is_true(part ? json_object_get(value, part) : value);
}

static void put_security(struct screen *screen, const json_t *call)
{
	const json_t *secured = json_object_get(call, "secured"), *notice = json_object_get(call, "notice");
	bool qkd = strcmp(text_of(secured, "state"), "qkd") == 0, old = text_of(secured, "no_new_key")[0];
	put(screen, !qkd ? RED : old ? AMBER : GREEN, text_of(call, "security"));
	if (!json_is_object(notice))
		return;
	bool worse = strcmp(text_of(notice, "change"), "worse") == 0;
	put(screen, worse ? RED : GREEN, text_of(notice, "text"));
	if (worse)
		put(screen, RED, "Seen? Press Enter.");
}

static void put_meter(struct screen *screen, const char *name, const json_t *level, bool muted)
{
	const json_t *value = json_is_object(level) ? json_object_get(level, "rms") : level;
	char bar[METER_WIDTH + 1], figure[32] = "-";
	double db = json_is_number(value) ? json_number_value(value) : QUIET_DB;
	int full = (int)((db - QUIET_DB) / -QUIET_DB * METER_WIDTH + 0.5);
	full = full < 0 ? 0 : full > METER_WIDTH ? METER_WIDTH : full;
	memset(bar, '.', METER_WIDTH);
	memset(bar, '#', (size_t)full);
	bar[METER_WIDTH] = '\0';
	if (json_is_number(value))
		snprintf(figure, sizeof figure, "%.0f dB", db);
	putf_line(screen, db > -6 ? BAR_HOT : BAR, "  %-8s [%s] %7s%s", name, bar, figure, muted ? "  MUTED" : "");
}

static const json_t *stats_of(const struct tui_view *view, const char *peer)
{
	size_t index;
	json_t *one;
	json_array_foreach(json_object_get(view->stats, "calls"), index, one)
	{
		if (strcmp(text_of(one, "peer"), peer) == 0)
			return one;
	}
	return NULL;
}

static void put_figures(struct screen *screen, const json_t *call, const json_t *stats)
{
	const json_t *video = json_object_get(stats, "video"), *audio = json_object_get(stats, "audio");
	const json_t *latency = json_object_get(stats, "latency_ms"), *trip = json_object_get(stats, "rtt_ms");
	char delay[32] = "-", round_trip[32] = "-";
	if (json_is_number(latency))
		snprintf(delay, sizeof delay, "%.0f ms", json_number_value(latency));
	if (json_is_number(trip))
		snprintf(round_trip, sizeof round_trip, "%.1f ms", json_number_value(trip));
	const json_t *size = json_object_get(call, "sent_size");
	char of_size[32] = "";
	if (json_is_object(size))
		snprintf(of_size, sizeof of_size, " of %.0fx%.0f", number_of(size, "width"), number_of(size, "height"));
	putf_line(screen, PLAIN, "pictures  sent %.1f/s%s  shown %.1f/s  lost %.0f  damaged %.0f  delay %s%s%s",
		  number_of(call, "fps_sent"), of_size, number_of(call, "fps"), number_of(video, "lost"),
		  number_of(video, "damaged"), delay, flag_of(call, "muted", "video") ? "  CAMERA MUTED" : "",
		  flag_of(call, "peer_muted", "video") ? "  peer's camera muted" : "");
	putf_line(screen, PLAIN, "sound     waiting %.0f ms  concealed %.0f samples%s",
		  number_of(stats, "jitter_buffer_ms"), number_of(audio, "concealed"),
		  flag_of(call, "peer_muted", "audio") ? "  peer's microphone muted" : "");
	putf_line(screen, PLAIN, "network   sent %.0f kbit/s  received %.0f kbit/s  round trip %s  over %s",
		  number_of(stats, "kbit_sent"), number_of(stats, "kbit_received"), round_trip,
		  text_of(call, "transport"));
}

static void put_call(struct screen *screen, const struct tui_view *view, const json_t *call)
{
	const json_t *stats = stats_of(view, text_of(call, "peer"));
	const json_t *levels = json_object_get(stats, "levels");
	double seconds = number_of(stats, "seconds");
	putf_line(screen, BOLD, "%s  %s  %s  %.0f:%02d%s", text_of(call, "peer"), text_of(call, "state"),
		  text_of(call, "peer_program"), (double)(long long)(seconds / 60), (int)((long long)seconds % 60),
		  flag_of(call, "recording", NULL) ? "  RECORDING" : "");
	if (text_of(call, "note")[0])
		put(screen, PLAIN, text_of(call, "note"));
	if (json_object_get(call, "security"))
		put_security(screen, call);
	if (strcmp(text_of(call, "state"), "open") != 0 || !stats)
		return;
	put_figures(screen, call, stats);
	put_meter(screen, "sent", json_object_get(levels, "captured"), flag_of(call, "muted", "audio"));
	put_meter(screen, "heard", json_object_get(levels, "played"), false);
}

/* What the keys do, side by side. */
static void put_keys(struct screen *screen)
{
	char help[1000], line[1200] = "";
	size_t used = 0;
	char *rest = help, *one;
	keys_help(help, sizeof help);
	while ((one = strsep(&rest, "\n")) && used < sizeof line) {
		if (used > 0 && (int)(strlen(line) - (size_t)(strrchr(line, '\n') ? strrchr(line, '\n') - line : 0) +
				      strlen(one) + 3) >= screen->columns)
			used += (size_t)snprintf(line + used, sizeof line - used, "\n%s", one);
		else
			used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", used ? "   " : "", one);
	}
	put(screen, PLAIN, line);
	put(screen, PLAIN, ":  type a command of visio ctl   Q  leave, the call goes on");
}

static void put_all(struct screen *screen, const struct tui_view *view)
{
	size_t index;
	json_t *call;
	const json_t *calls = json_object_get(view->status, "participants");
	if (json_array_size(calls) == 0)
		putf_line(screen, BOLD, "visio: %s",
			  view->status ? "no call; :call NAME makes one" : "asking what goes on");
	json_array_foreach(calls, index, call)
	{
		if (index > 0)
			put(screen, PLAIN, "");
		put_call(screen, view, call);
	}
	put(screen, PLAIN, "");
	if (view->prompt)
		putf_line(screen, BOLD, ":%s_", view->prompt);
	else if (view->message)
		put(screen, BOLD, view->message);
	put_keys(screen);
}

char *tui_draw(const struct tui_view *view, size_t *size)
{
	char *text = NULL;
	struct screen screen = { open_memstream(&text, size), view->columns, view->rows, 0 };
	if (!screen.to)
		return NULL;
	fputs("\033[H" PLAIN, screen.to);
	put_all(&screen, view);
	fputs("\033[J", screen.to);
	if (fclose(screen.to) == 0)
		return text;
	free(text);
	return NULL;
}
