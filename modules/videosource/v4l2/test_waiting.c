/* SPDX-License-Identifier: Apache-2.0 */
/* For test_v4l2.py: of a camera that sends one picture, the second read times out, and the third is cancelled. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/open_source.h"

static int expect(bool right, const char *what, const struct qv_error *err)
{
	if (!right)
		printf("%s: %s\n", what, err->message);
	return right ? 0 : 1;
}

int main(int argc, char **argv)
{
	char device[4200];
	int ends[2];
	struct qv_error err = QV_ERROR_INIT;
	struct opened it;
	struct qv_frame frame;
	if (argc != 2 || pipe(ends) != 0)
		return 2;
	snprintf(device, sizeof device, "device=%s", argv[1]);
	struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = ends[0] };
	uint32_t pixels = QV_PIXELS_PLANAR | QV_PIXEL_BIT(QV_PIXEL_JPEG);
	if (open_source(&it, "v4l2", (const char *const[]){ device, NULL }, pixels, &host, &err) != 0)
		return expect(false, "open", &err);
	int failed = expect(it.class->read(it.source, &frame, 10000, &err) == 1, "first picture", &err);
	failed += expect(it.class->read(it.source, &frame, 0, &err) == 0, "no time", &err);
	failed += expect(it.class->read(it.source, &frame, 20, &err) == 0, "timeout", &err);
	if (write(ends[1], "", 1) != 1)
		return 2;
	failed +=
		expect(it.class->read(it.source, &frame, -1, &err) == -1 && err.code == QV_E_CANCELLED, "cancel", &err);
	close_source(&it);
	close(ends[0]);
	close(ends[1]);
	return failed;
}
