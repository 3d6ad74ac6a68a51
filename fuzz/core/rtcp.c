/* SPDX-License-Identifier: Apache-2.0 */
#include "../fuzz.h"

#include <qvisio/rtcp.h>

#include <stdlib.h>
#include <string.h>

const char *const fuzz_corpus = "fuzz/core/corpus/rtcp";

/* Feedback that was read is written, and says the same when read again, as far as it can be written. */
static void write_again(const struct qv_rtcp_feedback *feedback)
{
	uint8_t bytes[2048];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	struct qv_rtcp packet;
	struct qv_rtcp_feedback again;
	size_t put;
	if (!qv_rtcp_put_feedback(&writer, 1, 2, feedback, &put))
		return;
	struct qv_rtcp_reader reader = { .bytes = bytes, .size = writer.used };
	if (qv_rtcp_read(&reader, &packet, NULL) != 1 || qv_rtcp_read_feedback(&packet, &again, NULL) != 0 ||
	    again.count != put || again.base != feedback->base)
		abort();
	for (size_t i = 0; i < put; i++)
		if (again.arrivals[i].received != feedback->arrivals[i].received)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qv_rtcp packet;
	struct qv_rtcp_feedback feedback;
	uint16_t nacks[QV_RTCP_NACKS_MAX];
	struct qv_error err = QV_ERROR_INIT;
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	struct qv_rtcp_reader reader = { .bytes = copy, .size = size };
	int more;
	while ((more = qv_rtcp_read(&reader, &packet, &err)) == 1) {
		if (qv_rtcp_read_nacks(&packet, nacks) > QV_RTCP_NACKS_MAX ||
		    packet.report_count > QV_RTCP_REPORTS_MAX || strlen(packet.cname) > QV_RTCP_CNAME_MAX)
			abort();
		if (packet.kind == QV_RTCP_FEEDBACK && qv_rtcp_read_feedback(&packet, &feedback, &err) == 0)
			write_again(&feedback);
	}
	if (more < 0 && !err.message[0])
		abort();
	free(copy);
	return 0;
}
