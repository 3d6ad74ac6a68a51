/* SPDX-License-Identifier: Apache-2.0 */
/* The markers of a JPEG image (ITU-T T.81, annex B), read without decoding it. Input is hostile. */
#ifndef MJPEG_JPEG_HEADER_H
#define MJPEG_JPEG_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

struct jpeg_header {
	int width, height; /* 1…65535 */
	int components;    /* 1, 3 or 4 */
	bool progressive;
	bool one_scan;    /* baseline with all components in its first scan */
	size_t scan_data; /* offset behind the first start-of-scan segment */
};

/* Reads up to the first scan. QV_E_PROTOCOL: no JPEG, damaged, or of a coding other than baseline and progressive. */
int jpeg_header_read(const uint8_t *data, size_t size, struct jpeg_header *header, struct qv_error *err);

/* Bytes up to and with the end-of-image marker behind offset `from`; 0 if there is none: the image was cut. */
size_t jpeg_image_size(const uint8_t *data, size_t size, size_t from);

/* Number of scans that start at or behind offset `from`. */
size_t jpeg_count_scans(const uint8_t *data, size_t size, size_t from);

#endif
