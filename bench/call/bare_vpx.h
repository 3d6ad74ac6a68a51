/* SPDX-License-Identifier: Apache-2.0 */
/* VP8 of libvpx itself, set as videocodec/vpx sets it: what that module and whole calls are compared with. */
#ifndef BENCH_BARE_VPX_H
#define BENCH_BARE_VPX_H

#include <qvisio/media.h>

struct bare_vpx;

/* Ends the program if it cannot. `bitrate`: bit/s. */
struct bare_vpx *bare_vpx_new(int width, int height, int fps, int bitrate);
void bare_vpx_free(struct bare_vpx *vpx);

/* Bytes of the picture, valid until the next call; 0 where the rate control left it out. */
size_t bare_vpx_encode(struct bare_vpx *vpx, const struct qv_frame *frame, const uint8_t **bytes);

/* The picture, valid until the next call. */
struct qv_frame bare_vpx_decode(struct bare_vpx *vpx, const uint8_t *bytes, size_t size);

#endif
