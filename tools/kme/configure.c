/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the configuration file into a struct kme. */
#include "configure.h"

#include <string.h>

#include "seal_source.h"
#include "socket.h"

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

static const struct qv_option top_options[] = {
	{ .name = "module_path", .type = QV_OPTION_STRINGS, .help = "Further folders with modules." },
	{ .name = "log_level",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "info",
	  .choices = log_levels,
	  .help = "The least important lines to log." },
	{ .name = "kme_id",
	  .type = QV_OPTION_STRING,
	  .required = true,
	  .help = "ID of this KME, unique in the network." },
	{ .name = "seal_key_file",
	  .type = QV_OPTION_PATH,
	  .help = "File (mode 0600) with the key, 64 hexadecimal digits, under which keys are stored." },
	{ .name = "seal_key_credential",
	  .type = QV_OPTION_STRING,
	  .help = "Name of the systemd credential (LoadCredential) with this key instead." },
	{ .name = "seal_key_prompt",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Ask for this key on the terminal at the start instead." },
	{ .name = NULL },
};

/* A group or list of the file, and who reads it. Later ones refer to earlier ones: SAEs to peers. */
static const struct {
	const char *name;
	int (*read)(struct kme *kme, const struct qv_section *root, struct qv_error *err);
} groups[] = {
	{ "sae_api", configure_sae_api }, { "kme_api", configure_kme_api }, { "keys", configure_keys },
	{ "store", configure_store },     { "peers", configure_peers },     { "relay", configure_relay },
	{ "saes", configure_saes },       { "audit", configure_audit },     { "admin", configure_admin },
};

#define GROUPS (sizeof groups / sizeof groups[0])

int configure_check_id(const struct qv_options *options, const char *name, struct qv_error *err)
{
	const char *id = qv_options_string(options, name);
	size_t length = id ? strlen(id) : 0;
	if (id && (length == 0 || length > QV_SAE_ID_MAX))
		return qv_options_fail(options, name, err, "an ID has 1 to %d bytes, not %zu", QV_SAE_ID_MAX, length);
	return 0;
}

int configure_check_address(const struct qv_options *options, const char *name, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	char host[256], port[6];
	if (socket_split(qv_options_string(options, name), host, port, &why) != 0)
		return qv_options_fail(options, name, err, "%s", why.message);
	return 0;
}

/* What a later configuration takes over. */
static int open_shared(struct kme *kme, struct qv_error *err)
{
	if (!kme->seal)
		kme->seal = seal_from_source(kme->top, err);
	if (!kme->seal)
		return -1;
	if (!kme->loader)
		kme->loader = qv_loader_new(kme->top, kme->log, err);
	return kme->loader ? 0 : -1;
}

static int read_top(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	const char *names[GROUPS + 1] = { NULL };
	for (size_t i = 0; i < GROUPS; i++)
		names[i] = groups[i].name;
	kme->top = qv_options_check(root, top_options, OPTION_SIZE, names, err);
	if (!kme->top || configure_check_id(kme->top, "kme_id", err) != 0)
		return -1;
	kme->id = qv_options_string(kme->top, "kme_id");
	if (qv_log_level_parse(qv_options_string(kme->top, "log_level"), &kme->log_level, err) != 0)
		return -1;
	return open_shared(kme, err);
}

int kme_configure(struct kme *kme, const char *path, struct qv_error *err)
{
	kme->file = qv_config_load(path, err);
	if (!kme->file)
		return -1;
	const struct qv_section *root = qv_config_root(kme->file);
	if (read_top(kme, root, err) != 0)
		return -1;
	for (size_t i = 0; i < GROUPS; i++)
		if (groups[i].read(kme, root, err) != 0)
			return -1;
	return 0;
}
