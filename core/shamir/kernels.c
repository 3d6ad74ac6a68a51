/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

#include <pthread.h>
#include <stdbool.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define KERNELS_MAX 8

static const struct qv_shamir_kernel *kernels[KERNELS_MAX];
_Atomic(const struct qv_shamir_kernel *) qv_shamir_chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_kernels(void)
{
	unsigned count = 0;
#if defined(__x86_64__)
	__builtin_cpu_init();
	bool avx2 = __builtin_cpu_supports("avx2"), gfni = __builtin_cpu_supports("gfni");
	if (avx2 && gfni && __builtin_cpu_supports("avx512bw"))
		kernels[count++] = &qv_shamir_gfni512;
	if (avx2 && gfni)
		kernels[count++] = &qv_shamir_gfni;
	if (avx2)
		kernels[count++] = &qv_shamir_avx2;
#elif defined(__aarch64__)
	if (getauxval(AT_HWCAP) & HWCAP_ASIMD)
		kernels[count++] = &qv_shamir_neon;
#endif
	kernels[count++] = &qv_shamir_portable;
	atomic_store_explicit(&qv_shamir_chosen, kernels[0], memory_order_release);
}

const struct qv_shamir_kernel *const *qv_shamir_kernels(void)
{
	pthread_once(&once, find_kernels);
	return kernels;
}

void qv_shamir_kernel_use(const struct qv_shamir_kernel *kernel)
{
	pthread_once(&once, find_kernels);
	atomic_store_explicit(&qv_shamir_chosen, kernel ? kernel : kernels[0], memory_order_release);
}
