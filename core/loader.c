/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/loader.h>

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module_check.h"
#include "module_path.h"

struct loaded_file {
	struct loaded_file *next;
	struct qv_loaded view;
	char *path;
	void *handle;
	struct qv_class **classes;
};

struct qv_loader {
	pthread_mutex_t lock;
	const struct qv_log *log;
	char **path;
	struct loaded_file *files;
};

struct qv_loader *qv_loader_new(const struct qv_options *top, const struct qv_log *log, struct qv_error *err)
{
	struct qv_loader *loader = calloc(1, sizeof *loader);
	if (!loader) {
		qv_fail(err, QV_E_NOMEM, "no memory for the module loader");
		return NULL;
	}
	loader->log = log;
	loader->path = qv_module_path_new(top, err);
	if (!loader->path) {
		free(loader);
		return NULL;
	}
	pthread_mutex_init(&loader->lock, NULL);
	return loader;
}

static void file_free(struct loaded_file *file)
{
	qv_module_classes_free(file->classes);
	if (file->handle)
		dlclose(file->handle);
	free(file->path);
	free(file);
}

void qv_loader_free(struct qv_loader *loader)
{
	if (!loader)
		return;
	while (loader->files) {
		struct loaded_file *file = loader->files;
		loader->files = file->next;
		file_free(file);
	}
	qv_module_path_free(loader->path);
	pthread_mutex_destroy(&loader->lock);
	free(loader);
}

const char *const *qv_loader_path(const struct qv_loader *loader)
{
	return (const char *const *)loader->path;
}

static int load_file(struct loaded_file *file, const char *path, const struct qv_log *log, struct qv_error *err)
{
	if (qv_module_path_safe(path, err) != 0)
		return -1;
	file->path = realpath(path, NULL);
	if (!file->path)
		return qv_fail(err, QV_E_NOMEM, "%s: no memory to load it", path);
	/* The path may be a link: where it leads must be as safe. */
	if (strcmp(file->path, path) != 0 && qv_module_path_safe(file->path, err) != 0)
		return -1;
	file->handle = dlopen(file->path, RTLD_NOW | RTLD_LOCAL);
	if (!file->handle)
		return qv_fail(err, QV_E_MODULE, "%s: cannot be loaded: %s", path, dlerror());
	const struct qv_module *module = dlsym(file->handle, "qv_module");
	if (!module)
		return qv_fail(err, QV_E_MODULE, "%s: no Qvisio module: it exports no symbol qv_module", path);
	file->classes = qv_module_classes(module, path, err);
	if (!file->classes)
		return -1;
	file->view.path = file->path;
	file->view.module = module;
	file->view.classes = (const struct qv_class *const *)file->classes;
	qv_log_debug(log, "loaded %s, version %s", file->path, module->version);
	return 0;
}

static struct loaded_file *find_loaded(const struct qv_loader *loader, const char *path)
{
	char *real = realpath(path, NULL);
	struct loaded_file *file = real ? loader->files : NULL;
	while (file && strcmp(file->path, real) != 0)
		file = file->next;
	free(real);
	return file;
}

static const struct qv_loaded *open_file_locked(struct qv_loader *loader, const char *path, struct qv_error *err)
{
	struct loaded_file *file = find_loaded(loader, path);
	if (file)
		return &file->view;
	file = calloc(1, sizeof *file);
	if (!file) {
		qv_fail(err, QV_E_NOMEM, "%s: no memory to load it", path);
		return NULL;
	}
	if (load_file(file, path, loader->log, err) != 0) {
		file_free(file);
		return NULL;
	}
	file->next = loader->files;
	loader->files = file;
	return &file->view;
}

const struct qv_loaded *qv_loader_open_file(struct qv_loader *loader, const char *path, struct qv_error *err)
{
	pthread_mutex_lock(&loader->lock);
	const struct qv_loaded *loaded = open_file_locked(loader, path, err);
	pthread_mutex_unlock(&loader->lock);
	return loaded;
}

static bool holds(const struct qv_loaded *loaded, const struct qv_class *class)
{
	size_t i = 0;
	while (loaded->classes[i] && loaded->classes[i] != class)
		i++;
	return loaded->classes[i] != NULL;
}

const struct qv_loaded *qv_loader_owner(struct qv_loader *loader, const struct qv_class *class)
{
	pthread_mutex_lock(&loader->lock);
	const struct loaded_file *file = loader->files;
	while (file && !holds(&file->view, class))
		file = file->next;
	pthread_mutex_unlock(&loader->lock);
	return file ? &file->view : NULL;
}

/* Names become parts of file names, so they must not hold slashes or dots. */
static bool is_plain_name(const char *name)
{
	return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

/* The first file of that name on the path; NULL with err that says where it was looked for. */
static char *find_file(const struct qv_loader *loader, const char *kind, const char *name, struct qv_error *err)
{
	char searched[512] = "";
	for (size_t i = 0; loader->path[i]; i++) {
		char *path;
		if (asprintf(&path, "%s/%s-%s.so", loader->path[i], kind, name) < 0) {
			qv_fail(err, QV_E_NOMEM, "no memory for a module path");
			return NULL;
		}
		if (access(path, F_OK) == 0)
			return path;
		free(path);
		size_t used = strlen(searched);
		snprintf(searched + used, sizeof searched - used, "%s%s", used ? ", " : "", loader->path[i]);
	}
	qv_fail(err, QV_E_MODULE,
		"no %s module \"%s\": there is no %s-%s.so in %s; `qvisio-module list` shows what there is, "
		"QVISIO_MODULE_PATH or module_path say where else to look",
		kind, name, kind, name, searched);
	return NULL;
}

static const struct qv_class *class_in(const struct qv_loaded *loaded, const char *kind, const char *name,
				       struct qv_error *err)
{
	for (size_t i = 0; loaded->classes[i]; i++)
		if (strcmp(loaded->classes[i]->kind, kind) == 0 && strcmp(loaded->classes[i]->name, name) == 0)
			return loaded->classes[i];
	qv_fail(err, QV_E_MODULE, "%s: it holds no %s class named \"%s\"", loaded->path, kind, name);
	return NULL;
}

const struct qv_class *qv_loader_get(struct qv_loader *loader, const char *kind, const char *name, struct qv_error *err)
{
	if (!is_plain_name(kind) || !is_plain_name(name)) {
		qv_fail(err, QV_E_MODULE, "\"%s\" is no module name: only a-z, 0-9, '_' and '-' occur in one", name);
		return NULL;
	}
	char *path = find_file(loader, kind, name, err);
	if (!path)
		return NULL;
	const struct qv_loaded *loaded = qv_loader_open_file(loader, path, err);
	free(path);
	return loaded ? class_in(loaded, kind, name, err) : NULL;
}

static int is_module_file(const struct dirent *file)
{
	size_t length = strlen(file->d_name);
	if (length < 5 || strcmp(file->d_name + length - 3, ".so") != 0)
		return 0;
	for (const struct qv_kind *kind = qv_kinds; kind->name; kind++) {
		size_t prefix = strlen(kind->name);
		if (strncmp(file->d_name, kind->name, prefix) == 0 && file->d_name[prefix] == '-')
			return 1;
	}
	return 0;
}

/* Whether an earlier folder of the path hides this file. */
static bool is_hidden(const struct qv_loader *loader, size_t folder, const char *file)
{
	for (size_t i = 0; i < folder; i++) {
		char *path;
		if (asprintf(&path, "%s/%s", loader->path[i], file) < 0)
			return false;
		bool exists = access(path, F_OK) == 0;
		free(path);
		if (exists)
			return true;
	}
	return false;
}

static int visit_file(struct qv_loader *loader, size_t folder, const char *name, struct qv_loader_visit *visit,
		      struct qv_error *err)
{
	char *path;
	if (is_hidden(loader, folder, name))
		return 0;
	if (asprintf(&path, "%s/%s", loader->path[folder], name) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for a module path");
	struct qv_error why = QV_ERROR_INIT;
	const struct qv_loaded *loaded = qv_loader_open_file(loader, path, &why);
	int stop = visit->found(visit, path, loaded, loaded ? NULL : &why);
	free(path);
	return stop;
}

int qv_loader_walk(struct qv_loader *loader, struct qv_loader_visit *visit, struct qv_error *err)
{
	int stop = 0;
	for (size_t i = 0; loader->path[i] && !stop; i++) {
		struct dirent **files;
		int count = scandir(loader->path[i], &files, is_module_file, alphasort);
		for (int j = 0; j < count; j++) {
			if (!stop)
				stop = visit_file(loader, i, files[j]->d_name, visit, err);
			free(files[j]);
		}
		if (count >= 0)
			free(files);
	}
	return stop < 0 ? -1 : 0;
}
