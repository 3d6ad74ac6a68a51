/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind srtp, module "tap": libsrtp2 with a witness. Each RTP packet that was protected is opened by the reference that is
 * written after the RFCs, must be what it was, and goes into a file, behind its length in four bytes.
 */
#include <qvisio/srtp.h>

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/srtp/libsrtp2/reference.h"

#define MKI         4
#define PACKET_MAX  2048
#define GENERATIONS 64

/* The module itself, compiled under this name. */
extern const struct qv_module tapped;

struct tap {
	struct qv_srtp *real;
	FILE *file;
	uint8_t masters[GENERATIONS][QV_SRTP_MASTER]; /* by generation */
};

static const struct qv_srtp_class *real(void)
{
	return (const struct qv_srtp_class *)(const void *)tapped.classes[0];
}

static struct tap *tap_of(struct qv_srtp *srtp)
{
	return (struct tap *)(void *)srtp;
}

static void tap_close(struct qv_srtp *srtp)
{
	struct tap *tap = tap_of(srtp);
	if (!tap)
		return;
	real()->close(tap->real);
	if (tap->file)
		fclose(tap->file);
	free(tap);
}

static struct qv_srtp *tap_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	struct tap *tap = calloc(1, sizeof *tap);
	const char *path = qv_options_string(options, "path");
	if (!tap)
		return NULL;
	tap->real = real()->open(host, options, err);
	tap->file = tap->real ? fopen(path, "wbe") : NULL;
	if (tap->file)
		return (struct qv_srtp *)(void *)tap;
	if (tap->real)
		qv_fail(err, QV_E_IO, "%s: cannot be written", path);
	tap_close((struct qv_srtp *)(void *)tap);
	return NULL;
}

static int tap_add_keys(struct qv_srtp *srtp, uint32_t generation, const struct qv_secret *send,
			const struct qv_secret *receive, struct qv_error *err)
{
	memcpy(tap_of(srtp)->masters[generation % GENERATIONS], qv_secret_bytes(send), QV_SRTP_MASTER);
	return real()->add_keys(tap_of(srtp)->real, generation, send, receive, err);
}

static int tap_use_keys(struct qv_srtp *srtp, uint32_t generation, struct qv_error *err)
{
	return real()->use_keys(tap_of(srtp)->real, generation, err);
}

static void tap_drop_keys(struct qv_srtp *srtp, uint32_t generation)
{
	real()->drop_keys(tap_of(srtp)->real, generation);
}

/* The sequence numbers of a test do not wrap. */
static int tap_protect(struct qv_srtp *srtp, uint8_t *packet, size_t *size, struct qv_error *err)
{
	struct tap *tap = tap_of(srtp);
	uint8_t plain[PACKET_MAX], opened[PACKET_MAX];
	size_t plain_size = *size;
	memcpy(plain, packet, plain_size);
	if (real()->protect(tap->real, packet, size, err) != 0)
		return -1;
	uint32_t mki, length = htobe32((uint32_t)plain_size);
	memcpy(&mki, packet + *size - MKI, sizeof mki);
	int got = reference_open_rtp(tap->masters[be32toh(mki) % GENERATIONS], 0, packet, *size - MKI, opened);
	if (got != (int)plain_size || memcmp(opened, plain, plain_size) != 0) {
		fputs("what was protected is not what the reference opens\n", stderr);
		abort();
	}
	fwrite(&length, sizeof length, 1, tap->file);
	fwrite(opened, 1, plain_size, tap->file);
	return 0;
}

static int tap_protect_rtcp(struct qv_srtp *srtp, uint8_t *packet, size_t *size, struct qv_error *err)
{
	return real()->protect_rtcp(tap_of(srtp)->real, packet, size, err);
}

static int tap_unprotect(struct qv_srtp *srtp, uint8_t *packet, size_t *size, uint32_t *generation,
			 struct qv_error *err)
{
	return real()->unprotect(tap_of(srtp)->real, packet, size, generation, err);
}

static int tap_unprotect_rtcp(struct qv_srtp *srtp, uint8_t *packet, size_t *size, uint32_t *generation,
			      struct qv_error *err)
{
	return real()->unprotect_rtcp(tap_of(srtp)->real, packet, size, generation, err);
}

static const struct qv_option options[] = {
	{ .name = "path", .type = QV_OPTION_PATH, .required = true, .help = "File for what is sent." },
	{ .name = "replay_window",
	  .type = QV_OPTION_INT,
	  .fallback = "1024",
	  .min = 64,
	  .max = 32767,
	  .help = "As of libsrtp2." },
	{ .name = NULL },
};

static const struct qv_srtp_class class = {
	.head = { .kind = "srtp",
		  .name = "tap",
		  .summary = "libsrtp2 with a witness",
		  .abi_major = QV_SRTP_ABI_MAJOR,
		  .abi_minor = QV_SRTP_ABI_MINOR,
		  .size = sizeof class,
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = tap_open,
	.close = tap_close,
	.add_keys = tap_add_keys,
	.use_keys = tap_use_keys,
	.drop_keys = tap_drop_keys,
	.protect = tap_protect,
	.protect_rtcp = tap_protect_rtcp,
	.unprotect = tap_unprotect,
	.unprotect_rtcp = tap_unprotect_rtcp,
};

static const struct qv_class *const classes[] = { &class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
