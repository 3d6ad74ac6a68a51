/* SPDX-License-Identifier: Apache-2.0 */
/* The sources that a medium may be switched to during a call: the usual one, called "default", and those with names. */
#ifndef VISIO_SOURCES_H
#define VISIO_SOURCES_H

#include <qvisio/loader.h>

#define SOURCES_MAX 16

struct devices;

struct named_source {
	struct qv_options *options; /* its name */
	struct qv_role role;
};

/* Reads the list `sources` of the group `outer`, of modules of `kind`. */
int sources_load(struct qv_loader *loader, const struct qv_section *outer, const char *kind, struct devices *devices,
		 struct qv_error *err);
void sources_free(struct devices *devices);

size_t settings_source_count(const struct devices *devices);
const struct qv_role *settings_source(const struct devices *devices, size_t index);
const char *settings_source_name(const struct devices *devices, size_t index);

/* NULL: `known` gets the names that there are. */
const struct qv_role *settings_named_source(const struct devices *devices, const char *name, char *known, size_t room);

#endif
