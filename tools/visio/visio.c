/* SPDX-License-Identifier: Apache-2.0 */
/* The two-way call: listens for calls, calls a contact, or steers a running visio. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common_options.h"
#include "config.h"
#include "conversation.h"
#include "dialing.h"
#include "farewell.h"
#include "front.h"
#include "mesh.h"
#include "reception.h"
#include "steering.h"
#include "stop.h"
#include "tui.h"

struct arguments {
	const char *config, *socket;
	struct common_options common;
	bool tui;
	int ready_fd; /* with tui: for front_ready */
	char **words; /* command and what follows it */
	int count;
};

static void print_help(void)
{
	printf("usage: visio [OPTION…] listen | call NAME… | ctl COMMAND… | tui\n\n"
	       "Calls, in which both ends see and hear each other, keyed by QKD.\n\n"
	       "  --config=FILE            contacts, devices, keys; by default visio.conf in $XDG_CONFIG_HOME/qvisio\n"
	       "  --socket=PATH            control socket, in place of what the configuration says\n"
	       "  --stats=line|json|off    once a second on standard output: one line (default), JSON lines, or "
	       "nothing\n"
	       "  --seconds=N              stop after N seconds\n"
	       "  --log-level=LEVEL        error, warning, info or debug, on standard error\n"
	       "  --tui                    with listen and call: all that goes on, in this terminal, as tui shows it\n"
	       "  --check                  judge the configuration and the options of its modules, and end\n"
	       "  --help, --version\n\n"
	       "Commands of ctl:\n");
	steering_print_commands();
}

static int usage(const char *what)
{
	fprintf(stderr, "visio: %s; see visio --help\n", what);
	return EXIT_USAGE;
}

/* The command and what follows it: -1 to go on, or the status to exit with. */
static int take_words(struct arguments *arguments, char **words, int count)
{
	arguments->words = words;
	arguments->count = count;
	if (count == 0)
		return arguments->common.check ? -1 : usage("say listen, call NAME…, ctl COMMAND or tui");
	const char *word = words[0];
	/* Beside a command it may stand as an option is wont to, behind. */
	if ((strcmp(word, "listen") == 0 || strcmp(word, "call") == 0) && strcmp(words[count - 1], "--tui") == 0) {
		arguments->tui = true;
		count = --arguments->count;
	}
	if (arguments->tui && strcmp(word, "ctl") == 0)
		return usage("--tui goes with listen and call");
	bool fits = ((strcmp(word, "listen") == 0 || strcmp(word, "tui") == 0) && count == 1) ||
		    (strcmp(word, "call") == 0 && count > 1) || (strcmp(word, "ctl") == 0 && count > 1);
	return fits ? -1 : usage("say listen, call NAME…, ctl COMMAND or tui");
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
	enum { CONFIG = OPTION_OWN, SOCKET, TUI, SHOW_HELP, SHOW_VERSION };
	static const struct option options[] = {
		COMMON_OPTIONS,
		{ "config", required_argument, NULL, CONFIG },
		{ "socket", required_argument, NULL, SOCKET },
		{ "tui", no_argument, NULL, TUI },
		{ "help", no_argument, NULL, SHOW_HELP },
		{ "version", no_argument, NULL, SHOW_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	const char *wrong;
	int option;
	*arguments = (struct arguments){ .common = { .stats = STATS_LINE } };
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		int taken = common_options_take(&arguments->common, option, optarg, &wrong);
		if (taken < 0)
			return usage(wrong);
		if (taken > 0)
			continue;
		switch (option) {
		case CONFIG:
			arguments->config = optarg;
			break;
		case SOCKET:
			arguments->socket = optarg;
			break;
		case TUI:
			arguments->tui = true;
			break;
		case SHOW_HELP:
			print_help();
			return 0;
		case SHOW_VERSION:
			printf("visio %s\n", PACKAGE_VERSION);
			return 0;
		default:
			return EXIT_USAGE; /* getopt has said why */
		}
	}
	return take_words(arguments, argv + optind, argc - optind);
}

/* What comes before the name of a file, which is meant from here and not from where the other visio was started. */
static const char *folder_of(const struct arguments *arguments, char *here, size_t room)
{
	const char *command = arguments->words[1], *name = arguments->words[2];
	bool file = strcmp(command, "snapshot") == 0 || (strcmp(command, "record") == 0 && strcmp(name, "stop") != 0);
	if (!file || name[0] == '/' || !getcwd(here, room - 1))
		return "";
	size_t used = strlen(here);
	memcpy(here + used, "/", 2);
	return here;
}

/* The control socket of the other visio; NULL after having said why there is none. */
static const char *where_to_steer(const struct arguments *arguments, char *usual, size_t room)
{
	struct qv_error err = QV_ERROR_INIT;
	if (arguments->socket)
		return arguments->socket;
	if (control_socket_path(usual, room, &err) == 0)
		return usual;
	usage(err.message);
	return NULL;
}

/* The words of a command as the line that the control socket takes. */
static int ctl(const struct arguments *arguments)
{
	char usual[256], here[CONTROL_LINE_MAX / 2], line[CONTROL_LINE_MAX] = "";
	size_t used = 0;
	for (int i = 1; i < arguments->count && used < sizeof line; i++)
		used += (size_t)snprintf(line + used, sizeof line - used, "%s%s%s", i > 1 ? " " : "",
					 i == 2 ? folder_of(arguments, here, sizeof here) : "", arguments->words[i]);
	if (used >= sizeof line - 1 || strchr(line, '\n'))
		return usage("the command is too long, or more than one line");
	const char *path = where_to_steer(arguments, usual, sizeof usual);
	return path ? control_socket_ask(path, line) : EXIT_USAGE;
}

static int tui(const struct arguments *arguments)
{
	char usual[256];
	const char *path = where_to_steer(arguments, usual, sizeof usual);
	return path ? tui_run(path) : EXIT_USAGE;
}

static int open_control(struct visio *visio, const struct arguments *arguments, struct qv_error *err)
{
	char usual[256];
	const char *path = arguments->socket ? arguments->socket : qv_options_string(visio->settings.top, "control");
	if (!path) {
		struct qv_error why = QV_ERROR_INIT;
		if (control_socket_path(usual, sizeof usual, &why) != 0) {
			if (arguments->tui)
				return qv_fail(err, QV_E_NOT_FOUND, "--tui: no control socket: %s", why.message);
			qv_log_warning(visio->settings.log, "no control socket: %s", why.message);
			return 0;
		}
		path = usual;
	}
	visio->control = control_socket_new(path, &visio->commander, visio->settings.log, err);
	if (visio->control && arguments->tui)
		front_ready(arguments->ready_fd, path);
	return visio->control ? 0 : -1;
}

/* One is called to talk to, several to a conference. */
static int call_all(struct visio *visio, char *const *names, int count, struct qv_error *err)
{
	if (count > 1)
		return mesh_call(visio, names, (size_t)count, err);
	return mesh_last(visio, dialing_call(visio, names[0], err), err);
}

/* Commands may begin a call until the control socket is gone: none from now on, and those that did are waited for. */
static void end_all(struct visio *visio)
{
	eventfd_write(visio->quit_fd, 1);
	pthread_mutex_lock(&visio->lock);
	visio->listens = false;
	while (visio->threads > 0)
		pthread_cond_wait(&visio->changed, &visio->lock);
	pthread_mutex_unlock(&visio->lock);
}

static int run(struct visio *visio, const struct arguments *arguments, const char *config, struct qv_error *err)
{
	if (settings_load(&visio->settings, config,
			  arguments->common.log_level_set ? &arguments->common.log_level : NULL, err) != 0)
		return -1;
	if (arguments->common.check)
		return 0;
	visio->settings.host.cancel_fd = visio->quit_fd = stop_descriptor(arguments->common.seconds, err);
	if (visio->quit_fd < 0 || settings_open(&visio->settings, err) != 0)
		return -1;
	bool listens = strcmp(arguments->words[0], "listen") == 0;
	/* A command that comes as soon as there is a socket waits until all of this is known. */
	pthread_mutex_lock(&visio->lock);
	visio->listens = listens;
	int status = open_control(visio, arguments, err);
	pthread_mutex_unlock(&visio->lock);
	if (status != 0)
		return -1;
	status = listens ? reception_listen(visio, err)
			 : call_all(visio, arguments->words + 1, arguments->count - 1, err);
	end_all(visio);
	reception_close(visio);
	return status;
}

static const char *usual_config(char *path, size_t room)
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (folder && folder[0] == '/')
		snprintf(path, room, "%s/qvisio/visio.conf", folder);
	else
		snprintf(path, room, "%s/.config/qvisio/visio.conf", home ? home : "");
	return path;
}

static int exit_status(const struct qv_error *err)
{
	if (err->code == QV_E_CONFIG || err->code == QV_E_MODULE || err->code == QV_E_NOT_FOUND)
		return EXIT_USAGE;
	return err->code == QV_E_BUSY ? EXIT_PEER_BUSY : EXIT_CALL_FAILED;
}

static void visio_init(struct visio *visio)
{
	pthread_condattr_t attributes;
	*visio = (struct visio){ .commander = { steering_obey }, .quit_fd = -1 };
	pthread_mutex_init(&visio->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&visio->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct visio visio;
	struct qv_error err = QV_ERROR_INIT;
	char path[512];
	int status = parse(argc, argv, &arguments);
	if (status >= 0)
		return status;
	if (arguments.count > 0 && strcmp(arguments.words[0], "ctl") == 0)
		return ctl(&arguments);
	if (arguments.count > 0 && strcmp(arguments.words[0], "tui") == 0)
		return tui(&arguments);
	if (arguments.tui && !arguments.common.check && !front_split(&arguments.ready_fd, &status))
		return status;
	visio_init(&visio);
	visio.stats = arguments.tui ? STATS_OFF : arguments.common.stats;
	if (qv_secret_harden_process(&err) != 0 ||
	    (run(&visio, &arguments, arguments.config ? arguments.config : usual_config(path, sizeof path), &err) !=
		     0 &&
	     err.code != QV_E_CANCELLED)) {
		if (visio.settings.log)
			qv_log_error(visio.settings.log, "%s", err.message);
		else
			fprintf(stderr, "visio: %s\n", err.message);
		status = exit_status(&err);
	} else {
		status = EXIT_SUCCESS;
	}
	control_socket_free(visio.control);
	farewell_forget(&visio);
	qv_role_free(&visio.recorder);
	settings_close(&visio.settings);
	if (visio.quit_fd >= 0)
		close(visio.quit_fd);
	return status;
}
