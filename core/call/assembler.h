/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the fragments of one stream together again. Memory grows with what arrives, not with what is announced. */
#ifndef QV_CALL_ASSEMBLER_H
#define QV_CALL_ASSEMBLER_H

#include "unit_buffer.h"

struct assembler {
	struct unit_buffer unit; /* complete when assembler_add has returned 1; may be swapped away then */
	bool open;               /* a unit has begun and is not complete */
	bool started;            /* any unit has begun */
	uint64_t sequence;       /* of the unit begun last */
	uint64_t lost;           /* units that the sender never sent or did not finish */
};

/* 1: a unit is complete; 0: more must come; -1 QV_E_PROTOCOL, QV_E_NOMEM. */
int assembler_add(struct assembler *assembler, const struct qv_fragment *fragment, bool key, struct qv_error *err);
void assembler_free(struct assembler *assembler);

#endif
