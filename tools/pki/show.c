/* SPDX-License-Identifier: Apache-2.0 */
/* What to paste into the configurations of KMEs and SAEs. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "serial.h"

/* With what libconfig needs escaped. */
static void print_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if (iscntrl((unsigned char)*text))
			printf("\\x%02X", (unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void print_member(const char *indent, const char *name, const char *value)
{
	printf("%s%s = ", indent, name);
	print_string(value);
	putchar(';');
}

static void print_setting(const char *indent, const char *name, const char *value)
{
	print_member(indent, name, value);
	putchar('\n');
}

static void print_file(const char *folder, const char *name, const char *stem, const char *suffix)
{
	printf("    %s = ", name);
	char path[PATH_MAX + FILE_NAME_MAX];
	snprintf(path, sizeof path, "%s/%s.%s", folder, stem, suffix);
	print_string(path);
	printf(";\n");
}

static void print_address(const char *name, const char *host, int64_t port)
{
	char address[300];
	snprintf(address, sizeof address, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, (int)port);
	print_setting("    ", name, address);
}

static void print_api(const struct pki *pki, const char *folder, const struct member *kme, bool for_saes)
{
	const char *ca = for_saes ? sae_ca(pki->network) : kme_ca(pki->network);
	printf("%s: {\n", for_saes ? "sae_api" : "kme_api");
	print_address("listen", qv_options_string(kme->options, "listen"),
		      qv_options_int(kme->options, for_saes ? "sae_port" : "kme_port"));
	print_file(folder, "certificate", kme->stem, "pem");
	print_file(folder, "private_key", kme->stem, "key");
	print_file(folder, "ca", ca, "pem");
	print_file(folder, "crl", ca, "crl");
	printf("};\n");
}

static int print_identity(const struct pki *pki, const struct member *sae, struct qv_error *err)
{
	if (sae->identity == IDENTITY_URI) {
		print_member(" ", "certificate_uri", sae->uri);
	} else if (sae->identity == IDENTITY_COMMON_NAME) {
		print_member(" ", "certificate_common_name", sae->id);
	} else {
		X509 *certificate = read_certificate(pki->folder, sae->stem, err);
		char *serial = certificate ? serial_text(X509_get0_serialNumber(certificate)) : NULL;
		if (serial)
			print_member(" ", "certificate_serial", serial);
		OPENSSL_free(serial);
		X509_free(certificate);
		return serial ? 0 : certificate ? fail_openssl(err, sae->id) : -1;
	}
	return 0;
}

static bool serves(const struct member *kme, const struct member *sae)
{
	return sae->kme == kme;
}

static int print_saes(const struct pki *pki, const struct member *kme, struct qv_error *err)
{
	const struct network *network = pki->network;
	const char *before = "saes: (\n";
	for (size_t i = network->kmes; i < network->count; i++) {
		const struct member *sae = &network->members[i];
		if (!serves(kme, sae) && !network_linked(kme, sae->kme))
			continue;
		printf("%s    { id = ", before);
		print_string(sae->id);
		printf(";");
		before = " },\n";
		if (!serves(kme, sae)) {
			print_member(" ", "kme", sae->kme->id);
			continue;
		}
		if (print_identity(pki, sae, err) != 0)
			return -1;
	}
	printf(strcmp(before, " },\n") == 0 ? " }\n);\n"
					    : "# no SAE is of this KME, or of one that it has a link with\n");
	return 0;
}

static void print_peers(const struct pki *pki, const struct member *kme)
{
	const char *before = "peers: (\n";
	for (size_t i = 0; i < pki->network->kmes; i++) {
		const struct member *peer = &pki->network->members[i];
		if (peer == kme || !network_linked(kme, peer))
			continue;
		printf("%s  {\n", before);
		print_setting("    ", "kme_id", peer->id);
		print_address("address", host_name(peer, 0), qv_options_int(peer->options, "kme_port"));
		print_setting("    ", "certificate_name", host_name(peer, 0));
		printf("    # Where the keys of the link come from: qvisio-qkdlink-directory(7), "
		       "qvisio-qkdlink-simulated(7)\n"
		       "    link: { module = \"directory\"; path = ");
		char path[STEM_MAX + 8];
		snprintf(path, sizeof path, "keys-%s", peer->stem);
		print_string(path);
		printf("; };\n  }");
		before = ",\n";
	}
	if (strcmp(before, ",\n") == 0)
		printf("\n);\n");
}

static int print_kme(const struct pki *pki, const char *folder, const struct member *kme, struct qv_error *err)
{
	printf("# KME %s: for its qkd-kme.conf, beside seal_key_file and store\n", kme->id);
	print_setting("", "kme_id", kme->id);
	print_api(pki, folder, kme, true);
	print_api(pki, folder, kme, false);
	if (print_saes(pki, kme, err) != 0)
		return -1;
	print_peers(pki, kme);
	putchar('\n');
	return 0;
}

static void print_sae(const struct pki *pki, const char *folder, const struct member *sae)
{
	const char *password = qv_options_string(sae->options, "password_file");
	printf("# SAE %s: for visio_client.conf, visio_server.conf and qkd-key.conf\n", sae->id);
	printf("key_source: {\n    module = \"etsi014\";\n");
	print_address("kme", host_name(sae->kme, 0), qv_options_int(sae->kme->options, "sae_port"));
	print_file(folder, "certificate", sae->stem, "pfx");
	if (password)
		print_setting("    ", "password_file", password);
	else
		print_file(folder, "password_file", sae->stem, "password");
	print_file(folder, "ca", kme_ca(pki->network), "pem");
	print_setting("    ", "kme_id", sae->kme->id);
	print_setting("    ", "sae_id", sae->id);
	printf("};\n# or in PEM:\n#");
	print_file(folder, "certificate", sae->stem, "pem");
	printf("#");
	print_file(folder, "private_key", sae->stem, "key");
	putchar('\n');
}

int pki_show(const struct pki *pki, struct qv_error *err)
{
	const struct network *network = pki->network;
	char *folder = realpath(network->folder, NULL);
	if (!folder)
		return qv_fail(err, QV_E_IO, "%s: cannot be found", network->folder);
	int result = 0;
	for (size_t i = 0; i < network->count && result == 0; i++) {
		if (network->members[i].is_kme)
			result = print_kme(pki, folder, &network->members[i], err);
		else
			print_sae(pki, folder, &network->members[i]);
	}
	free(folder);
	return result;
}
