/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that come to the control socket of visio, while there is a call. */
#include "../fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/visio/conversation.h"
#include "../../tools/visio/steering.h"

const char *const fuzz_corpus = "fuzz/tools/corpus/steering";

static const char config[] =
	"log_level = \"error\"; tls: { module = \"openssl\"; qkd = \"off\"; };\n"
	"contacts: ( { name = \"bob\"; host = \"localhost\"; }, { name = \"carol and dave\"; host = \"::1\"; } );\n"
	"video: { source: { module = \"testpattern\"; }; sink: { module = \"null\"; }; codec: { module = \"mjpeg\"; "
	"};\n"
	"    sources: ( { name = \"other\"; source: { module = \"testpattern\"; }; } ); };\n"
	"audio: { source: { module = \"tone\"; }; sink: { module = \"null\"; }; codec: { module = \"pcm\"; }; };\n";

static struct visio visio = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
static struct conversation talk = { .visio = &visio, .peer = "bob", .state = "calling" };

/* A build may be without some of the modules of the configuration. */
static _Noreturn void skip(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(0);
}

/* As a running visio is, but for its threads; nobody can be called while the call is not open. */
static void prepare(void)
{
	char path[32];
	struct qv_error err = QV_ERROR_INIT;
	int fd = memfd_create("visio.conf", MFD_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, config, sizeof config - 1) != (ssize_t)sizeof config - 1) {
		perror("steering: writing its configuration");
		abort();
	}
	if (settings_load(&visio.settings, path, NULL, &err) != 0) {
		if (err.code == QV_E_MODULE)
			skip(err.message);
		fprintf(stderr, "steering: %s\n", err.message);
		abort();
	}
	close(fd);
	visio.quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	visio.calls[0] = &talk;
	report_init(&talk.report, STATS_OFF, VISIO_SERVER, &talk.session, talk.peer);
}

static void obey(const char *line)
{
	json_t *said = steering_obey(&visio.commander, line);
	char *text = json_dumps(said, JSON_COMPACT);
	const json_t *ok = json_object_get(said, "ok");
	if (!text || !json_is_boolean(ok) || (!json_is_true(ok) && !json_is_string(json_object_get(said, "error"))))
		abort();
	free(text);
	json_decref(said);
}

/* With a call, and without: both are there for each line, so that one does not depend on those before. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool prepared;
	char line[CONTROL_LINE_MAX];
	if (!prepared)
		prepare();
	prepared = true;
	if (size >= sizeof line || memchr(data, '\n', size) || memchr(data, '\0', size) ||
	    (size >= 4 && memcmp(data, "call", 4) == 0))
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	obey(line);
	visio.call_count = 1;
	if (!(talk.control = qv_call_control_new(NULL)))
		return 0;
	obey(line);
	visio.call_count = 0;
	qv_call_control_free(talk.control);
	return 0;
}
