/* SPDX-License-Identifier: Apache-2.0 */
/* Digits for the eye: a font of 5x7 dots, drawn in luma. */
#ifndef TESTPATTERN_DIGITS_H
#define TESTPATTERN_DIGITS_H

#include <stdint.h>

/*
 * Draws `text` (digits, '.', ':', 's', '#' and blanks) light on what is there, its top left at x, y, each dot `dot` px
 * wide and high. Dots outside width x height are left out.
 */
void digits_draw(uint8_t *luma, int stride, int width, int height, int x, int y, int dot, const char *text);

/* Width of `count` characters in dots. */
int digits_width(int count);

#endif
