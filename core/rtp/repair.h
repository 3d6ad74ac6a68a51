/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code of repair packets: a symbol is the length of an RTP packet (2 bytes) and the packet itself, without its
 * transport-wide number, filled up with zeros to the longest of its group. Repair symbol j is the sum of the group's symbols
 * i, each times (32 ^ i) / ((32 + j) ^ i) in GF(2^8), 0x11B: rows of a Cauchy matrix whose first is made all ones, so
 * that as many symbols as there are repair symbols can be rebuilt, whichever are missing.
 */
#ifndef RTP_REPAIR_H
#define RTP_REPAIR_H

#include <qvisio/rtp_flow.h>

#define REPAIR_HEAD   4 /* first number (2), packets (1), index (1) */
#define SYMBOL_LENGTH 2
#define SYMBOL_MAX    (SYMBOL_LENGTH + QV_RTP_PACKET_MAX)

uint8_t repair_weight(unsigned index, unsigned packet);
uint8_t repair_multiply(uint8_t a, uint8_t b);

/* out = the sum of all symbols, each times its weight. */
void repair_sum(const uint8_t *weights, const uint8_t *const *symbols, unsigned count, size_t size, uint8_t *out);

/* matrix = its inverse; false: it has none. */
typedef uint8_t repair_matrix[QV_RTP_REPAIRS_MAX][QV_RTP_REPAIRS_MAX];
bool repair_invert(repair_matrix matrix, unsigned size);

/* The symbol of a packet: its bytes, or -1 QV_E_INVALID. */
int repair_symbol(const struct qv_rtp *packet, const struct qv_rtp_extensions *ids, uint8_t symbol[SYMBOL_MAX],
		  struct qv_error *err);

#endif
