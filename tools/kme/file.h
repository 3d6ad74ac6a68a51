/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KME_FILE_H
#define KME_FILE_H

#include <qvisio/error.h>

#define FILE_TEXT_MAX (256 * 1024)

/* The text of a file that is no secret, such as certificates; owned by the caller. */
char *file_text(const char *path, struct qv_error *err);

#endif
