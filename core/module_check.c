/* SPDX-License-Identifier: Apache-2.0 */
#include "module_check.h"

#include <stdlib.h>
#include <string.h>

#define CLASSES_MAX 64

static int check_descriptor(const struct qv_module *module, const char *path, struct qv_error *err)
{
	if (module->abi_major != QV_MODULE_ABI_MAJOR)
		return qv_fail(err, QV_E_MODULE,
			       "%s: made for module ABI %u, this Qvisio has %u; rebuild the module against its headers",
			       path, module->abi_major, QV_MODULE_ABI_MAJOR);
	if (module->size < sizeof *module || !module->version || !module->license || !module->classes)
		return qv_fail(err, QV_E_MODULE, "%s: its descriptor is incomplete (size, version, license, classes)",
			       path);
	return 0;
}

static bool has_callback(const struct qv_class *class, size_t offset)
{
	const void *callback;
	memcpy(&callback, (const char *)class + offset, sizeof callback);
	return callback != NULL;
}

static int check_class(const struct qv_class *class, const struct qv_kind *kind, const char *path, struct qv_error *err)
{
	if (class->abi_major != kind->abi_major)
		return qv_fail(err, QV_E_MODULE,
			       "%s: class \"%s\" was made for %s ABI %u, this Qvisio has %u; rebuild the module", path,
			       class->name, kind->name, class->abi_major, kind->abi_major);
	if (class->options && class->option_size < offsetof(struct qv_option, help) + sizeof(char *))
		return qv_fail(err, QV_E_MODULE, "%s: class \"%s\": option_size is not sizeof (struct qv_option)", path,
			       class->name);
	return 0;
}

static struct qv_class *copy_class(const struct qv_class *class, const char *path, struct qv_error *err)
{
	if (class->size < sizeof *class || !class->kind || !class->name || !class->summary) {
		qv_fail(err, QV_E_MODULE, "%s: a class lacks its kind, name, summary or size", path);
		return NULL;
	}
	const struct qv_kind *kind = qv_kind_find(class->kind);
	if (!kind) {
		qv_fail(err, QV_E_MODULE, "%s: class \"%s\" is of kind \"%s\", which this Qvisio does not know", path,
			class->name, class->kind);
		return NULL;
	}
	if (check_class(class, kind, path, err) != 0)
		return NULL;
	struct qv_class *copy = calloc(1, kind->size);
	if (!copy) {
		qv_fail(err, QV_E_NOMEM, "%s: no memory for its classes", path);
		return NULL;
	}
	memcpy(copy, class, class->size < kind->size ? class->size : kind->size);
	for (const size_t *offset = kind->required; *offset; offset++)
		if (!has_callback(copy, *offset)) {
			qv_fail(err, QV_E_MODULE, "%s: class \"%s\" lacks a required callback of kind %s (offset %zu)",
				path, class->name, kind->name, *offset);
			free(copy);
			return NULL;
		}
	return copy;
}

struct qv_class **qv_module_classes(const struct qv_module *module, const char *path, struct qv_error *err)
{
	if (check_descriptor(module, path, err) != 0)
		return NULL;
	size_t count = 0;
	while (count < CLASSES_MAX && module->classes[count])
		count++;
	if (count == 0 || count == CLASSES_MAX) {
		qv_fail(err, QV_E_MODULE, "%s: it lists %s classes", path, count ? "too many" : "no");
		return NULL;
	}
	struct qv_class **classes = calloc(count + 1, sizeof *classes);
	if (!classes) {
		qv_fail(err, QV_E_NOMEM, "%s: no memory for its classes", path);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		classes[i] = copy_class(module->classes[i], path, err);
		if (!classes[i]) {
			qv_module_classes_free(classes);
			return NULL;
		}
	}
	return classes;
}

void qv_module_classes_free(struct qv_class **classes)
{
	for (size_t i = 0; classes && classes[i]; i++)
		free(classes[i]);
	free(classes);
}
