/* SPDX-License-Identifier: Apache-2.0 */
/* The tables and functions in the database, and the version that says which of them it has. */
#ifndef KEYSTORE_POSTGRES_SCHEMA_H
#define KEYSTORE_POSTGRES_SCHEMA_H

#define SCHEMA_VERSION 2

/* What leads from version i to i + 1; version 0 is an empty schema. */
extern const char *const schema_steps[SCHEMA_VERSION];

/* The functions of the last version, replaced after each change of it. */
extern const char schema_functions[];

#endif
