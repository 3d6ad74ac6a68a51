/* SPDX-License-Identifier: Apache-2.0 */
/* admin: { … } */
#include "configure.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>

#include "admin/access.h"
#include "file.h"
#include "socket.h"

static const struct qv_option admin_options[] = {
	{ .name = "listen",
	  .type = QV_OPTION_STRING,
	  .fallback = "127.0.0.1:13080",
	  .help = "Where metrics, health and the web page are served, as host:port." },
	{ .name = "token_file",
	  .type = QV_OPTION_PATH,
	  .help = "File (mode 0600) with a token of 16 or more letters, digits and signs, which a visitor has to give; "
		  "needed when others than this machine can reach the listener." },
	{ .name = "certificate",
	  .type = QV_OPTION_PATH,
	  .help = "Certificate for HTTPS (PEM), followed by intermediate ones; default: HTTP." },
	{ .name = "private_key", .type = QV_OPTION_PATH, .help = "Its private key (PEM, mode 0600)." },
	{ .name = "host_names",
	  .type = QV_OPTION_STRINGS,
	  .help = "Names under which the page may be opened, besides IP addresses and localhost." },
	{ .name = "event_clients",
	  .type = QV_OPTION_INT,
	  .fallback = "16",
	  .min = 1,
	  .max = 100,
	  .help = "Pages that may be open at the same time and take live events." },
	{ .name = NULL },
};

static bool address_is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* Of all addresses that the name stands for. */
static bool is_loopback(const char *listen)
{
	char host[256], port[6];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list;
	if (socket_split(listen, host, port, NULL) != 0 || getaddrinfo(host, port, &hints, &list) != 0)
		return false;
	bool loopback = true;
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		loopback = loopback && address_is_loopback(info->ai_addr);
	freeaddrinfo(list);
	return loopback;
}

static int check_tls(const struct qv_options *options, struct qv_error *err)
{
	static const char *const names[] = { "certificate", "private_key" };
	bool certificate = qv_options_has(options, names[0]), key = qv_options_has(options, names[1]);
	if (certificate != key)
		return qv_options_fail(options, names[certificate ? 0 : 1], err, "%s is missing: HTTPS needs both",
				       names[certificate ? 1 : 0]);
	if (!certificate)
		return 0;
	struct qv_error why = QV_ERROR_INIT;
	char *text = file_text(qv_options_string(options, names[0]), &why);
	free(text);
	if (!text)
		return qv_options_fail(options, names[0], err, "%s", why.message);
	struct qv_secret *secret = qv_secret_from_file(qv_options_string(options, names[1]), FILE_TEXT_MAX, &why);
	qv_secret_free(secret);
	if (!secret)
		return qv_options_fail(options, names[1], err, "%s", why.message);
	return 0;
}

static int check_token(const struct kme *kme, const struct qv_options *options, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	const char *file = qv_options_string(options, "token_file");
	const char *listen = qv_options_string(options, "listen");
	bool loopback = is_loopback(listen);
	if (!file && !loopback)
		return qv_options_fail(
			options, "token_file", err,
			"missing: %s is no loopback address, so others can reach the page; make one with: "
			"(umask 077; openssl rand -hex 32 > admin.token)",
			listen);
	if (!loopback && !qv_options_has(options, "certificate"))
		qv_log_warning(kme->log,
			       "%s: the admin token goes over the network in clear; set certificate for HTTPS",
			       qv_options_where(options, "listen"));
	struct qv_secret *token = file ? admin_token(file, &why) : NULL;
	qv_secret_free(token);
	return why.code == QV_OK ? 0 : qv_options_fail(options, "token_file", err, "%s", why.message);
}

int configure_admin(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	const struct qv_section *section;
	if (qv_section_group(root, "admin", &section, err) != 0)
		return -1;
	if (!section)
		return 0;
	struct qv_options *options = kme->admin_options =
		qv_options_check(section, admin_options, OPTION_SIZE, NULL, err);
	if (!options || configure_check_address(options, "listen", err) != 0 || check_tls(options, err) != 0)
		return -1;
	return check_token(kme, options, err);
}
