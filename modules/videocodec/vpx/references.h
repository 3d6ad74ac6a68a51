/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the three reference buffers of VP8 and VP9 the next picture is predicted from and which it renews, so that
 * temporal layers come out and a loss can be repaired without a key picture.
 *
 * The last buffer holds the newest picture of the base layer. Golden, and with less than three layers altref, keep an
 * older one for repairs, renewed now and then but never the newest that the receiver is known to have. With three
 * layers altref holds the newest picture of layer 1. The pattern of layers, from a key picture on:
 *
 *   1 layer   0 0 0 0 …      2 layers   0 1 0 1 …      3 layers   0 2 1 2 0 2 1 2 …
 */
#ifndef VPX_REFERENCES_H
#define VPX_REFERENCES_H

#include <qvisio/videocodec.h>

#define VPX_LAYERS_MAX 3

enum vpx_buffer { VPX_LAST, VPX_GOLDEN, VPX_ALTREF, VPX_BUFFERS };

/* What is remembered of a picture. */
struct vpx_note {
	bool decoded; /* by the receiver */
	bool tainted; /* lost, or predicted from a tainted one */
	uint8_t layer;
	uint8_t references;
	uint16_t reference[QV_PACKET_REFERENCES_MAX]; /* pictures before it */
};

#define VPX_NOTES 1024 /* half a minute; what is older counts as unknown */

struct vpx_references {
	int layers;
	bool resilient; /* false: each picture builds on the one before, and a loss takes a key picture */
	bool want_key;
	uint64_t next;              /* sequence of the next picture */
	uint64_t held[VPX_BUFFERS]; /* sequence of the picture in each buffer */
	unsigned phase;             /* in the pattern of layers */
	unsigned since_kept;        /* base pictures since one was kept for repairs */
	struct vpx_note note[VPX_NOTES];
};

/* For the next picture: sets of buffers are bits 1 << VPX_LAST… */
struct vpx_plan {
	bool key;
	uint8_t layer;
	unsigned use, renew;
};

void vpx_references_init(struct vpx_references *references, int layers, bool resilient);
/* Another encoder goes on with the count of pictures: the next one is a key. */
void vpx_references_restart(struct vpx_references *references);
struct vpx_plan vpx_references_plan(const struct vpx_references *references);
/* The planned picture was made, as a key picture or not. Fills in the packet what it builds on. */
void vpx_references_made(struct vpx_references *references, const struct vpx_plan *plan, bool key,
			 struct qv_packet *packet);
void vpx_references_feedback(struct vpx_references *references, uint64_t sequence, enum qv_picture_fate fate);

#endif
