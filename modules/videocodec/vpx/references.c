/* SPDX-License-Identifier: Apache-2.0 */
#include "references.h"

#include <string.h>

#define BIT(buffer) (1u << (unsigned)(buffer))
#define ALL_BUFFERS (BIT(VPX_LAST) | BIT(VPX_GOLDEN) | BIT(VPX_ALTREF))

/* Base pictures from one that is kept for repairs to the next. */
#define KEEP_EVERY 8
/* Pictures after which a kept one that was never told as decoded is given up. */
#define PENDING_MAX 120

void vpx_references_init(struct vpx_references *references, int layers, bool resilient)
{
	memset(references, 0, sizeof *references);
	references->layers = layers;
	references->resilient = resilient;
	references->want_key = true;
}

void vpx_references_restart(struct vpx_references *references)
{
	references->want_key = true;
}

static bool remembered(const struct vpx_references *references, uint64_t sequence)
{
	return sequence < references->next && references->next - sequence <= VPX_NOTES;
}

static const struct vpx_note *note_of(const struct vpx_references *references, uint64_t sequence)
{
	return &references->note[sequence % VPX_NOTES];
}

static bool tainted(const struct vpx_references *references, enum vpx_buffer buffer)
{
	uint64_t sequence = references->held[buffer];
	return !remembered(references, sequence) || note_of(references, sequence)->tainted;
}

static bool decoded(const struct vpx_references *references, enum vpx_buffer buffer)
{
	return !tainted(references, buffer) && note_of(references, references->held[buffer])->decoded;
}

/* The last buffer that keeps pictures for repairs. */
static int last_keeper(const struct vpx_references *references)
{
	return references->layers < VPX_LAYERS_MAX ? VPX_ALTREF : VPX_GOLDEN;
}

/* The buffer with the newest picture kept that the receiver has; VPX_LAST: none. */
static enum vpx_buffer best_kept(const struct vpx_references *references)
{
	enum vpx_buffer best = VPX_LAST;
	for (int i = VPX_GOLDEN; i <= last_keeper(references); i++)
		if (decoded(references, (enum vpx_buffer)i) &&
		    (best == VPX_LAST || references->held[i] > references->held[best]))
			best = (enum vpx_buffer)i;
	return best;
}

/* The buffer to keep this base picture in, or VPX_LAST: none. */
static enum vpx_buffer where_to_keep(const struct vpx_references *references)
{
	if (!references->resilient || references->since_kept + 1 < KEEP_EVERY)
		return VPX_LAST;
	if (last_keeper(references) == VPX_GOLDEN)
		return VPX_GOLDEN;
	enum vpx_buffer best = best_kept(references);
	if (best == VPX_LAST)
		return references->held[VPX_GOLDEN] <= references->held[VPX_ALTREF] ? VPX_GOLDEN : VPX_ALTREF;
	enum vpx_buffer other = best == VPX_GOLDEN ? VPX_ALTREF : VPX_GOLDEN;
	bool pending = !tainted(references, other) && !decoded(references, other);
	bool young = references->next - references->held[other] < PENDING_MAX;
	return pending && young ? VPX_LAST : other;
}

static uint8_t layer_at(int layers, unsigned phase)
{
	static const uint8_t pattern[VPX_LAYERS_MAX][4] = { { 0, 0, 0, 0 }, { 0, 1, 0, 1 }, { 0, 2, 1, 2 } };
	return pattern[layers - 1][phase % 4];
}

struct vpx_plan vpx_references_plan(const struct vpx_references *references)
{
	struct vpx_plan key = { .key = true, .renew = ALL_BUFFERS };
	struct vpx_plan plan = { .layer = layer_at(references->layers, references->phase), .use = BIT(VPX_LAST) };
	if (references->want_key)
		return key;
	if (tainted(references, VPX_LAST)) {
		enum vpx_buffer kept = best_kept(references);
		if (kept == VPX_LAST || !references->resilient)
			return key;
		plan.use = BIT(kept);
		plan.layer = 0;
	}
	if (plan.layer == 0) {
		enum vpx_buffer keep = where_to_keep(references);
		plan.renew = BIT(VPX_LAST);
		if (keep != VPX_LAST && !(plan.use & BIT(keep)))
			plan.renew |= BIT(keep);
	} else if (plan.layer == 1 && references->layers == VPX_LAYERS_MAX) {
		plan.renew = BIT(VPX_ALTREF);
	} else if (plan.layer == 2 && references->held[VPX_ALTREF] > references->held[VPX_LAST] &&
		   !tainted(references, VPX_ALTREF)) {
		plan.use |= BIT(VPX_ALTREF);
	}
	return plan;
}

static bool contains(const struct vpx_note *note, uint16_t distance)
{
	for (unsigned i = 0; i < note->references; i++)
		if (note->reference[i] == distance)
			return true;
	return false;
}

static struct vpx_note describe(const struct vpx_references *references, const struct vpx_plan *plan, bool key)
{
	struct vpx_note note = { .layer = key ? 0 : plan->layer };
	for (int i = 0; !key && i < VPX_BUFFERS; i++) {
		uint16_t distance = (uint16_t)(references->next - references->held[i]);
		if (plan->use & BIT(i) && !contains(&note, distance))
			note.reference[note.references++] = distance;
	}
	return note;
}

/* Whether all that this one is predicted from is of layer 0. */
static bool on_base_only(const struct vpx_references *references, const struct vpx_note *note)
{
	for (unsigned i = 0; i < note->references; i++)
		if (note_of(references, references->next - note->reference[i])->layer > 0)
			return false;
	return true;
}

void vpx_references_made(struct vpx_references *references, const struct vpx_plan *plan, bool key,
			 struct qv_packet *packet)
{
	struct vpx_note note = describe(references, plan, key);
	unsigned renewed = key ? ALL_BUFFERS : plan->renew;
	packet->sequence = references->next;
	packet->key = key;
	packet->told = true;
	packet->layer = note.layer;
	packet->discardable = renewed == 0;
	packet->sync = on_base_only(references, &note);
	packet->references = note.references;
	memcpy(packet->reference, note.reference, sizeof packet->reference);

	for (int i = 0; i < VPX_BUFFERS; i++)
		if (renewed & BIT(i))
			references->held[i] = references->next;
	references->note[references->next++ % VPX_NOTES] = note;
	if (key)
		references->want_key = false;
	/* A base picture out of turn begins the pattern anew. */
	references->phase = note.layer == 0 ? 1 : references->phase + 1;
	if (renewed & ~BIT(VPX_LAST) && note.layer == 0)
		references->since_kept = 0;
	else if (note.layer == 0)
		references->since_kept++;
}

void vpx_references_feedback(struct vpx_references *references, uint64_t sequence, enum qv_picture_fate fate)
{
	if (!remembered(references, sequence))
		return;
	struct vpx_note *note = &references->note[sequence % VPX_NOTES];
	if (fate == QV_PICTURE_DECODED) {
		note->decoded = !note->tainted;
		return;
	}
	if (note->decoded || note->tainted)
		return;
	note->tainted = true;
	for (uint64_t later = sequence + 1; later < references->next; later++) {
		struct vpx_note *other = &references->note[later % VPX_NOTES];
		for (unsigned i = 0; i < other->references; i++) {
			uint64_t base = later - other->reference[i];
			if (!other->decoded && base >= sequence && note_of(references, base)->tainted)
				other->tainted = true;
		}
	}
}
