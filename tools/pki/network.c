/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/keysource.h>

#include "serial.h"

#define OPTION_SIZE sizeof(struct qv_option)

static const char *const key_types[] = { "p256", "p384", "ed25519", "rsa3072", "rsa4096", NULL };
static const char *const identities[] = { "uri", "serial", "common_name", NULL };

static const struct qv_option top_options[] = {
	{ .name = "folder",
	  .type = QV_OPTION_PATH,
	  .fallback = "pki",
	  .help = "Folder for everything; made if absent." },
	{ .name = "organization",
	  .type = QV_OPTION_STRING,
	  .fallback = "QKD network",
	  .help = "Organization (O) in all certificates." },
	{ .name = "key",
	  .type = QV_OPTION_CHOICE,
	  .choices = key_types,
	  .fallback = "p256",
	  .help = "Type of all keys." },
	{ .name = "separate_cas",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "One CA for SAEs and one for KMEs, instead of one for all." },
	{ .name = "days",
	  .type = QV_OPTION_INT,
	  .fallback = "397",
	  .min = 1,
	  .max = 9125,
	  .unit = "days",
	  .help = "How long certificates of KMEs and SAEs are valid." },
	{ .name = "ca_days",
	  .type = QV_OPTION_INT,
	  .fallback = "3650",
	  .min = 1,
	  .max = 9125,
	  .unit = "days",
	  .help = "How long CAs are valid." },
	{ .name = "crl_days",
	  .type = QV_OPTION_INT,
	  .fallback = "90",
	  .min = 1,
	  .max = 9125,
	  .unit = "days",
	  .help = "How long a CRL is valid; renew it before." },
	{ .name = NULL },
};

static const struct qv_option kme_options[] = {
	{ .name = "id", .type = QV_OPTION_STRING, .required = true, .help = "KME ID." },
	{ .name = "hosts",
	  .type = QV_OPTION_STRINGS,
	  .required = true,
	  .help = "Host names and IP addresses it is reached at; others use the first." },
	{ .name = "listen", .type = QV_OPTION_STRING, .fallback = "0.0.0.0", .help = "Address it listens on." },
	{ .name = "sae_port",
	  .type = QV_OPTION_INT,
	  .fallback = "13000",
	  .min = 1,
	  .max = 65535,
	  .help = "Port for SAEs." },
	{ .name = "kme_port",
	  .type = QV_OPTION_INT,
	  .fallback = "13001",
	  .min = 1,
	  .max = 65535,
	  .help = "Port for KMEs." },
	{ .name = "peers",
	  .type = QV_OPTION_STRINGS,
	  .help = "KMEs it has a link with; default: all that name none either." },
	{ .name = "file", .type = QV_OPTION_STRING, .help = "Name of its files, without suffix." },
	{ .name = NULL },
};

static const struct qv_option sae_options[] = {
	{ .name = "id", .type = QV_OPTION_STRING, .required = true, .help = "SAE ID." },
	{ .name = "kme", .type = QV_OPTION_STRING, .required = true, .help = "KME that it takes keys from." },
	{ .name = "identity",
	  .type = QV_OPTION_CHOICE,
	  .choices = identities,
	  .fallback = "uri",
	  .help = "What its KME knows it by." },
	{ .name = "serial",
	  .type = QV_OPTION_STRING,
	  .help = "Serial number, decimal or hexadecimal after 0x; default: a random one." },
	{ .name = "uri", .type = QV_OPTION_STRING, .help = "URI in its certificate; default: urn:sae:ID." },
	{ .name = "hosts",
	  .type = QV_OPTION_STRINGS,
	  .help = "Host names and IP addresses, when it is a TLS server too." },
	{ .name = "password_file",
	  .type = QV_OPTION_PATH,
	  .help = "File whose first line is the password of its PKCS#12 file; default: one is made up." },
	{ .name = "file", .type = QV_OPTION_STRING, .help = "Name of its files, without suffix." },
	{ .name = NULL },
};

static int choice(const struct qv_options *options, const char *name, const char *const *choices)
{
	const char *value = qv_options_string(options, name);
	int i = 0;
	while (choices[i] && strcmp(choices[i], value) != 0)
		i++;
	return i;
}

static bool is_plain(unsigned char c)
{
	return (c < 0x80 && isalnum(c)) || strchr("._-", c);
}

/* What cannot be in every file name becomes "-". */
static int set_stem(struct member *member, struct qv_error *err)
{
	const char *given = qv_options_string(member->options, "file");
	const char *text = given ? given : member->id;
	int length = snprintf(member->stem, sizeof member->stem, "%s%s",
			      given            ? ""
			      : member->is_kme ? "kme-"
					       : "sae-",
			      text);
	if (length < 1 || length > STEM_MAX)
		return qv_options_fail(member->options, given ? "file" : "id", err, "a file name has 1 to %d bytes",
				       STEM_MAX);
	for (char *c = member->stem; *c; c++) {
		if (is_plain((unsigned char)*c) && !(c == member->stem && *c == '.'))
			continue;
		if (given)
			return qv_options_fail(member->options, "file", err,
					       "\"%s\": letters, digits, \".\" (not first), \"_\" and \"-\" only",
					       given);
		*c = '-';
	}
	return 0;
}

static int check_id(const struct member *member, struct qv_error *err)
{
	size_t length = strlen(member->id);
	if (length == 0 || length > NAME_MAX_LENGTH)
		return qv_options_fail(member->options, "id", err, "an ID in a certificate has 1 to %d bytes, not %zu",
				       NAME_MAX_LENGTH, length);
	for (const char *c = member->id; *c; c++)
		if (iscntrl((unsigned char)*c))
			return qv_options_fail(member->options, "id", err, "has a control character");
	return 0;
}

bool host_is_address(const char *host)
{
	uint8_t bytes[16];
	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

size_t host_count(const struct member *member)
{
	return qv_options_count(member->options, "hosts");
}

const char *host_name(const struct member *member, size_t index)
{
	return qv_options_item(member->options, "hosts", index);
}

static int check_hosts(const struct member *member, struct qv_error *err)
{
	for (size_t i = 0; i < host_count(member); i++) {
		const char *host = host_name(member, i);
		size_t length = strlen(host);
		if (host_is_address(host))
			continue;
		bool fine = length > 0 && length <= 253 && isalnum((unsigned char)host[0]) &&
			    isalnum((unsigned char)host[length - 1]) && !strstr(host, "..");
		for (const char *c = host; *c; c++)
			fine = fine && is_plain((unsigned char)*c);
		if (!fine)
			return qv_options_fail(member->options, "hosts", err,
					       "\"%s\" is neither a host name nor an IP address", host);
	}
	if (member->is_kme && host_count(member) == 0)
		return qv_options_fail(member->options, "hosts", err, "at least one is needed");
	return 0;
}

/* "urn:sae:ID", where what a URI cannot have is %XX; an ID that is a URN stays. */
static char *default_uri(const char *id)
{
	bool urn = strncmp(id, "urn:", 4) == 0;
	size_t room = 8 + 3 * strlen(id) + 1;
	char *uri = malloc(room);
	size_t used = uri ? (size_t)snprintf(uri, room, "%s", urn ? "" : "urn:sae:") : 0;
	for (; uri && *id; id++)
		used += (size_t)snprintf(uri + used, room - used,
					 is_plain((unsigned char)*id) || *id == ':' ? "%c" : "%%%02X",
					 (unsigned char)*id);
	return uri;
}

static int set_uri(struct member *member, struct qv_error *err)
{
	const char *given = qv_options_string(member->options, "uri");
	member->uri = given ? strdup(given) : default_uri(member->id);
	if (!member->uri)
		return qv_fail(err, QV_E_NOMEM, "no memory for a URI");
	const char *colon = strchr(member->uri, ':');
	bool fine = colon && isalpha((unsigned char)member->uri[0]) && colon[1] && strlen(member->uri) <= 512;
	for (const char *c = member->uri; *c; c++)
		fine = fine && isgraph((unsigned char)*c) && !strchr("<>\"{}|\\^`", *c);
	return fine ? 0 : qv_options_fail(member->options, "uri", err, "\"%s\" is no URI", member->uri);
}

static int read_sae(struct network *network, struct member *member, struct qv_error *err)
{
	const char *kme = qv_options_string(member->options, "kme");
	const char *serial = qv_options_string(member->options, "serial");
	struct qv_error why = QV_ERROR_INIT;
	for (size_t i = 0; i < network->kmes; i++)
		if (strcmp(network->members[i].id, kme) == 0)
			member->kme = &network->members[i];
	if (!member->kme)
		return qv_options_fail(member->options, "kme", err, "\"%s\" is none of kmes", kme);
	member->identity = (enum identity)choice(member->options, "identity", identities);
	if (serial && serial_check(serial, &why) != 0)
		return qv_options_fail(member->options, "serial", err, "%s", why.message);
	return set_uri(member, err);
}

static int check_unique(const struct network *network, const struct member *member, struct qv_error *err)
{
	const char *serial = member->is_kme ? NULL : qv_options_string(member->options, "serial");
	for (const struct member *other = network->members; other != member; other++) {
		if (other->is_kme == member->is_kme && strcmp(other->id, member->id) == 0)
			return qv_options_fail(member->options, "id", err, "\"%s\" is there twice", member->id);
		if (strcmp(other->stem, member->stem) == 0)
			return qv_options_fail(
				member->options, "id", err,
				"\"%s\" and \"%s\" would have the same file name, %s: give one of them `file`",
				member->id, other->id, member->stem);
		if (other->is_kme || member->is_kme)
			continue;
		if (strcmp(other->uri, member->uri) == 0)
			return qv_options_fail(member->options, "uri", err, "\"%s\" is also that of \"%s\"",
					       member->uri, other->id);
		const char *others = qv_options_string(other->options, "serial");
		if (serial && others && serial_equal(serial, others))
			return qv_options_fail(member->options, "serial", err, "%s is also that of \"%s\"", serial,
					       other->id);
	}
	if (strcmp(member->stem, "ca") == 0 || strcmp(member->stem, "sae-ca") == 0 ||
	    strcmp(member->stem, "kme-ca") == 0)
		return qv_options_fail(member->options, "id", err,
				       "its files would have the name of a CA's: give it `file`");
	return 0;
}

static int read_members(struct network *network, const char *list, bool kmes, struct qv_error *err)
{
	const struct qv_section *root = qv_config_root(network->file);
	size_t count;
	if (qv_section_list(root, list, &count, err) != 0)
		return -1;
	if (count == 0)
		return qv_fail(err, QV_E_CONFIG, "%s: %s: missing or empty", qv_section_where(root), list);
	struct member *more = reallocarray(network->members, network->count + count, sizeof *more);
	if (!more)
		return qv_fail(err, QV_E_NOMEM, "no memory for a network");
	network->members = more;
	for (size_t i = 0; i < count; i++) {
		struct member *member = &network->members[network->count++];
		*member = (struct member){ .is_kme = kmes };
		member->options = qv_options_check(qv_section_list_item(root, list, i),
						   kmes ? kme_options : sae_options, OPTION_SIZE, NULL, err);
		if (!member->options)
			return -1;
		member->id = qv_options_string(member->options, "id");
		if (check_id(member, err) != 0 || set_stem(member, err) != 0 || check_hosts(member, err) != 0 ||
		    (!kmes && read_sae(network, member, err) != 0) || check_unique(network, member, err) != 0)
			return -1;
		network->kmes += kmes;
	}
	return 0;
}

static int check_peers(const struct network *network, struct qv_error *err)
{
	for (size_t i = 0; i < network->kmes; i++) {
		const struct member *kme = &network->members[i];
		for (size_t j = 0; j < qv_options_count(kme->options, "peers"); j++) {
			const char *name = qv_options_item(kme->options, "peers", j);
			size_t k = 0;
			while (k < network->kmes && strcmp(network->members[k].id, name) != 0)
				k++;
			if (k == network->kmes || k == i)
				return qv_options_fail(kme->options, "peers", err, "\"%s\" is no other KME of kmes",
						       name);
		}
	}
	return 0;
}

static bool names(const struct member *kme, const struct member *other)
{
	for (size_t i = 0; i < qv_options_count(kme->options, "peers"); i++)
		if (strcmp(qv_options_item(kme->options, "peers", i), other->id) == 0)
			return true;
	return false;
}

bool network_linked(const struct member *a, const struct member *b)
{
	if (!qv_options_is_set(a->options, "peers") && !qv_options_is_set(b->options, "peers"))
		return true;
	return names(a, b) || names(b, a);
}

int network_read(struct network *network, const char *path, struct qv_error *err)
{
	static const char *const groups[] = { "kmes", "saes", NULL };
	network->file = qv_config_load(path, err);
	if (!network->file)
		return -1;
	struct qv_options *top = network->top =
		qv_options_check(qv_config_root(network->file), top_options, OPTION_SIZE, groups, err);
	if (!top)
		return -1;
	network->folder = qv_options_string(top, "folder");
	network->organization = qv_options_string(top, "organization");
	/* " SAE CA" follows it in the name of a CA. */
	if (strlen(network->organization) < 1 || strlen(network->organization) > NAME_MAX_LENGTH - 7)
		return qv_options_fail(top, "organization", err, "has 1 to %d bytes", NAME_MAX_LENGTH - 7);
	network->key = (enum key_type)choice(top, "key", key_types);
	network->separate = qv_options_bool(top, "separate_cas");
	network->days = (long)qv_options_int(top, "days");
	network->ca_days = (long)qv_options_int(top, "ca_days");
	network->crl_days = (long)qv_options_int(top, "crl_days");
	if (network->days > network->ca_days)
		return qv_options_fail(top, "days", err, "certificates would outlive their CA (ca_days = %ld)",
				       network->ca_days);
	if (read_members(network, "kmes", true, err) != 0 || read_members(network, "saes", false, err) != 0)
		return -1;
	return check_peers(network, err);
}

void network_free(struct network *network)
{
	for (size_t i = 0; i < network->count; i++) {
		qv_options_free(network->members[i].options);
		free(network->members[i].uri);
	}
	free(network->members);
	qv_options_free(network->top);
	qv_config_free(network->file);
}

const struct member *network_find(const struct network *network, const char *name)
{
	for (int by_stem = 0; by_stem < 2; by_stem++)
		for (size_t i = 0; i < network->count; i++)
			if (strcmp(by_stem ? network->members[i].stem : network->members[i].id, name) == 0)
				return &network->members[i];
	return NULL;
}
