/* SPDX-License-Identifier: Apache-2.0 */
/* The text of configuration files, read and looked at before libconfig parses it. */
#ifndef CORE_CONFIG_TEXT_H
#define CORE_CONFIG_TEXT_H

#include <qvisio/error.h>

#define QV_CONFIG_SIZE_MAX (1024 * 1024)

/* The whole file as a string; give it back with qv_config_text_free. QV_E_IO, QV_E_CONFIG. */
char *qv_config_text_read(const char *path, struct qv_error *err);

/* Wipes, since there may be passwords in it. NULL is fine. */
void qv_config_text_free(char *text);

/*
 * libconfig opens included files itself, and ends the process when one cannot be read to its end, such as a folder.
 * QV_E_CONFIG for these, with the `name` of the including file and the line.
 */
int qv_config_text_check_includes(const char *text, const char *name, const char *folder, struct qv_error *err);

#endif
