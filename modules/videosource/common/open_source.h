/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a video source opened through the loader, with options as on a command line. */
#ifndef VIDEOSOURCE_OPEN_SOURCE_H
#define VIDEOSOURCE_OPEN_SOURCE_H

#include <qvisio/loader.h>
#include <qvisio/videosource.h>

struct opened {
	struct qv_loader *loader;
	const struct qv_videosource_class *class;
	struct qv_videosource *source;
};

/* `options` ends with NULL. The host is kept by the caller. 0, or -1 with nothing to close. */
int open_source(struct opened *opened, const char *module, const char *const *options, uint32_t pixels,
		const struct qv_host *host, struct qv_error *err);
void close_source(struct opened *opened);

#endif
