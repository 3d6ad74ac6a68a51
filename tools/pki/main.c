/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-pki: the certificates of a network of KMEs and SAEs. */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../number.h"
#include "commands.h"

#define SECURE_HEAP (1024 * 1024) /* bytes, for private keys on their way to files */
#define DAYS_MAX    9125

static const char usage[] =
	"Usage: qkd-pki make FILE         make all CAs, keys and certificates of the network that FILE describes\n"
	"       qkd-pki add FILE          make what FILE has more than there is\n"
	"       qkd-pki show FILE         print the lines for the configurations of KMEs and SAEs\n"
	"       qkd-pki renew FILE [-w N] renew the certificates that expire within N days (default 30)\n"
	"       qkd-pki revoke FILE ID    revoke the certificate of a KME or SAE, and renew the CRL\n"
	"       qkd-pki crl FILE          renew the CRLs\n"
	"make prints what show prints. Nothing that is there is ever overwritten, except by renew, revoke and crl.\n"
	"\n"
	"  -w, --within N  days, for renew\n"
	"  -h, --help      show this and end\n"
	"  -V, --version   show the version and end\n"
	"\n"
	"Exit status: 0 done, 1 failure, 2 wrong usage or configuration.\n";

static const struct option long_options[] = {
	{ "within", required_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *command, *file, *name;
	uint64_t within; /* days; 0: not given */
};

static int check(const struct arguments *arguments, int words, struct qv_error *err)
{
	static const char *const commands[] = { "make", "add", "show", "renew", "revoke", "crl" };
	size_t i = 0;
	if (words == 0)
		return qv_fail(err, QV_E_CONFIG, "say what to do; see qkd-pki --help");
	while (i < 6 && strcmp(arguments->command, commands[i]) != 0)
		i++;
	if (i == 6)
		return qv_fail(err, QV_E_CONFIG, "\"%s\" is not make, add, show, renew, revoke or crl",
			       arguments->command);
	bool names = strcmp(arguments->command, "revoke") == 0;
	if (words != (names ? 3 : 2))
		return qv_fail(err, QV_E_CONFIG, "%s: expected the configuration file%s; see qkd-pki --help",
			       arguments->command, names ? " and an ID" : "");
	if (arguments->within && strcmp(arguments->command, "renew") != 0)
		return qv_fail(err, QV_E_CONFIG, "--within is for renew");
	return 0;
}

/* 1: all was said. */
static int parse(int argc, char **argv, struct arguments *arguments, struct qv_error *err)
{
	int option;
	while ((option = getopt_long(argc, argv, "w:hV", long_options, NULL)) != -1) {
		switch (option) {
		case 'w':
			if (!number_parse(optarg, 1, DAYS_MAX, &arguments->within))
				return qv_fail(err, QV_E_CONFIG,
					       "--within %.32s: expected a whole number of days from 1 to %d", optarg,
					       DAYS_MAX);
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		case 'V':
			puts("qkd-pki (Qvisio) " PACKAGE_VERSION);
			return 1;
		default:
			return qv_fail(err, QV_E_CONFIG, "see qkd-pki --help");
		}
	}
	int words = argc - optind;
	arguments->command = words > 0 ? argv[optind] : "";
	arguments->file = words > 1 ? argv[optind + 1] : NULL;
	arguments->name = words > 2 ? argv[optind + 2] : NULL;
	return check(arguments, words, err);
}

static int run_in(const struct arguments *arguments, const struct network *network, struct qv_error *err)
{
	struct pki pki;
	int result = pki_open(&pki, network, err);
	if (result == 0) {
		if (strcmp(arguments->command, "add") == 0)
			result = pki_add(&pki, err);
		else if (strcmp(arguments->command, "renew") == 0)
			result = pki_renew(&pki, arguments->within ? (long)arguments->within : 30, err);
		else if (strcmp(arguments->command, "crl") == 0)
			result = pki_renew_crls(&pki, err);
		else if (strcmp(arguments->command, "revoke") == 0)
			result = pki_revoke(&pki, arguments->name, err);
		else
			result = pki_show(&pki, err);
	}
	pki_close(&pki);
	return result;
}

static int run(const struct arguments *arguments, struct qv_error *err)
{
	struct network network = { .count = 0 };
	int result = network_read(&network, arguments->file, err);
	if (result == 0 && strcmp(arguments->command, "make") == 0)
		result = pki_make(&network, err);
	if (result == 0)
		result = run_in(arguments, &network, err);
	network_free(&network);
	return result;
}

int main(int argc, char **argv)
{
	struct qv_error err = QV_ERROR_INIT;
	struct arguments arguments = { .command = "" };
	int result = parse(argc, argv, &arguments, &err);
	umask(077);
	if (result == 0)
		result = qv_secret_harden_process(&err);
	if (result == 0) {
		CRYPTO_secure_malloc_init(SECURE_HEAP, 16);
		result = run(&arguments, &err);
	}
	if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		result = qv_fail_errno(&err, QV_E_IO, errno, "standard output");
	if (result >= 0)
		return 0;
	fprintf(stderr, "qkd-pki: %s\n", err.message);
	return err.code == QV_E_CONFIG ? 2 : 1;
}
