/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of session records, each payload given to the parser of its type; then what was read is written again. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/session.h>

#include "../../core/call/assembler.h"

const char *const fuzz_corpus = "fuzz/core/corpus/session";

static void greeting(const struct qv_record *record)
{
	struct qv_hello hello, again;
	uint8_t bytes[QV_RECORD_PAYLOAD_MAX];
	if (qv_hello_decode(record->payload, record->size, &hello, NULL) != 0 || hello.major != QV_SESSION_MAJOR)
		return;
	int size = qv_hello_encode(&hello, bytes, sizeof bytes, NULL);
	if (size < 0 || qv_hello_decode(bytes, (size_t)size, &again, NULL) != 0 || again.offers != hello.offers ||
	    again.accepts != hello.accepts || again.takes != hello.takes || again.srtp_port != hello.srtp_port ||
	    again.in_conference != hello.in_conference || again.otp != hello.otp ||
	    again.resume_ms != hello.resume_ms || again.repairs != hello.repairs ||
	    memcmp(again.conference, hello.conference, sizeof hello.conference) != 0 ||
	    strcmp(again.program, hello.program) != 0)
		abort();
}

static void roster(const struct qv_record *record)
{
	struct qv_roster told, again;
	uint8_t bytes[QV_ROSTER_SIZE_MAX];
	if (qv_roster_decode(record->payload, record->size, &told, NULL) != 0)
		return;
	int size = qv_roster_encode(&told, bytes, sizeof bytes, NULL);
	if (size < 0 || qv_roster_decode(bytes, (size_t)size, &again, NULL) != 0 ||
	    memcmp(&told, &again, sizeof told) != 0)
		abort();
}

static void transport(const struct qv_record *record)
{
	struct qv_transport_state state, again;
	uint8_t bytes[1 + QV_REASON_TEXT_MAX];
	if (qv_transport_decode(record->payload, record->size, &state, NULL) != 0)
		return;
	int size = qv_transport_encode(&state, bytes, sizeof bytes, NULL);
	if (size < 0 || qv_transport_decode(bytes, (size_t)size, &again, NULL) != 0 ||
	    again.transport != state.transport || strcmp(again.text, state.text) != 0)
		abort();
}

static void reason(const struct qv_record *record)
{
	struct qv_reason given;
	if (qv_reason_decode(record->payload, record->size, &given, NULL) == 0)
		for (const char *c = given.text; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				abort();
}

static void fragment(const struct qv_record *record, struct assembler *assembler)
{
	struct qv_fragment piece;
	if (qv_fragment_decode(record->type, record->payload, record->size, &piece, NULL) != 0)
		return;
	if (assembler_add(assembler, &piece, record->flags & QV_RECORD_KEY, NULL) == 1 &&
	    assembler->unit.size != assembler->unit.unit.size)
		abort();
	if (assembler->unit.size > QV_PACKET_MAX)
		abort();
}

static void resumption(const uint8_t *token, uint32_t generation)
{
	uint8_t bytes[QV_ATTACH_RESUME_SIZE];
	const uint8_t *again;
	uint32_t counted;
	qv_attach_encode_resume(token, generation, bytes);
	if (qv_attach_decode_resume(bytes, sizeof bytes, &again, &counted, NULL) != 0 || counted != generation ||
	    memcmp(again, token, QV_ATTACH_TOKEN) != 0)
		abort();
}

static void control(const struct qv_record *record)
{
	struct qv_ping ping;
	struct qv_pong pong;
	struct qv_receiver_report report;
	struct qv_stream_state state;
	const uint8_t *token;
	uint32_t generation;
	uint16_t stream;
	qv_state_decode(record->payload, record->size, &state, NULL);
	qv_refresh_decode(record->payload, record->size, &stream, NULL);
	if (qv_attach_decode(record->payload, record->size, &token, NULL) == 0 &&
	    (token < record->payload || token + QV_ATTACH_TOKEN > record->payload + record->size))
		abort();
	if (qv_attach_decode_resume(record->payload, record->size, &token, &generation, NULL) == 0)
		resumption(token, generation);
	qv_ping_decode(record->payload, record->size, &ping, NULL);
	qv_pong_decode(record->payload, record->size, &pong, NULL);
	qv_stats_decode(record->payload, record->size, &report, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assembler assembler = { 0 };
	struct qv_record record;
	size_t at = 0;
	while (qv_record_parse(data + at, size - at, &record, NULL) == 1) {
		if (record.size > size - at - QV_RECORD_HEADER)
			abort();
		if (record.type == QV_RECORD_HELLO || record.type == QV_RECORD_WELCOME)
			greeting(&record);
		else if (record.type == QV_RECORD_REFUSE || record.type == QV_RECORD_BYE)
			reason(&record);
		else if (record.type == QV_RECORD_VIDEO || record.type == QV_RECORD_AUDIO)
			fragment(&record, &assembler);
		else if (record.type == QV_RECORD_ROSTER)
			roster(&record);
		else if (record.type == QV_RECORD_TRANSPORT)
			transport(&record);
		else
			control(&record);
		at += QV_RECORD_HEADER + record.size;
	}
	assembler_free(&assembler);
	return 0;
}
