/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module loader, for programs (hosts). Search order: QVISIO_MODULE_PATH (not when set-uid), `module_path` of the
 * configuration, the built-in folder. Files or folders that others than root and the user can write are refused.
 * One loader may be used by several threads; loaded modules stay until qv_loader_free.
 */
#ifndef QVISIO_LOADER_H
#define QVISIO_LOADER_H

#include <stdbool.h>

#include <qvisio/config.h>
#include <qvisio/error.h>
#include <qvisio/log.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct qv_loader;

/* What the core knows about a kind: its current ABI and where its required callbacks lie in the class struct. */
struct qv_kind {
	const char *name;
	const char *summary;
	uint16_t abi_major, abi_minor;
	uint32_t size;          /* sizeof the current class struct */
	const size_t *required; /* offsets of callbacks that must not be NULL, ended by 0 */
};

/* All kinds, ended by a NULL name. */
extern const struct qv_kind qv_kinds[];
const struct qv_kind *qv_kind_find(const char *name); /* NULL if there is none */

/*
 * `top` holds the checked top settings of the configuration, among them `module_path` (QV_OPTION_STRINGS), and is
 * borrowed during the call; NULL: none. `log` is borrowed until qv_loader_free and may be NULL.
 */
struct qv_loader *qv_loader_new(const struct qv_options *top, const struct qv_log *log, struct qv_error *err);
void qv_loader_free(struct qv_loader *loader);

/* The folders searched, in order, ended by NULL. Owned by the loader. */
const char *const *qv_loader_path(const struct qv_loader *loader);

/*
 * Finds and loads `<kind>-<name>.so`. The class is a full-size copy, zero where the module is older than the core;
 * it can be used as the kind's class struct (the qv_<kind>_load functions do this with the right type).
 * QV_E_MODULE: not found (says where it looked), library missing (says which), wrong ABI, unsafe permissions.
 */
const struct qv_class *qv_loader_get(struct qv_loader *loader, const char *kind, const char *name,
				     struct qv_error *err);

/* Loads a module file by path; returns its descriptor and NULL-ended class copies. For `qvisio-module check`. */
struct qv_loaded {
	const char *path;
	const struct qv_module *module;
	const struct qv_class *const *classes; /* full-size copies */
};
const struct qv_loaded *qv_loader_open_file(struct qv_loader *loader, const char *path, struct qv_error *err);

/* The file that a class of this loader came from; NULL if the class is not of this loader. */
const struct qv_loaded *qv_loader_owner(struct qv_loader *loader, const struct qv_class *class);

/*
 * A role of a configuration (`video.source`), resolved: the class that `module` names and its checked options. A program
 * may also make one itself, of a class of its own, for a device that is not a module's: `object` then says which one it
 * is, and whoever opens the role hands it to `open` in qv_host.object.
 */
struct qv_role {
	const struct qv_class *class; /* owned by the loader, or by the program that made the role */
	struct qv_options *options;   /* owned; free with qv_role_free */
	void *object;                 /* borrowed; NULL: the class is a module's */
};

/*
 * Resolves a role. `section` may be NULL (absent from the file): then `fallback` names the module, and with a NULL
 * fallback the result is QV_E_CONFIG. `kind` is the kind that the role takes.
 */
int qv_role_load(struct qv_loader *loader, const struct qv_section *section, const char *kind, const char *fallback,
		 struct qv_role *role, struct qv_error *err);
void qv_role_free(struct qv_role *role);

/* Calls `visit` for each module file on the path (first of a name wins), loaded or not (then `why` says why not). */
struct qv_loader_visit {
	int (*found)(struct qv_loader_visit *visit, const char *path, const struct qv_loaded *loaded,
		     const struct qv_error *why); /* non-zero ends the walk */
};
int qv_loader_walk(struct qv_loader *loader, struct qv_loader_visit *visit, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
