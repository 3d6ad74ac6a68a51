/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

#include <pthread.h>

#define KERNELS_MAX 8

static const struct qv_shamir_kernel *kernels[KERNELS_MAX];
static const struct qv_shamir_kernel *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_kernels(void)
{
	unsigned count = 0;
	kernels[count++] = &qv_shamir_portable;
	chosen = kernels[0];
}

const struct qv_shamir_kernel *const *qv_shamir_kernels(void)
{
	pthread_once(&once, find_kernels);
	return kernels;
}

const struct qv_shamir_kernel *qv_shamir_kernel(void)
{
	pthread_once(&once, find_kernels);
	return chosen;
}

void qv_shamir_kernel_use(const struct qv_shamir_kernel *kernel)
{
	pthread_once(&once, find_kernels);
	chosen = kernel ? kernel : kernels[0];
}
