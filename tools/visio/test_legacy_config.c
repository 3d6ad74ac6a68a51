/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON configuration of the original tools, as the tools here read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "json_lines.h"
#include "legacy_config.h"

static const char client[] = "{\n"
			     "  \"kme_address\": \"localhost:13000\",\n"
			     "  \"kme_authentication_certificate_path\": \"client.pfx\",\n"
			     "  \"kme_authentication_certificate_password\": \"pass\\\"word\\\\\",\n"
			     "  \"target_sae_host\": \"far.example\",\n"
			     "  \"target_sae_port\": 14443,\n"
			     "  \"target_sae_id\": 12,\n"
			     "  \"danger_accept_invalid_kme_cert\": true,\n"
			     "  \"override_default_format\": {\n"
			     "    \"width\": 800,\n"
			     "    \"height\": 600\n"
			     "  },\n"
			     "  \"override_default_camera_fps\": true,\n"
			     "  \"override_default_video_jpeg_quality\": 40,\n"
			     "  \"override_default_camera_device\": \"/dev/video7\",\n"
			     "  \"override_default_audio_frame_accumulator_length\": 3\n"
			     "}\n";

static const struct qv_option any[] = {
	{ .name = "kme", .type = QV_OPTION_STRINGS },
	{ .name = "certificate", .type = QV_OPTION_STRING },
	{ .name = "password", .type = QV_OPTION_SECRET },
	{ .name = "accept_invalid_kme_certificate", .type = QV_OPTION_BOOL },
	{ .name = "host", .type = QV_OPTION_STRING },
	{ .name = "port", .type = QV_OPTION_INT },
	{ .name = "sae_id", .type = QV_OPTION_STRING },
	{ .name = "address", .type = QV_OPTION_STRING },
	{ .name = "width", .type = QV_OPTION_INT },
	{ .name = "height", .type = QV_OPTION_INT },
	{ .name = "fps", .type = QV_OPTION_INT },
	{ .name = "device", .type = QV_OPTION_STRING },
	{ .name = "quality", .type = QV_OPTION_INT },
	{ .name = "accumulate", .type = QV_OPTION_INT },
	{ .name = NULL },
};

/* The options of a group "a" or "a.b", and the module that it names. */
static struct qv_options *group(struct qv_config *config, const char *outer, const char *inner, const char **module)
{
	static const char *const own[] = { "module", NULL };
	const struct qv_section *section;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_section_group(qv_config_root(config), outer, &section, &err), 0);
	if (inner)
		assert_int_equal(qv_section_group(section, inner, &section, &err), 0);
	assert_non_null(section);
	*module = qv_section_module(section, "none", &err);
	struct qv_options *options = qv_options_check(section, any, sizeof any[0], own, &err);
	if (!options)
		fail_msg("%s", err.message);
	return options;
}

static void every_key_of_a_client_is_taken_over(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	const char *module;
	struct qv_config *config = legacy_config_parse(client, "c.json", VISIO_CLIENT, &err);
	if (!config)
		fail_msg("%s", err.message);

	struct qv_options *o = group(config, "key_source", NULL, &module);
	assert_string_equal(module, "etsi014");
	assert_string_equal(qv_options_item(o, "kme", 0), "localhost:13000");
	assert_string_equal(qv_options_string(o, "certificate"), "client.pfx");
	assert_string_equal((const char *)qv_secret_bytes(qv_options_secret(o, "password")), "pass\"word\\");
	assert_true(qv_options_bool(o, "accept_invalid_kme_certificate"));
	qv_options_free(o);

	o = group(config, "peer", NULL, &module);
	assert_string_equal(qv_options_string(o, "host"), "far.example");
	assert_int_equal(qv_options_int(o, "port"), 14443);
	assert_string_equal(qv_options_string(o, "sae_id"), "12");
	assert_string_equal(qv_options_where(o, "port"), "c.json:6");
	qv_options_free(o);

	o = group(config, "video", "source", &module);
	assert_string_equal(module, "v4l2");
	assert_int_equal(qv_options_int(o, "width"), 800);
	assert_int_equal(qv_options_int(o, "height"), 600);
	assert_int_equal(qv_options_int(o, "fps"), 30);
	assert_string_equal(qv_options_string(o, "device"), "/dev/video7");
	assert_string_equal(qv_options_where(o, "height"), "c.json:11");
	qv_options_free(o);

	o = group(config, "video", "codec", &module);
	assert_string_equal(module, "mjpeg");
	assert_int_equal(qv_options_int(o, "quality"), 40);
	qv_options_free(o);

	o = group(config, "audio", "codec", &module);
	assert_string_equal(module, "pcm");
	assert_int_equal(qv_options_int(o, "accumulate"), 3);
	qv_options_free(o);
	qv_config_free(config);
}

static void a_server_listens_where_it_is_told(void **state)
{
	(void)state;
	static const char server[] =
		"{ \"kme_address\": \"k:1\", \"kme_authentication_certificate_path\": \"s.pfx\",\n"
		"\"kme_authentication_certificate_password\": \"\",\n"
		"\"binding_address\": \"0.0.0.0:14443\", \"danger_accept_invalid_kme_cert\": false }";
	struct qv_error err = QV_ERROR_INIT;
	const char *module;
	struct qv_config *config = legacy_config_parse(server, "s.json", VISIO_SERVER, &err);
	if (!config)
		fail_msg("%s", err.message);
	struct qv_options *o = group(config, "listen", NULL, &module);
	assert_string_equal(qv_options_string(o, "address"), "0.0.0.0:14443");
	assert_string_equal(qv_options_where(o, "address"), "s.json:3");
	qv_options_free(o);
	qv_options_free(group(config, "video", "sink", &module));
	assert_string_equal(module, "sdl");
	qv_config_free(config);
}

struct bad_config {
	const char *text;
	const char *message;
};

static void bad_files_get_exact_messages(void **state)
{
	(void)state;
#define GOOD                                                                                                           \
	"\"kme_address\": \"k:1\", \"kme_authentication_certificate_path\": \"s.pfx\",\n"                              \
	"\"kme_authentication_certificate_password\": \"x\", \"danger_accept_invalid_kme_cert\": false"
	static const struct bad_config table[] = {
		{ "{", "s.json:1: not valid JSON: string or '}' expected near end of file" },
		{ "{ " GOOD " }", "s.json: binding_address: missing; it is required" },
		{ "{ " GOOD ",\n\"binding_address\": 5 }", "s.json:3: binding_address: expected a string" },
		{ "{ " GOOD ",\n\"binding_address\": \":1\",\n\"colour\": 1 }", "s.json:4: colour: unknown setting" },
		{ "{ " GOOD ",\n\"binding_address\": null }", "s.json:3: binding_address: expected a string" },
		{ "{ " GOOD ",\n\"kme_address\": \"k:2\" }",
		  "s.json:3: not valid JSON: duplicate object key near '\"kme_address\"'" },
	};
#undef GOOD
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		assert_null(legacy_config_parse(table[i].text, "s.json", VISIO_SERVER, &err));
		assert_string_equal(err.message, table[i].message);
		assert_int_equal(err.code, QV_E_CONFIG);
	}
}

static void lines_of_members_are_found(void **state)
{
	(void)state;
	static const char text[] =
		"{ \"a\": \"b\\\": {\",\n\"b\": [ { \"c\": 1 } ],\n\"d\": {\n\"c\": 2,\n\"a\": 3 } }";
	assert_int_equal(json_line_of(text, NULL, "a"), 1);
	assert_int_equal(json_line_of(text, NULL, "b"), 2);
	assert_int_equal(json_line_of(text, NULL, "c"), 0);
	assert_int_equal(json_line_of(text, "d", "c"), 4);
	assert_int_equal(json_line_of(text, "d", "a"), 5);
}

static void json_is_told_from_libconfig(void **state)
{
	(void)state;
	assert_true(legacy_config_is_json(" \r\n\t{"));
	assert_false(legacy_config_is_json("peer: { }"));
	assert_false(legacy_config_is_json(""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_of_a_client_is_taken_over),
		cmocka_unit_test(a_server_listens_where_it_is_told),
		cmocka_unit_test(bad_files_get_exact_messages),
		cmocka_unit_test(lines_of_members_are_found),
		cmocka_unit_test(json_is_told_from_libconfig),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
