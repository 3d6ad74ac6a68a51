/* SPDX-License-Identifier: Apache-2.0 */
/* List saes: who may ask for keys, and how they are known. */
#include <stdlib.h>
#include <string.h>

#include "configure.h"

static const struct qv_option sae_options[] = {
	{ .name = "id", .type = QV_OPTION_STRING, .required = true, .help = "SAE ID, unique in the network." },
	{ .name = "kme",
	  .type = QV_OPTION_STRING,
	  .help = "KME that the SAE belongs to; default: this one. For an SAE of a peer, no certificate is named." },
	{ .name = "certificate_serial",
	  .type = QV_OPTION_STRING,
	  .help = "Serial number of its certificate: decimal, or hexadecimal after 0x." },
	{ .name = "certificate_common_name",
	  .type = QV_OPTION_STRING,
	  .help = "Common name (CN) in the subject of its certificate." },
	{ .name = "certificate_uri",
	  .type = QV_OPTION_STRING,
	  .help = "URI in the subjectAltName of its certificate." },
	{ .name = NULL },
};

static int read_identity(const struct qv_options *options, struct sae *sae, struct qv_error *err)
{
	static const char *const names[] = { "certificate_serial", "certificate_common_name", "certificate_uri" };
	const char *found = NULL;
	for (size_t i = 0; i < 3; i++) {
		const char *text = qv_options_string(options, names[i]);
		if (!text)
			continue;
		if (found || sae->peer)
			return qv_options_fail(options, names[i], err,
					       found ? "%s is given too: one of them tells who calls"
						     : "the SAE belongs to KME \"%s\", which knows its certificate",
					       found ? found : sae->peer->kme_id);
		found = names[i];
		struct qv_error why = QV_ERROR_INIT;
		sae->identity = (struct identity){ .kind = IDENTITY_SERIAL + (unsigned)i, .text = text };
		if (!text[0] || (i == 0 && identity_serial(text, &sae->identity, &why) != 0))
			return qv_options_fail(options, names[i], err, "%s", text[0] ? why.message : "it is empty");
	}
	if (!found && !sae->peer)
		return qv_options_fail(options, "id", err,
				       "SAE \"%s\" of this KME needs certificate_serial, certificate_common_name or "
				       "certificate_uri",
				       sae->id);
	return 0;
}

static int read_sae(struct kme *kme, struct sae *sae, const struct qv_options *options, struct qv_error *err)
{
	const char *owner = qv_options_string(options, "kme");
	if (configure_check_id(options, "id", err) != 0)
		return -1;
	sae->id = qv_options_string(options, "id");
	if (owner && strcmp(owner, kme->id) != 0) {
		sae->peer = kme_peer(kme, owner);
		if (!sae->peer)
			return qv_options_fail(options, "kme", err, "\"%s\" is neither this KME nor one of peers",
					       owner);
	}
	if (read_identity(options, sae, err) != 0)
		return -1;
	for (struct sae *other = kme->saes; other != sae; other++) {
		if (strcmp(other->id, sae->id) == 0)
			return qv_options_fail(options, "id", err, "\"%s\" is there twice", sae->id);
		if (identity_equal(&other->identity, &sae->identity))
			return qv_options_fail(options, "id", err, "has the same certificate as SAE \"%s\"", other->id);
	}
	return 0;
}

int configure_saes(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	size_t count;
	if (qv_section_list(root, "saes", &count, err) != 0)
		return -1;
	if (count == 0)
		return qv_fail(err, QV_E_CONFIG, "%s: saes: missing or empty; a KME serves at least one SAE",
			       qv_section_where(root));
	kme->saes = calloc(count, sizeof *kme->saes);
	kme->sae_options = calloc(count, sizeof *kme->sae_options);
	if (!kme->saes || !kme->sae_options)
		return qv_fail(err, QV_E_NOMEM, "no memory for SAEs");
	for (size_t i = 0; i < count; i++) {
		struct qv_options *options =
			qv_options_check(qv_section_list_item(root, "saes", i), sae_options, OPTION_SIZE, NULL, err);
		kme->sae_options[i] = options;
		kme->sae_count++;
		if (!options || read_sae(kme, &kme->saes[i], options, err) != 0)
			return -1;
	}
	return 0;
}
