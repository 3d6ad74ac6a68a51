/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels: the two loops of secret sharing over GF(2^8), 0x11B, once for each kind of processor. All give the same
 * bytes; none branches on, or indexes by, anything but points, weights and sizes.
 */
#ifndef SHAMIR_KERNEL_H
#define SHAMIR_KERNEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct qv_shamir_kernel {
	const char *name;
	/*
	 * shares[i][offset + j] = secret[offset + j] + sum of x[i]^(k+1) * rows[k * size + j], for j < size, k < t - 1
	 * and i < n. t >= 2, size >= 1.
	 */
	void (*evaluate)(const uint8_t *secret, size_t offset, size_t size, const uint8_t *rows, unsigned t,
			 const uint8_t *x, unsigned n, uint8_t *const *shares);
	/* out[j] = sum of weights[i] * in[i][offset + j], for j < size and i < count. */
	void (*fold)(const uint8_t *weights, const uint8_t *const *in, unsigned count, size_t offset, size_t size,
		     uint8_t *out);
};

/* The kernels that this processor can run, best first, ended by NULL. The last is always the portable one. */
const struct qv_shamir_kernel *const *qv_shamir_kernels(void);

extern _Atomic(const struct qv_shamir_kernel *) qv_shamir_chosen; /* NULL: not found yet */

/* The one in use: the best, unless a test chose another. */
static inline const struct qv_shamir_kernel *qv_shamir_kernel(void)
{
	const struct qv_shamir_kernel *chosen = atomic_load_explicit(&qv_shamir_chosen, memory_order_acquire);
	return chosen ? chosen : qv_shamir_kernels()[0];
}

/* For tests and measurements, before other threads share secrets. NULL: the best again. */
void qv_shamir_kernel_use(const struct qv_shamir_kernel *kernel);

extern const struct qv_shamir_kernel qv_shamir_portable;
#if defined(__x86_64__)
extern const struct qv_shamir_kernel qv_shamir_avx2;
extern const struct qv_shamir_kernel qv_shamir_gfni;
extern const struct qv_shamir_kernel qv_shamir_gfni512;
#elif defined(__aarch64__)
extern const struct qv_shamir_kernel qv_shamir_neon;
#endif

#endif
