/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

void input_put(struct input *input, int key)
{
	if (input->count < INPUT_KEYS)
		input->keys[(input->first + input->count++) % INPUT_KEYS] = key;
}

int input_take(struct input *input)
{
	if (input->count == 0)
		return 0;
	int key = input->keys[input->first];
	input->first = (input->first + 1) % INPUT_KEYS;
	input->count--;
	return key;
}

static void note_window_event(struct input *input, const SDL_WindowEvent *event)
{
	if (event->windowID != input->window)
		return;
	input->closed |= event->event == SDL_WINDOWEVENT_CLOSE;
	if (event->event == SDL_WINDOWEVENT_FOCUS_GAINED)
		qv_log_debug(input->log, "the window has the keyboard");
	input->redraw |= event->event == SDL_WINDOWEVENT_EXPOSED || event->event == SDL_WINDOWEVENT_SIZE_CHANGED ||
			 event->event == SDL_WINDOWEVENT_RESTORED || event->event == SDL_WINDOWEVENT_SHOWN;
}

/*
 * The character of a key as its layout has it without Shift; keys without one are 0. A question mark is Shift with one of
 * these on all usual layouts.
 */
static int character(const SDL_Keysym *key)
{
	bool shift = key->mod & KMOD_SHIFT;
	SDL_Keycode code = key->sym;
	if (code == SDLK_F1 || (shift && (code == SDLK_SLASH || code == 0xdf || code == SDLK_COMMA ||
					  code == SDLK_PLUS || code == SDLK_QUOTE || code == SDLK_MINUS)))
		return '?';
	if (code == SDLK_KP_ENTER)
		return '\r';
	return code > 0 && code < QV_KEY_CLICK ? (int)code : 0;
}

static void note_key(struct input *input, const SDL_KeyboardEvent *event)
{
	if (event->windowID != input->window || event->repeat ||
	    (event->keysym.mod & (KMOD_CTRL | KMOD_LALT | KMOD_GUI)))
		return;
	int key = character(&event->keysym);
	if (event->keysym.sym == SDLK_f || event->keysym.sym == SDLK_F11)
		input->toggle = !input->toggle;
	else if (event->keysym.sym == SDLK_ESCAPE)
		input->leave = true;
	else if (key)
		input_put(input, key);
}

static void note_button(struct input *input, const SDL_MouseButtonEvent *event)
{
	if (event->windowID != input->window || event->button != SDL_BUTTON_LEFT)
		return;
	if (event->clicks == 2)
		input->toggle = !input->toggle;
	else
		input_put(input, QV_KEY_CLICK);
}

/* Called by SDL for each event, in SDL_PumpEvents. */
static int note_event(void *data, SDL_Event *event)
{
	struct input *input = data;
	switch (event->type) {
	case SDL_QUIT:
		input->closed = true;
		break;
	case SDL_WINDOWEVENT:
		note_window_event(input, &event->window);
		break;
	case SDL_KEYDOWN:
		note_key(input, &event->key);
		break;
	case SDL_MOUSEBUTTONDOWN:
		note_button(input, &event->button);
		break;
	case SDL_RENDER_TARGETS_RESET:
	case SDL_RENDER_DEVICE_RESET:
		input->reset = true;
		break;
	default:
		break;
	}
	return 0;
}

void input_watch(struct input *input)
{
	SDL_AddEventWatch(note_event, input);
}

void input_unwatch(struct input *input)
{
	SDL_DelEventWatch(note_event, input);
}
