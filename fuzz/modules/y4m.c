/* SPDX-License-Identifier: Apache-2.0 */
#include "../fuzz.h"

#include <stdlib.h>

#include "../../modules/videosource/file/y4m.h"

#define PIXELS_MAX   (256 * 256)
#define PICTURES_MAX 100

const char *const fuzz_corpus = "fuzz/modules/corpus/y4m";

/* Every other picture is stepped over; both ways must move the file alike. */
static void read_pictures(FILE *file, const struct qv_video_format *format)
{
	struct qv_picture *picture = qv_picture_new(format, NULL);
	if (!picture)
		abort();
	for (int i = 0; i < PICTURES_MAX; i++) {
		off_t start = ftello(file);
		int kept = y4m_read_picture(file, format, picture, NULL);
		off_t end = ftello(file);
		fseeko(file, start, SEEK_SET);
		if (y4m_read_picture(file, format, NULL, NULL) != kept || (kept == 0 && ftello(file) != end))
			abort();
		if (kept != 0)
			break;
	}
	qv_picture_free(picture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qv_video_format format;
	struct qv_error err = QV_ERROR_INIT;
	if (size == 0)
		return 0;
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "rb");
	if (!file)
		abort();
	if (y4m_read_header(file, &format, &err) == 0) {
		if (qv_video_format_check(&format, NULL) != 0)
			abort();
		if (format.width * format.height <= PIXELS_MAX)
			read_pictures(file, &format);
	} else if (err.code == QV_OK) {
		abort();
	}
	fclose(file);
	return 0;
}
