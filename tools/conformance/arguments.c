/* SPDX-License-Identifier: Apache-2.0 */
#include "arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../number.h"
#include "config.h"
#include "select.h"

#define MAX_KEYS_DEFAULT 64
#define MAX_KEYS_LIMIT   1000000
#define TIMEOUT_DEFAULT  10 /* s */
#define TIMEOUT_LIMIT    600

static const char usage[] =
	"Usage: qkd-conformance URL --cert FILE --master-sae ID --slave-sae ID [OPTION]...\n"
	"       qkd-conformance --list\n"
	"Check a Key Management Entity against ETSI GS QKD 014 V1.1.1, rule by rule, as its SAEs.\n"
	"URL is that of the master SAE's KME, such as https://kme.example:13000.\n"
	"\n"
	"The master SAE, which takes keys:\n"
	"  --master-sae ID            its SAE ID\n"
	"  --cert FILE, --key FILE    its certificate and private key (PEM), or both in a .pfx or .p12 file\n"
	"  --password-file FILE       password of the key (mode 600)\n"
	"  --ca FILE                  CAs of the KME's certificate (default: those of this system)\n"
	"The slave SAE, which claims them by their key_IDs:\n"
	"  --slave-sae ID             its SAE ID\n"
	"  --slave-url URL            its KME (default: the master's)\n"
	"  --slave-cert, --slave-key, --slave-password-file, --slave-ca FILE\n"
	"An SAE that has no part in them, for the rules about 401:\n"
	"  --third-sae ID, --third-url URL (default: the slave's)\n"
	"  --third-cert, --third-key, --third-password-file, --third-ca FILE\n"
	"A second slave SAE, for keys to several:\n"
	"  --additional-slave ID, --additional-url URL (default: the slave's)\n"
	"  --additional-cert, --additional-key, --additional-password-file, --additional-ca FILE\n"
	"\n"
	"  --max-keys N               take at most N keys (default 64)\n"
	"  --only LIST, --skip LIST   checks (5.3-07) or clauses (5.3), with commas between them\n"
	"  --strict                   what the text only recommends, and advice beyond it, count too\n"
	"  --timeout S                seconds for each request (default 10)\n"
	"  --format FORMAT            text (default), tap or json; with --list also mdoc\n"
	"  --list                     show the checks and end\n"
	"  -h, --help                 show this and end\n"
	"  -V, --version              show the version and end\n"
	"\n"
	"Exit status: 0 all passed, 1 some failed, 2 could not run.\n";

enum field { URL, SAE, CERTIFICATE, PRIVATE_KEY, PASSWORD_FILE, CA, FIELDS };

enum other { ONLY = 256, SKIP, MAX_KEYS, TIMEOUT, FORMAT, LIST, STRICT, PARTY };

#define OF(who, field) (PARTY + (who)*FIELDS + (field))
#define FILES(prefix, who)                                                                                             \
	{ prefix "cert", required_argument, NULL, OF(who, CERTIFICATE) },                                              \
		{ prefix "key", required_argument, NULL, OF(who, PRIVATE_KEY) },                                       \
		{ prefix "password-file", required_argument, NULL, OF(who, PASSWORD_FILE) },                           \
	{                                                                                                              \
		prefix "ca", required_argument, NULL, OF(who, CA)                                                      \
	}

static const struct option long_options[] = {
	FILES("", MASTER),
	FILES("slave-", SLAVE),
	FILES("third-", THIRD),
	FILES("additional-", ADDITIONAL),
	{ "master-sae", required_argument, NULL, OF(MASTER, SAE) },
	{ "slave-sae", required_argument, NULL, OF(SLAVE, SAE) },
	{ "third-sae", required_argument, NULL, OF(THIRD, SAE) },
	{ "additional-slave", required_argument, NULL, OF(ADDITIONAL, SAE) },
	{ "slave-url", required_argument, NULL, OF(SLAVE, URL) },
	{ "third-url", required_argument, NULL, OF(THIRD, URL) },
	{ "additional-url", required_argument, NULL, OF(ADDITIONAL, URL) },
	{ "only", required_argument, NULL, ONLY },
	{ "skip", required_argument, NULL, SKIP },
	{ "max-keys", required_argument, NULL, MAX_KEYS },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "format", required_argument, NULL, FORMAT },
	{ "list", no_argument, NULL, LIST },
	{ "strict", no_argument, NULL, STRICT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int take_number(const char *option, const char *text, unsigned min, unsigned max, unsigned *number,
		       struct qv_error *err)
{
	uint64_t value;
	if (number_of_option(option, text, min, max, &value, err) != 0)
		return -1;
	*number = (unsigned)value;
	return 0;
}

static void set_party(struct party *party, unsigned field, const char *value)
{
	const char **const fields[FIELDS] = { &party->url,         &party->sae,           &party->certificate,
					      &party->private_key, &party->password_file, &party->ca };
	*fields[field] = value;
}

static int take_option(struct arguments *arguments, int option, const char *value, struct qv_error *err)
{
	switch (option) {
	case ONLY:
		arguments->only = value;
		return select_check_list("only", value, err);
	case SKIP:
		arguments->skip = value;
		return select_check_list("skip", value, err);
	case MAX_KEYS:
		return take_number("max-keys", value, 0, MAX_KEYS_LIMIT, &arguments->max_keys, err);
	case TIMEOUT:
		if (take_number("timeout", value, 1, TIMEOUT_LIMIT, &arguments->timeout, err) != 0)
			return -1;
		arguments->timeout *= 1000;
		return 0;
	case FORMAT:
		return format_parse(value, &arguments->format, err);
	case LIST:
		arguments->list = true;
		return 0;
	case STRICT:
		arguments->strict = true;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	case 'V':
		puts("qkd-conformance (Qvisio) " PACKAGE_VERSION);
		return 1;
	default:
		if (option < PARTY)
			return qv_fail(err, QV_E_INVALID, "see qkd-conformance --help");
		set_party(&arguments->parties[(option - PARTY) / FIELDS], (unsigned)(option - PARTY) % FIELDS, value);
		return 0;
	}
}

static int check_party(const struct party *party, const char *sae_option, const char *prefix, struct qv_error *err)
{
	if (party->sae && (!party->sae[0] || strlen(party->sae) > SAE_ID_MAX))
		return qv_fail(err, QV_E_INVALID, "--%s: an SAE ID has 1 to %d bytes", sae_option, SAE_ID_MAX);
	if (party->url && strncmp(party->url, "https://", 8) != 0)
		return qv_fail(err, QV_E_INVALID, "%s: expected a URL that starts with https://", party->url);
	if (!party->certificate && (party->private_key || party->password_file))
		return qv_fail(err, QV_E_INVALID, "--%skey or --%spassword-file without --%scert", prefix, prefix,
			       prefix);
	return 0;
}

static void inherit(struct party *party, const struct party *from)
{
	if (!party->url)
		party->url = from->url;
	if (!party->ca)
		party->ca = from->ca;
}

static int check(struct arguments *arguments, struct qv_error *err)
{
	static const struct {
		const char *sae, *prefix;
	} names[PARTIES] = {
		{ "master-sae", "" },
		{ "slave-sae", "slave-" },
		{ "third-sae", "third-" },
		{ "additional-slave", "additional-" },
	};
	struct party *parties = arguments->parties;
	if (arguments->list)
		return 0;
	if (arguments->format == FORMAT_MDOC)
		return qv_fail(err, QV_E_INVALID, "--format mdoc goes with --list");
	if (!parties[MASTER].url || !parties[MASTER].certificate || !parties[MASTER].sae || !parties[SLAVE].sae)
		return qv_fail(err, QV_E_INVALID, "%s is missing; see qkd-conformance --help",
			       !parties[MASTER].url           ? "the URL of the KME"
			       : !parties[MASTER].certificate ? "--cert"
			       : !parties[MASTER].sae         ? "--master-sae"
							      : "--slave-sae");
	for (enum who who = MASTER; who < PARTIES; who++) {
		if (check_party(&parties[who], names[who].sae, names[who].prefix, err) != 0)
			return -1;
		if (who != MASTER)
			inherit(&parties[who], &parties[who == SLAVE ? MASTER : SLAVE]);
	}
	return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *arguments, struct qv_error *err)
{
	int option;
	*arguments = (struct arguments){ .max_keys = MAX_KEYS_DEFAULT, .timeout = TIMEOUT_DEFAULT * 1000 };
	while ((option = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		int result = take_option(arguments, option, optarg, err);
		if (result != 0)
			return result;
	}
	if (argc - optind > 1)
		return qv_fail(err, QV_E_INVALID, "%s: one URL is enough; see qkd-conformance --help",
			       argv[optind + 1]);
	if (optind < argc)
		arguments->parties[MASTER].url = argv[optind];
	return check(arguments, err);
}
