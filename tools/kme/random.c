/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include <sodium.h>

#include <qvisio/generator.h>

void random_fill(void *bytes, size_t size)
{
	struct qv_error err = QV_ERROR_INIT;
	if (qv_generator_fill(NULL, bytes, size, &err) != 0)
		randombytes_buf(bytes, size);
}
