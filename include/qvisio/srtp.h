/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "srtp": protects RTP and RTCP as SRTP (RFC 3711) with AEAD_AES_256_GCM (RFC 7714). Keys come in generations;
 * each packet names its own in the MKI, so that new keys are in use before old ones are given up. Packets given to
 * unprotect are hostile. One thread at a time calls an instance.
 *
 *   open -> add_keys(1) -> use_keys(1) -> protect, unprotect …
 *        -> add_keys(2) -> (the peer has them too) use_keys(2) -> … -> drop_keys(1) -> … -> close
 */
#ifndef QVISIO_SRTP_H
#define QVISIO_SRTP_H

#include <qvisio/module.h>
#include <qvisio/secret.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_SRTP_ABI_MAJOR 1
#define QV_SRTP_ABI_MINOR 0

#define QV_SRTP_MASTER      44u /* bytes of a master: key 32, salt 12 */
#define QV_SRTP_EXPORTED    88u /* bytes to ask of the TLS exporter */
#define QV_SRTP_LABEL       "EXPERIMENTAL qvisio srtp"
#define QV_SRTP_GENERATIONS 4  /* held at once, at most */
#define QV_SRTP_SOURCES     64 /* SSRCs in each direction, at most */
#define QV_SRTP_OVERHEAD    24 /* bytes that protection adds at most: tag 16, index 4 (SRTCP), MKI 4 */

/*
 * Cuts what the TLS exporter gave (QV_SRTP_EXPORTED bytes under QV_SRTP_LABEL) into the masters of the two directions:
 * the caller's key, the answerer's key, the caller's salt, the answerer's salt. `caller`: whether this side called.
 * Both secrets are the caller's to free. -1: QV_E_INVALID (another size), QV_E_NOMEM; both are then NULL.
 */
int qv_srtp_masters(const struct qv_secret *exported, bool caller, struct qv_secret **send, struct qv_secret **receive,
		    struct qv_error *err);

struct qv_srtp;

struct qv_srtp_class {
	struct qv_class head;

	struct qv_srtp *(*open)(const struct qv_host *host, const struct qv_options *options,
				struct qv_error *err); /* required */
	void (*close)(struct qv_srtp *srtp);           /* required; NULL is fine */

	/*
	 * Required. Accepts packets of this generation from now on. Masters of QV_SRTP_MASTER bytes are borrowed during
	 * the call. QV_E_INVALID (a generation that is there, another size), QV_E_BUSY (QV_SRTP_GENERATIONS are held).
	 */
	int (*add_keys)(struct qv_srtp *srtp, uint32_t generation, const struct qv_secret *send,
			const struct qv_secret *receive, struct qv_error *err);

	/* Required. Protects with this generation from now on; there is no way back to one that was used before. QV_E_NO_KEY. */
	int (*use_keys)(struct qv_srtp *srtp, uint32_t generation, struct qv_error *err);

	/* Required. Wipes a generation; its packets are refused from now on. One that is not there is fine. */
	void (*drop_keys)(struct qv_srtp *srtp, uint32_t generation);

	/*
	 * Required. In place: *size bytes become at most *size + QV_SRTP_OVERHEAD, for which `packet` has room; it is
	 * aligned to 4 bytes. A sequence number may be protected once only: what is sent again goes as another packet
	 * (RFC 4588). QV_E_NO_KEY (no generation in use, or its packets are used up), QV_E_INVALID (no RTP packet, a
	 * sequence number that was used), QV_E_BUSY (too many SSRCs).
	 */
	int (*protect)(struct qv_srtp *srtp, uint8_t *packet, size_t *size, struct qv_error *err);
	int (*protect_rtcp)(struct qv_srtp *srtp, uint8_t *packet, size_t *size, struct qv_error *err);

	/*
	 * Required. In place; `packet` is aligned to 4 bytes. 1: *size bytes of plain packet, *generation by which it came;
	 * 0: authentic or not, it was seen before or is older than the replay window; -1: QV_E_NO_KEY (a generation that
	 * is not held), QV_E_DENIED (not from the peer, or altered), QV_E_PROTOCOL (no SRTP packet), QV_E_BUSY.
	 */
	int (*unprotect)(struct qv_srtp *srtp, uint8_t *packet, size_t *size, uint32_t *generation,
			 struct qv_error *err);
	int (*unprotect_rtcp)(struct qv_srtp *srtp, uint8_t *packet, size_t *size, uint32_t *generation,
			      struct qv_error *err);
};

const struct qv_srtp_class *qv_srtp_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
