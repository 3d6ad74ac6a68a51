/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_all(struct output *output, const void *bytes, size_t size, struct qv_error *err)
{
	const char *at = bytes;
	while (size > 0) {
		ssize_t n = write(output->fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return qv_fail_errno(err, QV_E_IO, errno, "writing keys to %s",
					     output->path ? output->path : "standard output");
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_text(struct output *output, const char *text, struct qv_error *err)
{
	return write_all(output, text, strlen(text), err);
}

int output_open(struct output *output, const struct arguments *arguments, struct qv_error *err)
{
	*output = (struct output){ .fd = STDOUT_FILENO, .path = arguments->output, .format = arguments->format };
	if (output->path) {
		output->fd = open(output->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (output->fd < 0)
			return qv_fail_errno(err, QV_E_IO, errno,
					     "--output %s: cannot be made (a file that exists is never overwritten)",
					     output->path);
		return 0;
	}
	if (isatty(output->fd) && !arguments->show)
		return qv_fail(err, QV_E_INVALID,
			       "standard output is a terminal, and keys do not belong on one: use --output FILE, a "
			       "pipe, or --show");
	return 0;
}

/* JSON text for printable ASCII. */
static void escape(const char *text, char *json, size_t room)
{
	size_t used = 0;
	for (; *text && used + 2 < room; text++) {
		if (*text == '"' || *text == '\\')
			json[used++] = '\\';
		json[used++] = *text;
	}
	json[used] = '\0';
}

static int write_json(struct output *output, const struct qv_key *key, const struct qv_secret *base64,
		      struct qv_error *err)
{
	char id[2 * QV_KEY_ID_MAX + 3];
	escape(key->id, id, sizeof id);
	if (write_text(output, output->count ? ",\n" : "{\n  \"keys\": [\n", err) != 0 ||
	    write_text(output, "    { \"key_ID\": \"", err) != 0 || write_text(output, id, err) != 0 ||
	    write_text(output, "\", \"key\": \"", err) != 0 ||
	    write_all(output, qv_secret_bytes(base64), qv_secret_size(base64), err) != 0)
		return -1;
	return write_text(output, "\" }", err);
}

static int write_line(struct output *output, const struct qv_key *key, const struct qv_secret *base64,
		      struct qv_error *err)
{
	if (write_text(output, key->id, err) != 0 || write_text(output, " ", err) != 0 ||
	    write_all(output, qv_secret_bytes(base64), qv_secret_size(base64), err) != 0)
		return -1;
	return write_text(output, "\n", err);
}

static int write_encoded(struct output *output, const struct qv_key *key, struct qv_error *err)
{
	struct qv_secret *base64 = qv_secret_to_base64(key->secret, err);
	if (!base64)
		return -1;
	int result = output->format == FORMAT_JSON ? write_json(output, key, base64, err)
						   : write_line(output, key, base64, err);
	qv_secret_free(base64);
	return result;
}

int output_key(struct output *output, const struct qv_key *key, struct qv_error *err)
{
	int result = output->format == FORMAT_RAW
			     ? write_all(output, qv_secret_bytes(key->secret), qv_secret_size(key->secret), err)
			     : write_encoded(output, key, err);
	if (result != 0)
		return -1;
	output->count++;
	/* Raw keys on standard output leave no other place for their names. */
	if (output->path)
		dprintf(STDOUT_FILENO, "%s\n", key->id);
	else if (output->format == FORMAT_RAW)
		dprintf(STDERR_FILENO, "key_ID %s\n", key->id);
	return 0;
}

int output_close(struct output *output, struct qv_error *err)
{
	int result = 0;
	if (output->format == FORMAT_JSON && output->count)
		result = write_text(output, "\n  ]\n}\n", err);
	if (!output->path)
		return result;
	if (output->count == 0)
		unlink(output->path);
	else if (result == 0 && fsync(output->fd) != 0)
		result = qv_fail_errno(err, QV_E_IO, errno, "writing keys to %s", output->path);
	if (close(output->fd) != 0 && result == 0)
		result = qv_fail_errno(err, QV_E_IO, errno, "writing keys to %s", output->path);
	return result;
}

struct fact {
	const char *name;
	const char *text; /* NULL: a number */
	int64_t number;
};

static void print_string(const char *text)
{
	putchar('"');
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			putchar('\\');
		putchar(*c);
	}
	putchar('"');
}

static void print_json(const struct fact *facts, size_t count)
{
	const char *before = "{\n  ";
	for (size_t i = 0; i < count; i++) {
		if (facts[i].text ? !facts[i].text[0] : facts[i].number < 0)
			continue;
		printf("%s\"%s\": ", before, facts[i].name);
		if (facts[i].text)
			print_string(facts[i].text);
		else
			printf("%" PRId64, facts[i].number);
		before = ",\n  ";
	}
	puts(before[0] == '{' ? "{}" : "\n}");
}

static void print_lines(const struct fact *facts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (facts[i].text && facts[i].text[0])
			printf("%-20s %s\n", facts[i].name, facts[i].text);
		else if (!facts[i].text && facts[i].number >= 0)
			printf("%-20s %" PRId64 "\n", facts[i].name, facts[i].number);
	}
}

void output_status(const struct qv_keysource_status *status, enum format format)
{
	const struct fact facts[] = {
		{ "source_KME_ID", status->source_kme_id, 0 },
		{ "target_KME_ID", status->target_kme_id, 0 },
		{ "master_SAE_ID", status->master_sae_id, 0 },
		{ "slave_SAE_ID", status->slave_sae_id, 0 },
		{ "key_size", NULL, status->key_size },
		{ "stored_key_count", NULL, status->stored_key_count },
		{ "max_key_count", NULL, status->max_key_count },
		{ "max_key_per_request", NULL, status->max_key_per_request },
		{ "max_key_size", NULL, status->max_key_size },
		{ "min_key_size", NULL, status->min_key_size },
		{ "max_SAE_ID_count", NULL, status->max_sae_id_count },
	};
	size_t count = sizeof facts / sizeof facts[0];
	if (format == FORMAT_JSON)
		print_json(facts, count);
	else
		print_lines(facts, count);
}
