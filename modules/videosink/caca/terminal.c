/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <curses.h>
/* It comes after curses.h, whose names it uses. */
#include <term.h>

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static bool library_taken;

static int check(struct qv_error *err)
{
	const char *name = getenv("TERM");
	int status = 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "video sink caca: standard input and output are no terminal; start it in one (with ssh: "
			       "ssh -t), or set the option driver to raw");
	if (!name || !*name || setupterm(NULL, STDOUT_FILENO, &status) != OK)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "video sink caca: the kind of terminal \"%s\" (TERM) is not known here",
			       name ? name : "");
	del_curterm(cur_term);
	return 0;
}

int terminal_enter(struct qv_error *err)
{
	pthread_mutex_lock(&library_lock);
	int result =
		library_taken ? qv_fail(err, QV_E_BUSY, "video sink caca: another one has the terminal") : check(err);
	library_taken = library_taken || result == 0;
	pthread_mutex_unlock(&library_lock);
	return result;
}

void terminal_leave(void)
{
	pthread_mutex_lock(&library_lock);
	library_taken = false;
	pthread_mutex_unlock(&library_lock);
}
