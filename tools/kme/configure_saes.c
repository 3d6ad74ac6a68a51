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
	{ .name = "max_keys_per_second",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1000000,
	  .unit = "keys/s",
	  .help = "New keys that the SAE may take, on average; 0: any number. Over it, the answer is 503." },
	{ .name = "burst",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1000000,
	  .unit = "keys",
	  .help = "Keys that it may take at once after a while without any; 0: those of max_keys_per_second." },
	{ .name = "max_requests_per_second",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1000000,
	  .unit = "requests/s",
	  .help = "Requests of all kinds that are answered; 0: any number. Over it, the answer is 503." },
	{ .name = "max_key_size",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 8192,
	  .unit = "bits",
	  .help = "Largest key that it may take, a multiple of 8; 0: max_size of the KME." },
	{ .name = "max_keys_per_request",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 512,
	  .unit = "keys",
	  .help = "Most keys that it may take in one request; 0: max_per_request of the KME." },
	{ .name = NULL },
};

/* Limits are of SAEs that call this KME; those of a peer are limited there. */
static int refuse_limits(const struct sae *sae, const struct qv_options *options, struct qv_error *err)
{
	static const char *const names[] = { "max_keys_per_second", "burst", "max_requests_per_second", "max_key_size",
					     "max_keys_per_request" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (qv_options_int(options, names[i]) != 0)
			return qv_options_fail(options, names[i], err, "the SAE belongs to KME \"%s\", which limits it",
					       sae->peer->kme_id);
	return 0;
}

static unsigned lower(unsigned limit, int64_t wanted)
{
	return wanted > 0 && wanted < limit ? (unsigned)wanted : limit;
}

static int read_budget(const struct kme *kme, struct sae *sae, const struct qv_options *options, struct qv_error *err)
{
	int64_t size = qv_options_int(options, "max_key_size"), burst = qv_options_int(options, "burst"),
		rate = qv_options_int(options, "max_keys_per_second"),
		requests = qv_options_int(options, "max_requests_per_second");
	if (sae->peer)
		return refuse_limits(sae, options, err);
	if (size % 8 != 0 || (size != 0 && size < kme->limits.bytes * 8))
		return qv_options_fail(options, "max_key_size", err,
				       "%lld is no multiple of 8 that is at least the default size, %u",
				       (long long)size, kme->limits.bytes * 8);
	if (burst && !rate)
		return qv_options_fail(options, "burst", err, "it needs max_keys_per_second");
	sae->budget = calloc(1, sizeof *sae->budget);
	if (!sae->budget)
		return qv_fail(err, QV_E_NOMEM, "no memory for SAEs");
	*sae->budget =
		(struct sae_budget){ .max_bytes = lower(kme->limits.max_bytes, size / 8),
				     .per_request = lower(kme->limits.per_request,
							  qv_options_int(options, "max_keys_per_request")),
				     .keys = { .rate = (unsigned)rate, .burst = (unsigned)(burst ? burst : rate) },
				     .requests = { .rate = (unsigned)requests, .burst = (unsigned)requests } };
	/* More than a full bucket can never be taken. */
	sae->budget->per_request = lower(sae->budget->per_request, sae->budget->keys.burst);
	return 0;
}

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
	if (read_identity(options, sae, err) != 0 || read_budget(kme, sae, options, err) != 0)
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
	if (count == 0 && !kme->network)
		return qv_fail(err, QV_E_CONFIG,
			       "%s: saes: missing or empty; a KME serves at least one SAE, or has a group relay",
			       qv_section_where(root));
	kme->saes = calloc(count + 1, sizeof *kme->saes);
	kme->sae_options = calloc(count + 1, sizeof *kme->sae_options);
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
