/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration text: parsed, checked against options, walked into groups and lists. */
#include "../fuzz.h"

#include <qvisio/config.h>

#include <stdlib.h>
#include <string.h>

const char *const fuzz_corpus = "fuzz/core/corpus/config";

static const char *const colours[] = { "red", "green", NULL };
static const struct qv_option table[] = {
	{ .name = "name", .type = QV_OPTION_STRING, .help = "A name." },
	{ .name = "port", .type = QV_OPTION_INT, .min = 1, .max = 65535, .help = "A port." },
	{ .name = "gain", .type = QV_OPTION_FLOAT, .help = "Loud." },
	{ .name = "loop", .type = QV_OPTION_BOOL, .help = "Again." },
	{ .name = "colour", .type = QV_OPTION_CHOICE, .choices = colours, .help = "A colour." },
	{ .name = "file", .type = QV_OPTION_PATH, .help = "A file." },
	{ .name = "password", .type = QV_OPTION_SECRET, .help = "A password." },
	{ .name = "hosts", .type = QV_OPTION_STRINGS, .help = "Hosts." },
	{ .name = NULL },
};
static const char *const groups[] = { "video", "peers", "module", NULL };

static void check(const struct qv_section *section)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = qv_options_check(section, table, sizeof table[0], groups, &err);
	if (!options && (err.code == QV_OK || !err.message[0]))
		abort();
	for (size_t i = 0; i < qv_options_count(options, "hosts"); i++)
		if (!qv_options_item(options, "hosts", i))
			abort();
	qv_options_free(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qv_error err = QV_ERROR_INIT;
	char *text = calloc(1, size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	/* Includes are looked for where nothing is. */
	struct qv_config *config = qv_config_parse(text, "fuzz", "/nonexistent", &err);
	if (!config && !err.message[0])
		abort();
	if (config) {
		const struct qv_section *group;
		size_t count;
		check(qv_config_root(config));
		if (qv_section_group(qv_config_root(config), "video", &group, &err) == 0 && group)
			check(group);
		if (qv_section_list(qv_config_root(config), "peers", &count, &err) == 0)
			for (size_t i = 0; i < count && i < 16; i++)
				check(qv_section_list_item(qv_config_root(config), "peers", i));
		qv_section_module(qv_config_root(config), "none", &err);
	}
	qv_config_free(config);
	free(text);
	return 0;
}
