/* SPDX-License-Identifier: Apache-2.0 */
/* The sources or sinks that a medium may be switched to during a call: the usual one, "default", and those with names. */
#ifndef VISIO_NAMED_ROLES_H
#define VISIO_NAMED_ROLES_H

#include <qvisio/loader.h>

#define NAMED_MAX 16

struct named_role {
	struct qv_options *options; /* its name */
	struct qv_role role;
};

struct named_roles {
	struct qv_role *usual; /* class NULL: there is none, and so nothing to switch */
	struct named_role list[NAMED_MAX];
	size_t count;
};

/* Reads the list `word`s of the group `outer`, each a group `word` of modules of `kind`, and a name. `usual` is set. */
int named_roles_load(struct qv_loader *loader, const struct qv_section *outer, const char *word, const char *kind,
		     struct named_roles *named, struct qv_error *err);
void named_roles_free(struct named_roles *named);

size_t named_roles_count(const struct named_roles *named);
const struct qv_role *named_roles_get(const struct named_roles *named, size_t index);
const char *named_roles_name(const struct named_roles *named, size_t index);

/* NULL: `known` gets the names that there are. */
const struct qv_role *named_roles_find(const struct named_roles *named, const char *name, char *known, size_t room);

#endif
