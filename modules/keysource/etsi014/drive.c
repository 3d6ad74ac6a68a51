/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives the module for its test: options as arguments, one command a line on standard input, one answer a line.
 *   several COUNT PEER | all MASTER KEY_ID,KEY_ID… | take PEER BITS | claim MASTER KEY_ID | status PEER | self PEER | threads COUNT PEER | cancel | scan HEX
 * "ok …" or "error CODE message". `take` and `claim` keep nothing of the key but print its size and first 4 bytes.
 * `scan` looks through the memory of this process for bytes that are given with each bit of 0x5a flipped, so that the
 * command is no finding itself.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qvisio/keysource.h>
#include <qvisio/loader.h>

#define MASK        0x5a
#define THREADS_MAX 32
#define SCAN_MAX    (256ul << 20)

static const struct qv_keysource_class *class;
static struct qv_keysource *source;

static void report(int result, const char *text, const struct qv_error *err)
{
	if (result == 0)
		printf("ok %s\n", text);
	else
		printf("error %s %s\n", qv_code_name(err->code), err->message);
}

static void report_key(int result, struct qv_key *key, const struct qv_error *err)
{
	char text[QV_KEY_ID_MAX + 32] = "";
	if (result == 0) {
		const uint8_t *bytes = qv_secret_bytes(key->secret);
		snprintf(text, sizeof text, "%s %zu %02x%02x%02x%02x", key->id, qv_secret_size(key->secret), bytes[0],
			 bytes[1], bytes[2], bytes[3]);
	} else if (key->secret || key->id[0]) {
		puts("error internal a key beside a failure");
		return;
	}
	report(result, text, err);
	qv_key_clear(key);
}

struct taker {
	pthread_t thread;
	const char *peer;
	int result;
	struct qv_key key;
	struct qv_error err;
};

static void *take_one(void *argument)
{
	struct taker *taker = argument;
	taker->result = class->take(source, taker->peer, 256, &taker->key, &taker->err);
	return NULL;
}

static void take_in_threads(size_t count, const char *peer)
{
	static struct taker takers[THREADS_MAX];
	if (count > THREADS_MAX)
		count = THREADS_MAX;
	for (size_t i = 0; i < count; i++) {
		takers[i] = (struct taker){ .peer = peer };
		pthread_create(&takers[i].thread, NULL, take_one, &takers[i]);
	}
	for (size_t i = 0; i < count; i++) {
		pthread_join(takers[i].thread, NULL);
		report_key(takers[i].result, &takers[i].key, &takers[i].err);
	}
}

static size_t count_in(const uint8_t *bytes, size_t size, const uint8_t *masked, size_t length)
{
	size_t found = 0;
	for (size_t i = 0; i + length <= size; i++) {
		size_t same = 0;
		while (same < length && (bytes[i + same] ^ MASK) == masked[same])
			same++;
		found += same == length;
	}
	return found;
}

/* All writable memory; what is larger than SCAN_MAX is a sanitizer's shadow of it. */
static size_t scan(const uint8_t *masked, size_t length)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512], mode[8];
	unsigned long start, end;
	size_t found = 0;
	static uint8_t piece[1 << 20];
	while (maps && memory >= 0 && fgets(line, sizeof line, maps)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) != 3 || mode[0] != 'r' || mode[1] != 'w')
			continue;
		if (end - start > SCAN_MAX)
			continue;
		for (unsigned long at = start; at < end;) {
			size_t size = end - at < sizeof piece ? end - at : sizeof piece;
			if ((at <= (unsigned long)piece && at + size > (unsigned long)piece) ||
			    pread(memory, piece, size, (off_t)at) != (ssize_t)size)
				break;
			found += count_in(piece, size, masked, length);
			at += size < sizeof piece ? size : size - length;
		}
	}
	if (maps)
		fclose(maps);
	close(memory);
	qv_wipe(piece, sizeof piece);
	return found;
}

static void scan_hex(const char *hex)
{
	uint8_t masked[256];
	size_t length = 0;
	unsigned byte;
	for (; length < sizeof masked && sscanf(hex + 2 * length, "%2x", &byte) == 1; length++)
		masked[length] = (uint8_t)byte;
	printf("ok %zu\n", length ? scan(masked, length) : 0);
}

static void report_keys(int result, struct qv_key *keys, size_t count, const struct qv_error *err)
{
	char text[QV_KEYS_AT_ONCE * (QV_KEY_ID_MAX + 12)] = "";
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *bytes = qv_secret_bytes(keys[i].secret);
		if (bytes && result == 0)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:%02x%02x%02x%02x", i ? "," : "",
						 keys[i].id, bytes[0], bytes[1], bytes[2], bytes[3]);
		else if (bytes)
			puts("error internal a key beside a failure");
		qv_key_clear(&keys[i]);
	}
	report(result, text, err);
}

static void take_several(size_t count, const char *peer)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key keys[QV_KEYS_AT_ONCE] = { 0 };
	size_t got = 0;
	count = count < QV_KEYS_AT_ONCE ? count : QV_KEYS_AT_ONCE;
	int result = class->take_several(source, peer, 256, count, keys, &got, &err);
	report_keys(result, keys, result == 0 ? got : count, &err);
}

static void claim_several(const char *master, char *list)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key keys[QV_KEYS_AT_ONCE] = { 0 };
	const char *ids[QV_KEYS_AT_ONCE];
	size_t count = 0;
	char *rest = NULL;
	for (char *id = strtok_r(list, ",", &rest); id && count < QV_KEYS_AT_ONCE; id = strtok_r(NULL, ",", &rest))
		ids[count++] = id;
	report_keys(class->claim_several(source, master, ids, count, keys, &err), keys, count, &err);
}

/* What comes is also cancelled by a pipe of its own, whose writing end is told. */
static void cancel_here(void)
{
	struct qv_error err = QV_ERROR_INIT;
	char text[16];
	int ends[2];
	int status = pipe2(ends, O_CLOEXEC);
	if (status == 0)
		qv_cancel_also(ends[0]);
	snprintf(text, sizeof text, "%d", status == 0 ? ends[1] : -1);
	report(status, text, &err);
}

static void obey(const char *command, const char *first, char *second, int cancel_fd)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key key = { .secret = NULL };
	struct qv_keysource_status status;
	char text[QV_SAE_ID_MAX + 1] = "";
	int result;
	if (strcmp(command, "take") == 0) {
		result = class->take(source, first, (unsigned)strtoul(second, NULL, 10), &key, &err);
		report_key(result, &key, &err);
	} else if (strcmp(command, "claim") == 0) {
		result = class->claim(source, first, second, &key, &err);
		report_key(result, &key, &err);
	} else if (strcmp(command, "several") == 0) {
		take_several(strtoul(first, NULL, 10), second);
	} else if (strcmp(command, "all") == 0) {
		claim_several(first, second);
	} else if (strcmp(command, "status") == 0) {
		result = class->status(source, first, &status, &err);
		report(result, status.source_kme_id, &err);
	} else if (strcmp(command, "self") == 0) {
		result = class->self(source, first, text, &err);
		report(result, text, &err);
	} else if (strcmp(command, "threads") == 0) {
		take_in_threads(strtoul(first, NULL, 10), second);
	} else if (strcmp(command, "cancel") == 0) {
		report(write(cancel_fd, "", 1) == 1 ? 0 : -1, "", &err);
	} else if (strcmp(command, "here") == 0) {
		cancel_here();
	} else if (strcmp(command, "scan") == 0) {
		scan_hex(first);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct qv_error err = QV_ERROR_INIT;
	int cancel[2];
	(void)argc;
	struct qv_log *log = qv_log_new("drive", QV_LOG_WARNING, QV_LOG_TEXT, STDERR_FILENO);
	struct qv_loader *loader = qv_loader_new(NULL, log, &err);
	const struct qv_class *found = loader ? qv_loader_get(loader, "keysource", "etsi014", &err) : NULL;
	class = qv_keysource_class(found);
	struct qv_options *options = class ? qv_options_from_strings((const char *const *)argv + 1, class->head.options,
								     class->head.option_size, "test", &err)
					   : NULL;
	if (options && pipe2(cancel, O_CLOEXEC) == 0) {
		struct qv_host host = {
			.size = sizeof host, .log = log, .clock = &qv_clock_monotonic, .cancel_fd = cancel[0]
		};
		source = class->open(&host, options, &err);
		qv_options_free(options);
		report(source ? 0 : -1, "open", &err);
		fflush(stdout);
		char line[1024], command[16], first[600], second[300];
		while (source && fgets(line, sizeof line, stdin)) {
			first[0] = second[0] = '\0';
			if (sscanf(line, "%15s %599s %299s", command, first, second) >= 1)
				obey(command, first, second, cancel[1]);
		}
		class->close(source);
	} else {
		report(-1, "", &err);
	}
	qv_loader_free(loader);
	qv_log_free(log);
	return 0;
}
