/* SPDX-License-Identifier: Apache-2.0 */
#include "library.h"

#include <SDL.h>
#include <SDL_ttf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* State of the process because SDL's is: which thread its windows belong to. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t library_owner;
static int library_users;

static int no_display(struct qv_error *err, const char *why)
{
	return qv_fail(err, QV_E_UNSUPPORTED,
		       "no display for the video window: SDL: %s; start it in a graphical session (DISPLAY or "
		       "WAYLAND_DISPLAY set), or use the video sink file or null",
		       why);
}

/* SDL falls back to drivers that show nothing; they are fine only for whoever asked for them. */
static bool is_unseen(void)
{
	const char *driver = SDL_GetCurrentVideoDriver();
	const char *wanted = getenv("SDL_VIDEODRIVER");
	bool unseen = driver && (strcmp(driver, "dummy") == 0 || strcmp(driver, "offscreen") == 0);
	return unseen && !(wanted && strstr(wanted, driver));
}

static int start(struct qv_error *err)
{
	/* Signals belong to the program; and the window manager should not be told to stop compositing. */
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
	SDL_SetMainReady();
	if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0)
		return no_display(err, SDL_GetError());
	if (is_unseen()) {
		SDL_QuitSubSystem(SDL_INIT_VIDEO);
		return no_display(err, "no video device");
	}
	if (TTF_Init() != 0) {
		qv_fail(err, QV_E_UNSUPPORTED, "SDL_ttf does not start: %s", TTF_GetError());
		SDL_QuitSubSystem(SDL_INIT_VIDEO);
		return -1;
	}
	return 0;
}

int library_enter(struct qv_error *err)
{
	int result = 0;
	pthread_mutex_lock(&library_lock);
	if (library_users > 0 && !pthread_equal(library_owner, pthread_self()))
		result = qv_fail(err, QV_E_BUSY,
				 "another thread of this program has a video window open, and SDL shows windows from "
				 "one thread only");
	else
		result = start(err);
	if (result == 0) {
		library_owner = pthread_self();
		library_users++;
	}
	pthread_mutex_unlock(&library_lock);
	return result;
}

void library_leave(void)
{
	pthread_mutex_lock(&library_lock);
	library_users--;
	TTF_Quit();
	SDL_QuitSubSystem(SDL_INIT_VIDEO);
	if (library_users == 0)
		SDL_TLSCleanup(); /* what SDL keeps for a thread that it did not start goes with that thread */
	pthread_mutex_unlock(&library_lock);
}
