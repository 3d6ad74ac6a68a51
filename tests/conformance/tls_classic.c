/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of kind tls with certificates: the policy, and nothing else, keeps classic peers out. */
#include "tls_pair.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A certificate for localhost that signs itself, and its key: good for nothing but this. */
static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
				  "MIIBYzCCAQigAwIBAgICEAAwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxo\n"
				  "b3N0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAUMRIwEAYDVQQD\n"
				  "DAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASAfh1awWFRnERt\n"
				  "RjsYIm7qeIb6K53S1R72hBRHmwQSsqzI0UfSU84pqx5ETXtz8bo2wkx/Hin8orVj\n"
				  "YGocrzs3o0gwRjAPBgNVHRMBAf8EBTADAQH/MBQGA1UdEQQNMAuCCWxvY2FsaG9z\n"
				  "dDAdBgNVHQ4EFgQUJLybxO5La7AM4759EyQQR5/DbeYwCgYIKoZIzj0EAwIDSQAw\n"
				  "RgIhAIRwmuVcTUHBzu55fv/omth8hbxw81bOhOCNZpoOfF6TAiEAxRYA0xSFyrGc\n"
				  "h99JgAt9grxR7tQtUJ2CIDr3fUi1vZU=\n"
				  "-----END CERTIFICATE-----\n";
static const char private_key[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiNxZWuBK9ND/FjAC\n"
				  "7+xw/cfJYrXJ6RJHAvFeCKy+6bGhRANCAASAfh1awWFRnERtRjsYIm7qeIb6K53S\n"
				  "1R72hBRHmwQSsqzI0UfSU84pqx5ETXtz8bo2wkx/Hin8orVjYGocrzs3\n"
				  "-----END PRIVATE KEY-----\n";

struct credentials {
	char certificate[64], private_key[64], ca[64]; /* "name=value" words */
};

/* A file in memory that only its owner can read; `word` becomes the option that names it. */
static void memory_file(struct check *check, const char *option, const char *text, char *word, size_t size)
{
	int fd = memfd_create(option, 0);
	REQUIRE(check, fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		"no file in memory");
	snprintf(word, size, "%s=/proc/self/fd/%d", option, fd);
}

static void make_credentials(struct check *check, struct credentials *made)
{
	memory_file(check, "certificate", certificate, made->certificate, sizeof made->certificate);
	memory_file(check, "private_key", private_key, made->private_key, sizeof made->private_key);
	memory_file(check, "ca", certificate, made->ca, sizeof made->ca);
}

/* Shakes hands under these policies; the server has a certificate that the client trusts. */
static void shake(struct check *check, struct tls_pair *pair, const char *client, const char *server, bool key)
{
	struct credentials made;
	make_credentials(check, &made);
	const char *const client_changes[] = { client, made.ca, NULL };
	const char *const server_changes[] = { server, made.certificate, made.private_key, NULL };
	tls_pair_open(check, pair, client_changes, server_changes);
	if (key)
		tls_pair_share_key(check, pair);
	tls_pair_handshake(check, pair);
}

/* That a certificate would have done, had the policy allowed it. */
static void require_classic(struct check *check, const char *client, const char *server)
{
	struct tls_pair pair;
	struct qv_tls_facts facts;
	shake(check, &pair, client, server, false);
	tls_pair_require(check, &pair);
	pair.client.class->facts(pair.client.session, &facts);
	REQUIRE(check, !facts.psk && facts.peer_verified && facts.peer_subject[0],
		"the client does not say that a certificate, and no PSK, made the session");
	pair.server.class->facts(pair.server.session, &facts);
	REQUIRE(check, !facts.psk && facts.self_certificate,
		"the server does not say that its certificate, and no PSK, made the session");
	tls_pair_close(&pair);
}

void check_tls_classic_client(struct check *check)
{
	struct tls_pair pair;
	require_classic(check, "qkd=off", "qkd=prefer");
	require_classic(check, "qkd=off", "qkd=off");
	shake(check, &pair, "qkd=off", "qkd=require", false);
	REQUIRE(check, !pair.server.session, "a server that requires QKD accepted a client without");
	REQUIRE(check, !pair.client.session, "a client got a session that the server refused");
	check_error_filled(check, "accept", &pair.server.err);
	tls_pair_close(&pair);
}

void check_tls_classic_server(struct check *check)
{
	struct tls_pair pair;
	require_classic(check, "qkd=prefer", "qkd=off");
	require_classic(check, "qkd=prefer", "qkd=prefer");
	shake(check, &pair, "qkd=require", "qkd=off", true);
	REQUIRE(check, !pair.client.session, "a client that requires QKD took a server without");
	check_error_filled(check, "connect", &pair.client.err);
	tls_pair_close(&pair);
}
