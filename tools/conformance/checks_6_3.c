/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 6.3: the Key container data format, looked at in all keys that were delivered before. */
#include <string.h>
#include <strings.h>

#include "checks.h"

#define ENOUGH 4 /* samples */

static enum verdict is_container(struct probe *probe, const char *request, struct finding *finding)
{
	const char *why;
	(void)request;
	if (charge(probe, 1, finding) != PASSED)
		return SKIPPED;
	const struct answer *answer = ask(probe, MASTER, "POST", enc_path(probe, ""), "{}");
	if (answer->code != CURLE_OK || answer->status != 200)
		return skipped(finding, "there is no key container (see 5.3-04)");
	const json_t *keys = container_keys(answer->json, &why);
	if (!keys)
		return failed(finding, "%s", answer->json ? why : answer->json_why);
	return passed(finding, "an array with %zu object", json_array_size(keys));
}

static enum verdict ids_are_uuids(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (want_samples(probe, ENOUGH, finding) != PASSED)
		return SKIPPED;
	for (size_t i = 0; i < probe->sample_count; i++) {
		const struct sample *sample = &probe->samples[i];
		if (!sample->id[0])
			return failed(finding, "a key without a string key_ID");
		if (!sample->id_whole || !uuid_read(sample->id, NULL))
			return failed(finding, "\"%s\"", sample->id);
	}
	return passed(finding, "\"%s\" and %zu more", probe->samples[0].id, probe->sample_count - 1);
}

static enum verdict ids_differ(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (want_samples(probe, ENOUGH, finding) != PASSED)
		return SKIPPED;
	for (size_t i = 0; i < probe->sample_count; i++)
		for (size_t j = 0; j < i; j++)
			if (probe->samples[i].id[0] && strcasecmp(probe->samples[i].id, probe->samples[j].id) == 0)
				return failed(finding, "\"%s\" for two keys", probe->samples[i].id);
	return passed(finding, "%zu different ones", probe->sample_count);
}

static enum verdict keys_are_base64(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (want_samples(probe, ENOUGH, finding) != PASSED)
		return SKIPPED;
	for (size_t i = 0; i < probe->sample_count; i++) {
		if (!probe->samples[i].encoded)
			return failed(finding, "an entry without a string key");
		if (!probe->samples[i].key)
			return failed(finding, "a key that is no padded base64");
	}
	return passed(finding, "base64 in %zu keys", probe->sample_count);
}

/* Samples whose keys could be read; PASSED or SKIPPED. */
static enum verdict want_keys(struct probe *probe, struct finding *finding)
{
	if (want_samples(probe, ENOUGH, finding) != PASSED)
		return SKIPPED;
	for (size_t i = 0; i < probe->sample_count; i++)
		if (!probe->samples[i].key)
			return skipped(finding, "not all keys can be read (see 6.3-04)");
	return PASSED;
}

static enum verdict keys_differ(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (want_keys(probe, finding) != PASSED)
		return SKIPPED;
	for (size_t i = 0; i < probe->sample_count; i++)
		for (size_t j = 0; j < i; j++)
			if (qv_secret_size(probe->samples[i].key) >= 8 &&
			    qv_secret_equal(probe->samples[i].key, probe->samples[j].key))
				return failed(finding, "the same key under \"%s\" and \"%s\"", probe->samples[j].id,
					      probe->samples[i].id);
	return passed(finding, "%zu different ones", probe->sample_count);
}

static enum verdict keys_look_random(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (want_keys(probe, finding) != PASSED)
		return SKIPPED;
	for (size_t i = 0; i < probe->sample_count; i++) {
		const char *flaw = key_flaw(probe->samples[i].key);
		if (flaw)
			return failed(finding, "the key under \"%s\": %s", probe->samples[i].id, flaw);
	}
	return passed(finding, "nothing odd in %zu keys", probe->sample_count);
}

static enum verdict ids_tell_nothing(struct probe *probe, const char *request, struct finding *finding)
{
	unsigned char id[16];
	char text[96];
	(void)request;
	if (want_keys(probe, finding) != PASSED)
		return SKIPPED;
	for (size_t i = 0; i < probe->sample_count; i++) {
		if (!uuid_read(probe->samples[i].id, id))
			return skipped(finding, "a key_ID is no UUID (see 6.3-02)");
		const char *how = id_from_key(id, probe->samples[i].key, text);
		if (how)
			return failed(finding, "\"%s\" is made of %s", probe->samples[i].id, how);
	}
	return passed(finding, "none of the functions tried gives any of %zu key_IDs", probe->sample_count);
}

static enum verdict extensions_are_objects(struct probe *probe, const char *request, struct finding *finding)
{
	static const char *const names[] = { "key_ID_extension", "key_extension" };
	const char *why;
	(void)request;
	if (charge(probe, 1, finding) != PASSED)
		return SKIPPED;
	const struct answer *answer = ask(probe, MASTER, "POST", enc_path(probe, ""), "{}");
	const json_t *keys = answer->status == 200 ? container_keys(answer->json, &why) : NULL;
	if (!keys)
		return skipped(finding, "there is no key container (see 5.3-04 and 6.3-01)");
	const json_t *extension = json_object_get(answer->json, "key_container_extension");
	if (extension && !json_is_object(extension))
		return failed(finding, "key_container_extension is no object");
	for (size_t i = 0; i < json_array_size(keys); i++)
		for (size_t j = 0; j < 2; j++) {
			extension = json_object_get(json_array_get(keys, i), names[j]);
			if (extension && !json_is_object(extension))
				return failed(finding, "%s is no object", names[j]);
		}
	return passed(finding, "none that is no object");
}

const struct check checks_6_3[] = {
	{ "6.3-01", SHALL, 0, 1, "a key container has an array of objects keys", "an array with an object",
	  is_container, NULL },
	{ "6.3-02", SHALL, 0, 0, "each key_ID is a UUID", "8-4-4-4-12 hexadecimal digits", ids_are_uuids, NULL },
	{ "6.3-03", SHALL, 0, 0, "no two keys have one key_ID", "different ones", ids_differ, NULL },
	{ "6.3-04", SHALL, 0, 0, "each key is a string in base64 (RFC 4648 section 4)", "padded base64",
	  keys_are_base64, NULL },
	{ "6.3-05", SHALL, 0, 0, "no key is delivered under two key_IDs", "different keys", keys_differ, NULL },
	{ "6.3-06", SHOULD, 0, 0, "keys look like random bytes", "no pattern", keys_look_random, NULL },
	{ "6.3-07", SHOULD, 0, 0, "a key_ID tells nothing of its key", "no digest or piece of the key",
	  ids_tell_nothing, NULL },
	{ "6.3-08", SHALL, 0, 1, "extensions in a key container, if there are any, are objects", "none, or objects",
	  extensions_are_objects, NULL },
	{ .number = NULL },
};
