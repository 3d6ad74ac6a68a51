/* SPDX-License-Identifier: Apache-2.0 */
#include "open_source.h"

static int open_class(struct opened *opened, const char *const *options, uint32_t pixels, const struct qv_host *host,
		      struct qv_error *err)
{
	const struct qv_class *head = &opened->class->head;
	struct qv_options *checked = qv_options_from_strings(options, head->options, head->option_size, "test", err);
	struct qv_video_want want = { .pixels = pixels };
	if (!checked)
		return -1;
	opened->source = opened->class->open(host, checked, &want, err);
	qv_options_free(checked);
	return opened->source ? 0 : -1;
}

int open_source(struct opened *opened, const char *module, const char *const *options, uint32_t pixels,
		const struct qv_host *host, struct qv_error *err)
{
	*opened = (struct opened){ .loader = qv_loader_new(NULL, NULL, err) };
	if (!opened->loader)
		return -1;
	opened->class = qv_videosource_class(qv_loader_get(opened->loader, "videosource", module, err));
	if (opened->class && open_class(opened, options, pixels, host, err) == 0)
		return 0;
	qv_loader_free(opened->loader);
	return -1;
}

void close_source(struct opened *opened)
{
	opened->class->close(opened->source);
	qv_loader_free(opened->loader);
}
