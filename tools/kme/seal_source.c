/* SPDX-License-Identifier: Apache-2.0 */
#include "seal_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prompt.h"

#define CREDENTIAL_PATH_MAX 4096

const char *const seal_sources[] = { "seal_key_file", "seal_key_credential", "seal_key_prompt", NULL };

static bool is_set(const struct qv_options *options, const char *name)
{
	return strcmp(name, "seal_key_prompt") == 0 ? qv_options_bool(options, name)
						    : qv_options_string(options, name) != NULL;
}

const char *seal_source(const struct qv_options *options, struct qv_error *err)
{
	const char *found = NULL;
	for (size_t i = 0; seal_sources[i]; i++) {
		if (!is_set(options, seal_sources[i]))
			continue;
		if (found) {
			qv_options_fail(options, seal_sources[i], err,
					"%s is given too: the seal key comes from one place", found);
			return NULL;
		}
		found = seal_sources[i];
	}
	if (!found)
		qv_fail(err, QV_E_CONFIG,
			"%s: seal_key_file: missing; it or seal_key_credential or seal_key_prompt says where the key "
			"comes from under which keys are stored",
			qv_options_where(options, "kme_id"));
	return found;
}

static struct seal *from_credential(const char *name, struct qv_error *err)
{
	char path[CREDENTIAL_PATH_MAX];
	const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
	if (!name[0] || strchr(name, '/') || name[0] == '.') {
		qv_fail(err, QV_E_INVALID, "\"%s\" is no name of a credential", name);
		return NULL;
	}
	if (!folder) {
		qv_fail(err, QV_E_NOT_FOUND,
			"this process has no credentials (CREDENTIALS_DIRECTORY is not set): start it by a systemd "
			"unit "
			"with LoadCredential=%s:FILE",
			name);
		return NULL;
	}
	if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
		qv_fail(err, QV_E_INVALID, "the path of the credential is too long");
		return NULL;
	}
	return seal_open(path, err);
}

static struct seal *from_prompt(struct qv_error *err)
{
	struct qv_secret *text = prompt_secret("Seal key of this KME (64 hexadecimal digits): ", SEAL_TEXT_MAX, err);
	struct seal *seal = text ? seal_from_text(text) : NULL;
	if (text && !seal)
		qv_fail(err, QV_E_INVALID, "what was typed are not 64 hexadecimal digits");
	qv_secret_free(text);
	return seal;
}

struct seal *seal_from_source(const struct qv_options *options, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	const char *source = seal_source(options, err);
	struct seal *seal;
	if (!source)
		return NULL;
	if (strcmp(source, "seal_key_file") == 0)
		seal = seal_open(qv_options_string(options, source), &why);
	else if (strcmp(source, "seal_key_credential") == 0)
		seal = from_credential(qv_options_string(options, source), &why);
	else
		seal = from_prompt(&why);
	if (!seal)
		qv_options_fail(options, source, err, "%s", why.message);
	return seal;
}
