/* SPDX-License-Identifier: Apache-2.0 */
/* What a person does with the window. */
#ifndef VIDEOSINK_SDL_INPUT_H
#define VIDEOSINK_SDL_INPUT_H

#include <SDL.h>
#include <qvisio/log.h>
#include <qvisio/videosink.h>

#define INPUT_KEYS 16 /* that wait to be asked for; further ones are lost */

/* Everything but the first two is set while SDL hands out events, and cleared by whoever obeys it. */
struct input {
	const struct qv_log *log;
	Uint32 window;
	bool closed, toggle, leave, redraw, reset;
	int keys[INPUT_KEYS];
	unsigned first, count;
};

/* The queue of SDL is one per process: a watch of its own lets each window see its events, whoever empties the queue. */
void input_watch(struct input *input);
void input_unwatch(struct input *input);

void input_put(struct input *input, int key);
int input_take(struct input *input); /* 0: none */

#endif
