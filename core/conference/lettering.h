/* SPDX-License-Identifier: Apache-2.0 */
/* Printable ASCII in dots, for what a tile must say wherever it is shown, without any font. */
#ifndef QV_CONFERENCE_LETTERING_H
#define QV_CONFERENCE_LETTERING_H

#include <stddef.h>
#include <stdint.h>

#include "grid.h"

#define LETTER_ADVANCE 6 /* dots from a character to the next */
#define LETTER_LINE    9 /* dots from a line to the next */

/* Characters of other scripts become '?', a middle dot '.', an ellipsis three dots; `out` is ended by zero. */
void lettering_ascii(char *out, size_t room, const char *utf8);

/* Draws ASCII into luma, within `inside`, broken between words, `dot` pixels a dot. Returns the lines that there were room for. */
int lettering_draw(uint8_t *luma, int stride, const struct box *inside, int dot, uint8_t ink, const char *text);

/* Lines that lettering_draw would need in that width. */
int lettering_lines(int width, int dot, const char *text);

#endif
