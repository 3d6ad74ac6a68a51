/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the configuration file into a struct kme. */
#include <stdlib.h>
#include <string.h>

#include "kme.h"
#include "socket.h"

#define OPTION_SIZE sizeof(struct qv_option)

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
	  .required = true,
	  .help = "File (mode 0600) with the key, 64 hexadecimal digits, under which keys are stored." },
	{ .name = NULL },
};

static const char *const top_groups[] = { "sae_api", "kme_api", "keys", "store", "saes", "peers", NULL };

#define LISTENER_OPTIONS(who, count)                                                                                   \
	{ .name = "listen",                                                                                            \
	  .type = QV_OPTION_STRING,                                                                                    \
	  .required = true,                                                                                            \
	  .help = "Address and port for " who ", as host:port; port 0 takes a free one." },                            \
		{ .name = "certificate",                                                                               \
		  .type = QV_OPTION_PATH,                                                                              \
		  .required = true,                                                                                    \
		  .help = "PEM file: certificate of this KME, followed by intermediate ones." },                       \
		{ .name = "private_key",                                                                               \
		  .type = QV_OPTION_PATH,                                                                              \
		  .required = true,                                                                                    \
		  .help = "PEM file (mode 0600) with its key." },                                                      \
		{ .name = "ca",                                                                                        \
		  .type = QV_OPTION_PATH,                                                                              \
		  .required = true,                                                                                    \
		  .help = "PEM file: the CAs that certificates of " who " come from; no others are known." },          \
		{ .name = "workers",                                                                                   \
		  .type = QV_OPTION_INT,                                                                               \
		  .fallback = count,                                                                                   \
		  .min = 1,                                                                                            \
		  .max = 256,                                                                                          \
		  .help = "Requests answered at the same time." },                                                     \
		{ .name = "connections",                                                                               \
		  .type = QV_OPTION_INT,                                                                               \
		  .fallback = "4096",                                                                                  \
		  .min = 1,                                                                                            \
		  .max = 65536,                                                                                        \
		  .help = "Connections open at the same time." },                                                      \
	{                                                                                                              \
		.name = "idle_timeout", .type = QV_OPTION_INT, .fallback = "60", .min = 1, .max = 86400, .unit = "s",  \
		.help = "A connection without traffic is closed after this time."                                      \
	}

static const struct qv_option sae_api_options[] = {
	LISTENER_OPTIONS("SAEs", "16"),
	{ .name = "max_body",
	  .type = QV_OPTION_INT,
	  .fallback = "65536",
	  .min = 1024,
	  .max = 1048576,
	  .unit = "bytes",
	  .help = "Largest request body." },
	{ .name = NULL },
};

static const struct qv_option kme_api_options[] = {
	LISTENER_OPTIONS("KMEs", "16"),
	{ .name = "timeout",
	  .type = QV_OPTION_INT,
	  .fallback = "5000",
	  .min = 100,
	  .max = 60000,
	  .unit = "ms",
	  .help = "How long a peer may take to answer." },
	{ .name = NULL },
};

static const struct qv_option keys_options[] = {
	{ .name = "size",
	  .type = QV_OPTION_INT,
	  .fallback = "256",
	  .min = 8,
	  .max = 8192,
	  .unit = "bits",
	  .help = "Size of a key when a request names none; a multiple of 8." },
	{ .name = "min_size",
	  .type = QV_OPTION_INT,
	  .fallback = "64",
	  .min = 8,
	  .max = 8192,
	  .unit = "bits",
	  .help = "Smallest key; a multiple of 8." },
	{ .name = "max_size",
	  .type = QV_OPTION_INT,
	  .fallback = "1024",
	  .min = 8,
	  .max = 8192,
	  .unit = "bits",
	  .help = "Largest key; a multiple of 8." },
	{ .name = "max_per_request",
	  .type = QV_OPTION_INT,
	  .fallback = "128",
	  .min = 1,
	  .max = 512,
	  .unit = "keys",
	  .help = "Most keys in one request." },
	{ .name = "max_stored",
	  .type = QV_OPTION_INT,
	  .fallback = "100000",
	  .min = 1,
	  .max = 1e9,
	  .unit = "keys",
	  .help = "Link keys of 256 bits stored for each direction of each link." },
	{ .name = "lifetime",
	  .type = QV_OPTION_INT,
	  .fallback = "86400",
	  .min = 1,
	  .max = 31536000,
	  .unit = "s",
	  .help = "How long a key waits for its slave SAE." },
	{ .name = NULL },
};

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

static const struct qv_option peer_options[] = {
	{ .name = "kme_id", .type = QV_OPTION_STRING, .required = true, .help = "ID of the other KME." },
	{ .name = "address",
	  .type = QV_OPTION_STRING,
	  .required = true,
	  .help = "Where its inter-KME API listens, as host:port." },
	{ .name = "certificate_name",
	  .type = QV_OPTION_STRING,
	  .help = "Host name or IP address that its certificate must be for, when it calls and when it is called; "
		  "default: the host in address." },
	{ .name = NULL },
};

static int check_id(const struct qv_options *options, const char *name, struct qv_error *err)
{
	const char *id = qv_options_string(options, name);
	size_t length = id ? strlen(id) : 0;
	if (id && (length == 0 || length > QV_SAE_ID_MAX))
		return qv_options_fail(options, name, err, "an ID has 1 to %d bytes, not %zu", QV_SAE_ID_MAX, length);
	return 0;
}

static int check_address(const struct qv_options *options, const char *name, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	char host[256], port[6];
	if (socket_split(qv_options_string(options, name), host, port, &why) != 0)
		return qv_options_fail(options, name, err, "%s", why.message);
	return 0;
}

static int check_files(const struct qv_options *options, struct qv_error *err)
{
	static const char *const names[] = { "certificate", "private_key", "ca" };
	for (size_t i = 0; i < 3; i++) {
		struct qv_error why = QV_ERROR_INIT;
		if (server_check_file(qv_options_string(options, names[i]), i == 1, &why) != 0)
			return qv_options_fail(options, names[i], err, "%s", why.message);
	}
	return 0;
}

/* An API's group; NULL and no error when it is absent and not needed. */
static struct qv_options *read_api(const struct qv_section *root, const char *name, const struct qv_option *table,
				   bool needed, struct qv_error *err)
{
	const struct qv_section *section;
	if (qv_section_group(root, name, &section, err) != 0)
		return NULL;
	if (!section) {
		if (needed)
			qv_fail(err, QV_E_CONFIG, "%s: %s: missing; it says where to listen and with which certificate",
				qv_section_where(root), name);
		return NULL;
	}
	struct qv_options *options = qv_options_check(section, table, OPTION_SIZE, NULL, err);
	if (options && check_address(options, "listen", err) == 0 && check_files(options, err) == 0)
		return options;
	qv_options_free(options);
	return NULL;
}

static int check_size(const struct qv_options *options, const char *name, struct qv_error *err)
{
	if (qv_options_int(options, name) % 8 != 0)
		return qv_options_fail(options, name, err, "%lld is no multiple of 8",
				       (long long)qv_options_int(options, name));
	return 0;
}

static int read_keys(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	const struct qv_section *section;
	if (qv_section_group(root, "keys", &section, err) != 0)
		return -1;
	struct qv_options *options = kme->keys = qv_options_check(section, keys_options, OPTION_SIZE, NULL, err);
	if (!options || check_size(options, "size", err) != 0 || check_size(options, "min_size", err) != 0 ||
	    check_size(options, "max_size", err) != 0)
		return -1;
	int64_t size = qv_options_int(options, "size"), min = qv_options_int(options, "min_size"),
		max = qv_options_int(options, "max_size");
	if (size < min || size > max)
		return qv_options_fail(options, "size", err, "%lld is not between min_size %lld and max_size %lld",
				       (long long)size, (long long)min, (long long)max);
	kme->limits = (struct key_limits){ .bytes = (unsigned)size / 8,
					   .min_bytes = (unsigned)min / 8,
					   .max_bytes = (unsigned)max / 8,
					   .per_request = (unsigned)qv_options_int(options, "max_per_request"),
					   .stored = qv_options_int(options, "max_stored"),
					   .lifetime = qv_options_int(options, "lifetime") * QV_NS_PER_SECOND };
	return 0;
}

static int read_peer(struct kme *kme, struct peer *peer, const struct qv_section *section, struct qv_error *err)
{
	static const char *const groups[] = { "link", NULL };
	const struct qv_section *link;
	peer->kme = kme;
	peer->options = qv_options_check(section, peer_options, OPTION_SIZE, groups, err);
	if (!peer->options || check_id(peer->options, "kme_id", err) != 0 ||
	    check_address(peer->options, "address", err) != 0)
		return -1;
	peer->kme_id = qv_options_string(peer->options, "kme_id");
	if (strcmp(peer->kme_id, kme->id) == 0)
		return qv_options_fail(peer->options, "kme_id", err, "\"%s\" is this KME itself", kme->id);
	for (struct peer *other = kme->peers; other != peer; other++)
		if (strcmp(other->kme_id, peer->kme_id) == 0)
			return qv_options_fail(peer->options, "kme_id", err, "\"%s\" is there twice", peer->kme_id);
	peer->own_lane = strcmp(kme->id, peer->kme_id) < 0 ? 0 : 1;
	if (qv_section_group(section, "link", &link, err) != 0)
		return -1;
	if (!link)
		return qv_fail(err, QV_E_CONFIG,
			       "%s: %s.link: missing; it names the module that the link's keys come from",
			       qv_section_where(section), qv_section_name(section));
	if (qv_role_load(kme->loader, link, "qkdlink", NULL, &peer->link_role, err) != 0)
		return -1;
	peer->link_class = qv_qkdlink_class(peer->link_role.class);
	return 0;
}

/* The name that the peer's certificate must be for. */
static int set_peer_identity(struct kme *kme, struct peer *peer, struct qv_error *err)
{
	const char *name = qv_options_string(peer->options, "certificate_name");
	char host[256], port[6];
	if (!name) {
		if (socket_split(qv_options_string(peer->options, "address"), host, port, err) != 0)
			return -1;
		name = peer->host_name = strdup(host);
	}
	if (!name || !name[0])
		return qv_options_fail(peer->options, "certificate_name", err, "an empty name");
	peer->identity = (struct identity){ .kind = IDENTITY_HOST, .text = name };
	for (struct peer *other = kme->peers; other != peer; other++)
		if (strcasecmp(other->identity.text, name) == 0)
			return qv_options_fail(peer->options, "certificate_name", err,
					       "\"%s\" is also the name of peer \"%s\": they could not be told apart",
					       name, other->kme_id);
	return 0;
}

static int read_peers(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	size_t count;
	if (qv_section_list(root, "peers", &count, err) != 0)
		return -1;
	kme->peers = calloc(count + 1, sizeof *kme->peers);
	if (!kme->peers)
		return qv_fail(err, QV_E_NOMEM, "no memory for peers");
	for (size_t i = 0; i < count; i++) {
		struct peer *peer = &kme->peers[kme->peer_count++];
		pthread_mutex_init(&peer->lock, NULL);
		pthread_cond_init(&peer->changed, NULL);
		if (read_peer(kme, peer, qv_section_list_item(root, "peers", i), err) != 0 ||
		    set_peer_identity(kme, peer, err) != 0)
			return -1;
	}
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
	if (check_id(options, "id", err) != 0)
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

static int read_saes(struct kme *kme, const struct qv_section *root, struct qv_error *err)
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

static int read_store(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	const struct qv_section *section;
	if (qv_section_group(root, "store", &section, err) != 0)
		return -1;
	if (!section)
		return qv_fail(err, QV_E_CONFIG, "%s: store: missing; it names the module that keeps the keys",
			       qv_section_where(root));
	if (qv_role_load(kme->loader, section, "keystore", NULL, &kme->store_role, err) != 0)
		return -1;
	kme->store_class = qv_keystore_class(kme->store_role.class);
	return 0;
}

static int read_apis(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	size_t peers;
	struct qv_error why = QV_ERROR_INIT;
	if (qv_section_list(root, "peers", &peers, err) != 0)
		return -1;
	kme->sae_api = read_api(root, "sae_api", sae_api_options, true, &why);
	if (kme->sae_api)
		kme->kme_api = read_api(root, "kme_api", kme_api_options, peers > 0, &why);
	if (why.code == QV_OK)
		return 0;
	if (err)
		*err = why;
	return -1;
}

static int read_top(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	enum qv_log_level level;
	kme->top = qv_options_check(root, top_options, OPTION_SIZE, top_groups, err);
	if (!kme->top || check_id(kme->top, "kme_id", err) != 0)
		return -1;
	kme->id = qv_options_string(kme->top, "kme_id");
	if (qv_log_level_parse(qv_options_string(kme->top, "log_level"), &level, err) != 0)
		return -1;
	qv_log_set_level(kme->log, level);
	struct qv_error why = QV_ERROR_INIT;
	kme->seal = seal_open(qv_options_string(kme->top, "seal_key_file"), &why);
	return kme->seal ? 0 : qv_options_fail(kme->top, "seal_key_file", err, "%s", why.message);
}

int kme_configure(struct kme *kme, const char *path, struct qv_error *err)
{
	kme->file = qv_config_load(path, err);
	if (!kme->file)
		return -1;
	const struct qv_section *root = qv_config_root(kme->file);
	if (read_top(kme, root, err) != 0 || read_apis(kme, root, err) != 0 || read_keys(kme, root, err) != 0)
		return -1;
	kme->loader = qv_loader_new(kme->top, kme->log, err);
	if (!kme->loader || read_store(kme, root, err) != 0 || read_peers(kme, root, err) != 0)
		return -1;
	return read_saes(kme, root, err);
}
