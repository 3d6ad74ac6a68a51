/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shamir's secret sharing (A. Shamir, "How to share a secret", 1979), byte by byte over GF(2^8) with the polynomial
 * x^8 + x^4 + x^3 + x + 1 (0x11B, that of AES). Share i of a secret holds f(x[i]) for each of its bytes, where f is
 * uniform among the polynomials of degree below t with f(0) the secret byte: t shares rebuild it; fewer are
 * statistically independent of it, as far as the generator's bytes are random.
 *
 * Shapes: x[] are the share points, public, distinct, 1 to 255. A share is as long as the secret. Many secrets in one
 * call are secrets laid end to end: `size` is their total, and each share holds their shares end to end.
 * Ownership: every buffer is the caller's. Outputs overlap neither inputs nor each other. Key material belongs into
 * qv_secret; the *_secret functions allocate that.
 * Time: constant in secrets, coefficients and share values; it depends on t, x, n, the sizes and weights, which are
 * public. Where shares contradict each other, it depends also on the differences from right shares, never on these.
 * Threads: safe on any thread; a generator and a buffer belong to one at a time.
 */
#ifndef QVISIO_SHAMIR_H
#define QVISIO_SHAMIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>
#include <qvisio/generator.h>
#include <qvisio/secret.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_SHAMIR_SHARES_MAX  255u     /* n */
#define QV_SHAMIR_CORRECT_ALL UINT_MAX /* as many wrong shares as the shares present allow */

/*
 * Splits `size` bytes (0 is fine) into n shares, any t of which rebuild them, 1 <= t <= n <= 255; shares[i] has room
 * for `size` bytes. `generator` NULL: the thread's own (generator.h). With t = 1 every share is the secret.
 * QV_E_INVALID (t, n, a point that is 0 or twice there); what the generator fails with: the shares are then all zeros.
 */
int qv_shamir_split(struct qv_generator *generator, const uint8_t *secret, size_t size, unsigned t, const uint8_t *x,
		    unsigned n, uint8_t *const *shares, struct qv_error *err);

/*
 * Rebuilds from exactly t shares. Nothing can be checked: altered shares give another secret. QV_E_INVALID (t, x).
 */
int qv_shamir_rebuild(unsigned t, const uint8_t *x, const uint8_t *const *shares, size_t size, uint8_t *secret,
		      struct qv_error *err);

/*
 * Rebuilds from m >= t shares of which some may be wrong. A share is wrong as a whole when any of its bytes is.
 * `correct` is the largest number of wrong shares to put up with, at most and by default e = (m - t) / 2, rounded down.
 *
 * Returns how many shares were wrong, and marks them in wrong[m] (or NULL), with the secret in `secret`;
 * or -1, and `secret` is all zeros and `wrong` as it was: QV_E_PROTOCOL when the shares contradict each other beyond what may be corrected,
 * QV_E_INVALID for arguments.
 *
 * What holds, with w wrong shares and c = `correct`:
 * - w <= c: the right secret, and exactly the wrong shares are marked.
 * - c < w <= m - t - c: always an error. With c = 0 any w <= m - t is found.
 * - w > m - t - c: no decoder can promise anything. Shares damaged independently of each other are an error all the same,
 *   but for a probability that falls with every byte of the secret; but m - t - c + 1 or more shares that were forged
 *   together, which takes no knowledge of the secret, can yield another secret and blame right shares. Who must exclude
 *   that has the ends confirm to each other that they hold the same secret.
 */
int qv_shamir_rebuild_robust(unsigned t, const uint8_t *x, const uint8_t *const *shares, unsigned m, size_t size,
			     unsigned correct, uint8_t *secret, bool *wrong, struct qv_error *err);

/* As qv_shamir_split; shares[n] are new secrets, each of which the caller frees. On an error all are NULL. */
int qv_shamir_split_secret(struct qv_generator *generator, const struct qv_secret *secret, unsigned t, const uint8_t *x,
			   unsigned n, struct qv_secret **shares, struct qv_error *err);

/*
 * As qv_shamir_rebuild_robust, from shares in secrets; `*wrong_count` (or NULL) is how many were wrong. Shares of
 * different sizes are QV_E_INVALID. The caller frees the result. NULL with err.
 */
struct qv_secret *qv_shamir_rebuild_secret(unsigned t, const uint8_t *x, const struct qv_secret *const *shares,
					   unsigned m, unsigned correct, bool *wrong, unsigned *wrong_count,
					   struct qv_error *err);

/*
 * What share redistribution (Desmedt and Jajodia, 1997) is built of: the holders of t shares of f split each of them
 * again, and a successor folds the sub-shares made for it, with the weights at 0 of the holders' points, into its share
 * of a new polynomial with the same secret.
 */

/*
 * Lagrange weights: f(at) = sum of weights[i] * f(x[i]) for every f of degree below t. at = 0 gives the secret, another
 * gives the share of that point. QV_E_INVALID (t not 1 to 255, a point that is 0 or twice there).
 */
int qv_shamir_weights(const uint8_t *x, unsigned t, uint8_t at, uint8_t *weights, struct qv_error *err);

/* out = sum of weights[i] * strings[i], byte by byte, of `count` strings of `size` bytes. Weights are public. */
void qv_shamir_fold(const uint8_t *weights, const uint8_t *const *strings, unsigned count, size_t size, uint8_t *out);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
