/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_peer.h"

#include <stdio.h>

static void put_string(const char *name, const void *bytes, size_t size)
{
	const unsigned char *text = bytes;
	printf(", \"%s\": \"", name);
	for (size_t i = 0; i < size; i++)
		if (text[i] == '"' || text[i] == '\\')
			printf("\\%c", text[i]);
		else if (text[i] < 0x20)
			printf("\\u%04x", text[i]);
		else
			putchar(text[i]);
	putchar('"');
}

static void put_text(const char *name, const char *text)
{
	size_t size = 0;
	while (text[size])
		size++;
	put_string(name, text, size);
}

static void put_flag(const char *name, bool flag)
{
	printf(", \"%s\": %s", name, flag ? "true" : "false");
}

void report_port(int port)
{
	flockfile(stdout);
	printf("{\"event\": \"listening\", \"port\": %d}\n", port);
	fflush(stdout);
	funlockfile(stdout);
}

static void put_exported(const struct peer *peer, struct qv_tls_session *session, const char *name, const char *label)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_secret *out = qv_secret_new(32, &err);
	char hex[65] = "";
	if (out && peer->class->export_key(session, label, out, &err) == 0)
		for (size_t i = 0; i < 32; i++)
			snprintf(hex + 2 * i, 3, "%02x", qv_secret_bytes(out)[i]);
	qv_secret_free(out);
	put_text(name, hex);
}

void report_session(const struct peer *peer, int number, struct qv_tls_session *session)
{
	struct qv_tls_facts facts;
	peer->class->facts(session, &facts);
	flockfile(stdout);
	printf("{\"event\": \"session\", \"number\": %d", number);
	put_text("backend", facts.backend);
	put_text("protocol", facts.protocol);
	put_text("cipher", facts.cipher);
	put_text("group", facts.group);
	put_flag("psk", facts.psk);
	put_string("identity", facts.identity, facts.identity_size);
	put_text("peer_subject", facts.peer_subject);
	put_flag("peer_verified", facts.peer_verified);
	put_flag("self_certificate", facts.self_certificate);
	put_exported(peer, session, "exported", "EXPORTER-qvisio test");
	put_exported(peer, session, "exported_other", "EXPORTER-qvisio other");
	printf("}\n");
	fflush(stdout);
	funlockfile(stdout);
}

void report_end(const char *event, int number, size_t bytes, const struct qv_error *err)
{
	flockfile(stdout);
	printf("{\"event\": \"%s\", \"number\": %d, \"bytes\": %zu", event, number, bytes);
	put_text("code", qv_code_name(err->code));
	put_text("message", err->message);
	printf("}\n");
	fflush(stdout);
	funlockfile(stdout);
}
