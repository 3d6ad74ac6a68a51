/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands at the start of a VP8 or VP9 frame, read before libvpx sees it: hostile bytes must not make it reserve
 * memory for a picture larger than is allowed.
 */
#ifndef VPX_BITSTREAM_H
#define VPX_BITSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

struct vpx_header {
	bool key;
	bool shown;
	int width, height; /* 0: those of an earlier picture */
};

/* VP8: RFC 6386 section 9.1. QV_E_PROTOCOL: no such frame. */
int vp8_header_read(const uint8_t *data, size_t size, struct vpx_header *header, struct qv_error *err);

/* VP9 bitstream specification, section 6.2: the uncompressed header as far as the picture's size. */
int vp9_header_read(const uint8_t *data, size_t size, struct vpx_header *header, struct qv_error *err);

#define VP9_FRAMES_MAX 8

/*
 * Parts a packet of VP9 into its frames (annex B, superframes): their number, and offset and size of each. -1
 * QV_E_PROTOCOL: the index does not fit the packet.
 */
int vp9_frames(const uint8_t *data, size_t size, size_t offset[VP9_FRAMES_MAX], size_t length[VP9_FRAMES_MAX],
	       struct qv_error *err);

#endif
