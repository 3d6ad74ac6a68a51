/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of snapshot_png.c in a build without libpng. */
#include "snapshot.h"

bool snapshot_is_built(void)
{
	return false;
}

int snapshot_write(const char *path, const struct qv_frame *frame, struct qv_error *err)
{
	(void)frame;
	return qv_fail(err, QV_E_UNSUPPORTED, "cannot write %s: built without libpng", path);
}
