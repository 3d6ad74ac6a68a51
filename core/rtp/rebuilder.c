/* SPDX-License-Identifier: Apache-2.0 */
/* Repair packets at the receiver: what came lately, and the groups of which something is missing. */
#include <stdlib.h>
#include <string.h>

#include "repair.h"

#define CAME   128 /* packets; a power of two */
#define GROUPS 16
#define AGE    1024 /* packets after which a group is of no use */
#define FAR    8192 /* and one that is so far back is of a stream that began anew */

_Static_assert(CAME >= 2 * QV_RTP_REPAIR_GROUP, "a group fits");

struct came {
	bool known;
	uint16_t sequence;
	uint32_t timestamp;
	size_t size;
	uint8_t symbol[SYMBOL_MAX]; /* zeros behind it */
};

struct group {
	bool open;
	uint16_t first;
	uint32_t timestamp;
	unsigned count, repairs;
	unsigned index[QV_RTP_REPAIRS_MAX];
	size_t size; /* of each symbol */
	uint8_t repair[QV_RTP_REPAIRS_MAX][SYMBOL_MAX];
};

struct qv_rtp_rebuilder {
	struct qv_rtp_extensions ids;
	bool any;
	uint16_t newest;
	struct came came[CAME];
	struct group groups[GROUPS];
	unsigned next_group; /* to be given up for a new one */
	uint8_t out[SYMBOL_MAX];
};

struct qv_rtp_rebuilder *qv_rtp_rebuilder_new(const struct qv_rtp_extensions *ids, struct qv_error *err)
{
	struct qv_rtp_rebuilder *rebuilder = calloc(1, sizeof *rebuilder);
	if (!rebuilder)
		qv_fail(err, QV_E_NOMEM, "no memory for rebuilding packets");
	else
		rebuilder->ids = *ids;
	return rebuilder;
}

void qv_rtp_rebuilder_free(struct qv_rtp_rebuilder *rebuilder)
{
	free(rebuilder);
}

/* False: it is too old. What is far from it is of numbers that came round, or of a stream that began anew. */
static bool advance(struct qv_rtp_rebuilder *rebuilder, uint16_t sequence)
{
	int step = qv_rtp_sequence_diff(sequence, rebuilder->newest);
	if (rebuilder->any && step <= -CAME && step > -FAR)
		return false;
	for (unsigned i = 0; i < GROUPS; i++)
		if (abs(qv_rtp_sequence_diff(sequence, rebuilder->groups[i].first)) > AGE)
			rebuilder->groups[i].open = false;
	for (unsigned i = 0; i < CAME && rebuilder->any && abs(step) >= CAME; i++)
		rebuilder->came[i].known = false;
	if (!rebuilder->any || step > 0 || step <= -CAME)
		rebuilder->newest = sequence;
	rebuilder->any = true;
	return true;
}

void qv_rtp_rebuilder_note(struct qv_rtp_rebuilder *rebuilder, const struct qv_rtp *packet)
{
	struct came *came = &rebuilder->came[packet->sequence % CAME];
	if (!advance(rebuilder, packet->sequence))
		return;
	int size = repair_symbol(packet, &rebuilder->ids, came->symbol, NULL);
	came->known = size > 0;
	if (!came->known)
		return;
	came->sequence = packet->sequence;
	came->timestamp = packet->timestamp;
	came->size = (size_t)size;
	memset(came->symbol + size, 0, SYMBOL_MAX - (size_t)size);
}

static struct group *group_of(struct qv_rtp_rebuilder *rebuilder, uint16_t first, uint32_t timestamp)
{
	for (unsigned i = 0; i < GROUPS; i++) {
		struct group *group = &rebuilder->groups[i];
		if (group->open && group->first == first && group->timestamp == timestamp)
			return group;
	}
	struct group *group = &rebuilder->groups[rebuilder->next_group];
	rebuilder->next_group = (rebuilder->next_group + 1) % GROUPS;
	group->open = false;
	return group;
}

static bool has(const struct group *group, unsigned index)
{
	for (unsigned i = 0; i < group->repairs; i++)
		if (group->index[i] == index)
			return true;
	return false;
}

int qv_rtp_rebuilder_take(struct qv_rtp_rebuilder *rebuilder, const struct qv_rtp *repair, uint16_t *last,
			  struct qv_error *err)
{
	const uint8_t *bytes = repair->payload;
	size_t size = repair->size;
	if (size <= REPAIR_HEAD + SYMBOL_LENGTH || size > REPAIR_HEAD + SYMBOL_MAX || bytes[2] == 0 ||
	    bytes[2] > QV_RTP_REPAIR_GROUP || bytes[3] >= QV_RTP_REPAIRS_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a repair packet of %zu bytes does not fit its description", size);
	uint16_t first = (uint16_t)(bytes[0] << 8 | bytes[1]);
	struct group *group = group_of(rebuilder, first, repair->timestamp);
	size -= REPAIR_HEAD;
	if (!group->open) {
		group->open = true;
		group->first = first;
		group->timestamp = repair->timestamp;
		group->count = bytes[2];
		group->size = size;
		group->repairs = 0;
	}
	if (group->count != bytes[2] || group->size != size)
		return qv_fail(err, QV_E_PROTOCOL, "repair packets of one group differ in what they say of it");
	if (!has(group, bytes[3])) {
		group->index[group->repairs] = bytes[3];
		memcpy(group->repair[group->repairs++], bytes + REPAIR_HEAD, size);
	}
	*last = (uint16_t)(first + group->count - 1);
	return 0;
}

struct gaps {
	unsigned count, packet[QV_RTP_REPAIRS_MAX];
};

/* False: nothing can be done for the group now. It is closed when it needs nothing, or is not to be trusted. */
static bool find_gaps(struct qv_rtp_rebuilder *rebuilder, struct group *group, struct gaps *gaps)
{
	gaps->count = 0;
	for (unsigned i = 0; i < group->count; i++) {
		uint16_t sequence = (uint16_t)(group->first + i);
		const struct came *came = &rebuilder->came[sequence % CAME];
		if (came->known && came->sequence == sequence) {
			if (came->timestamp != group->timestamp || came->size > group->size) {
				group->open = false;
				return false;
			}
		} else if (gaps->count == group->repairs) {
			return false;
		} else {
			gaps->packet[gaps->count++] = i;
		}
	}
	group->open = gaps->count > 0;
	return group->open;
}

/* The symbol of the first gap, by as many repair symbols as there are gaps. */
static bool solve(struct qv_rtp_rebuilder *rebuilder, const struct group *group, const struct gaps *gaps)
{
	const uint8_t *symbols[QV_RTP_REPAIR_GROUP];
	uint8_t weights[QV_RTP_REPAIR_GROUP];
	repair_matrix matrix = { { 0 } };
	unsigned used = 0;
	for (unsigned row = 0; row < gaps->count; row++)
		for (unsigned gap = 0; gap < gaps->count; gap++)
			matrix[row][gap] = repair_weight(group->index[row], gaps->packet[gap]);
	if (!repair_invert(matrix, gaps->count))
		return false;
	for (unsigned i = 0, gap = 0; i < group->count; i++) {
		if (gap < gaps->count && gaps->packet[gap] == i) {
			symbols[used] = group->repair[gap];
			weights[used++] = matrix[0][gap++];
			continue;
		}
		symbols[used] = rebuilder->came[(uint16_t)(group->first + i) % CAME].symbol;
		weights[used] = 0;
		for (unsigned row = 0; row < gaps->count; row++)
			weights[used] ^= repair_multiply(matrix[0][row], repair_weight(group->index[row], i));
		used++;
	}
	repair_sum(weights, symbols, used, group->size, rebuilder->out);
	return true;
}

/* What does not look like the packet that is missing was never one. */
static bool read_symbol(struct qv_rtp_rebuilder *rebuilder, const struct group *group, uint16_t sequence,
			struct qv_rtp *packet)
{
	const uint8_t *symbol = rebuilder->out;
	size_t size = (size_t)symbol[0] << 8 | symbol[1];
	return size <= group->size - SYMBOL_LENGTH &&
	       qv_rtp_read(packet, symbol + SYMBOL_LENGTH, size, &rebuilder->ids, NULL) == 0 &&
	       packet->sequence == sequence && packet->timestamp == group->timestamp && !packet->has_transport;
}

int qv_rtp_rebuilder_next(struct qv_rtp_rebuilder *rebuilder, struct qv_rtp *packet)
{
	struct gaps gaps;
	for (unsigned i = 0; i < GROUPS; i++) {
		struct group *group = &rebuilder->groups[i];
		if (!group->open || !find_gaps(rebuilder, group, &gaps))
			continue;
		if (!solve(rebuilder, group, &gaps) ||
		    !read_symbol(rebuilder, group, (uint16_t)(group->first + gaps.packet[0]), packet)) {
			group->open = false;
			continue;
		}
		qv_rtp_rebuilder_note(rebuilder, packet);
		group->open = gaps.count > 1;
		return 1;
	}
	return 0;
}
