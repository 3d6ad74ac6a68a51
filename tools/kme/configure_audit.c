/* SPDX-License-Identifier: Apache-2.0 */
/* audit: { … } */
#include "configure.h"

#include <string.h>

static const char *const failures[] = { "refuse", "warn", NULL };

static const struct qv_option audit_options[] = {
	{ .name = "file", .type = QV_OPTION_PATH, .required = true, .help = "The log; FILE.head is kept beside it." },
	{ .name = "sync",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "Whether an event is on the disk, and not only with the kernel, before a key is handed out." },
	{ .name = "on_failure",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "refuse",
	  .choices = failures,
	  .help = "While the log cannot be written: refuse to deliver keys, or warn and go on." },
	{ .name = "max_size",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1e12,
	  .unit = "bytes",
	  .help = "A larger file is put aside as FILE.NUMBER of its last line; 0: never." },
	{ .name = NULL },
};

int configure_audit(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	const struct qv_section *section;
	if (qv_section_group(root, "audit", &section, err) != 0)
		return -1;
	if (!section)
		return 0;
	struct qv_options *options = kme->audit_options =
		qv_options_check(section, audit_options, OPTION_SIZE, NULL, err);
	if (!options)
		return -1;
	kme->audit_config =
		(struct audit_config){ .path = qv_options_string(options, "file"),
				       .sync = qv_options_bool(options, "sync"),
				       .refuse = strcmp(qv_options_string(options, "on_failure"), "refuse") == 0,
				       .max_size = qv_options_int(options, "max_size") };
	return 0;
}
