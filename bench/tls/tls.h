/* SPDX-License-Identifier: Apache-2.0 */
/* One way of making TLS sessions, ours or a bare library's, as the benchmark uses it. */
#ifndef BENCH_TLS_H
#define BENCH_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_TLS_IDENTITY "qkd1/sha256/6dc1c4f5-5b6c-4f8e-9d0a-2f4b6c8d0e1f/alice"
#define BENCH_TLS_KEY_SIZE 32
#define BENCH_TLS_SUITES   "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"

extern const uint8_t bench_tls_key[BENCH_TLS_KEY_SIZE];

struct bench_tls_context; /* each way's own */
struct bench_tls_end;

struct bench_tls {
	const char *name;
	struct bench_tls_context *(*open)(bool psk_ke);
	void (*close)(struct bench_tls_context *context);
	/* A handshake on a connected socket; blocks. NULL on failure. */
	struct bench_tls_end *(*shake)(struct bench_tls_context *context, int fd, bool server);
	bool (*send)(struct bench_tls_end *end, const void *bytes, size_t size); /* all of it */
	bool (*receive)(struct bench_tls_end *end, void *bytes, size_t size);    /* exactly so much */
	void (*end)(struct bench_tls_end *end);
};

extern const struct bench_tls bench_tls_module_openssl, bench_tls_module_gnutls; /* through libqvisio */
extern const struct bench_tls bench_tls_bare_openssl, bench_tls_bare_gnutls;

#endif
