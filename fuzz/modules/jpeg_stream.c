/* SPDX-License-Identifier: Apache-2.0 */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../modules/videosource/common/jpeg_scan.h"
#include "../../modules/videosource/file/jpeg_stream.h"

const char *const fuzz_corpus = "fuzz/modules/corpus/jpeg_stream";

static void check_image(const uint8_t *data, size_t size, const struct jpeg_image *image)
{
	struct jpeg_scan scan;
	if (image->offset < 0 || (size_t)image->offset > size || image->size > size - (size_t)image->offset)
		abort();
	if (memcmp(image->data, data + image->offset, image->size) != 0)
		abort();
	/* An image is complete by itself, and no part of it is. */
	if (jpeg_scan(image->data, image->size, &scan) != JPEG_COMPLETE || scan.size != image->size)
		abort();
	if (jpeg_scan(image->data, image->size - 1, &scan) != JPEG_SHORT)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jpeg_image image;
	struct qv_error err = QV_ERROR_INIT;
	if (size == 0)
		return 0;
	struct jpeg_stream stream = { .file = fmemopen((void *)(uintptr_t)data, size, "rb") };
	if (!stream.file)
		abort();
	int got;
	while ((got = jpeg_stream_next(&stream, &image, &err)) >= 0)
		if (got > 0)
			check_image(data, size, &image);
	if (err.code != QV_E_END && err.code != QV_E_IO)
		abort();
	fclose(stream.file);
	jpeg_stream_free(&stream);
	return 0;
}
