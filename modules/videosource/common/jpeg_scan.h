/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where a JPEG image ends (ITU-T T.81 annex B) without decoding it: markers, segment lengths and the size of the
 * picture are checked, entropy-coded data is only walked over. Images inside APPn segments (thumbnails) are stepped over.
 */
#ifndef VIDEOSOURCE_JPEG_SCAN_H
#define VIDEOSOURCE_JPEG_SCAN_H

#include <stddef.h>
#include <stdint.h>

enum jpeg_verdict {
	JPEG_COMPLETE,
	JPEG_SHORT,  /* all right so far, but the image goes on after the data */
	JPEG_DAMAGED /* `why` and `at` tell */
};

struct jpeg_scan {
	size_t size; /* from SOI to EOI, when complete */
	int width, height;
	const char *why;
	size_t at; /* offset of the damage */
};

/* `data` starts with the image. Complete only for 8-bit baseline, extended or progressive Huffman-coded images. */
enum jpeg_verdict jpeg_scan(const uint8_t *data, size_t size, struct jpeg_scan *scan);

#endif
