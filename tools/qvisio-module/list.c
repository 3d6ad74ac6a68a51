/* SPDX-License-Identifier: Apache-2.0 */
/* qvisio-module list */
#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct listing {
	struct qv_loader_visit visit; /* first, so that the walk's pointer is this struct's */
	enum show_form form;
	size_t shown;
	FILE *unloadable; /* told after the table */
};

/* A file can hold several classes; it is listed for the one that its name promises. */
static const struct qv_class *class_named(const struct qv_loaded *loaded, const char *path)
{
	const char *file = strrchr(path, '/');
	file = file ? file + 1 : path;
	for (size_t i = 0; loaded->classes[i]; i++) {
		const struct qv_class *class = loaded->classes[i];
		char name[256];
		snprintf(name, sizeof name, "%s-%s.so", class->kind, class->name);
		if (strcmp(name, file) == 0)
			return class;
	}
	return NULL;
}

static void separate(struct listing *listing)
{
	if (listing->form == SHOW_JSON)
		puts(listing->shown ? "," : "");
	listing->shown++;
}

static void list_class(struct listing *listing, const struct found *found)
{
	const struct qv_class *class = found->class;
	if (listing->form == SHOW_TEXT && listing->shown == 0)
		printf("%-11s  %-12s  %-8s  %s\n", "KIND", "NAME", "VERSION", "SUMMARY");
	separate(listing);
	if (listing->form == SHOW_JSON)
		show_json(stdout, found);
	else
		printf("%-11s  %-12s  %-8s  %s\n", class->kind, class->name, found->loaded->module->version,
		       class->summary);
}

static void list_unloadable(struct listing *listing, const char *path, const char *why)
{
	if (listing->form == SHOW_TEXT) {
		fprintf(listing->unloadable, "%s\n", why);
		return;
	}
	separate(listing);
	fputs("{\"path\": ", stdout);
	json_string(stdout, path);
	fputs(", \"error\": ", stdout);
	json_string(stdout, why);
	fputs("}", stdout);
}

static int list_file(struct qv_loader_visit *visit, const char *path, const struct qv_loaded *loaded,
		     const struct qv_error *why)
{
	struct listing *listing = (struct listing *)(void *)visit;
	struct found found = { loaded, loaded ? class_named(loaded, path) : NULL };
	if (found.class) {
		list_class(listing, &found);
	} else if (loaded) {
		char message[512];
		snprintf(message, sizeof message, "%s: it holds no class of the kind and name that its file name says",
			 path);
		list_unloadable(listing, path, message);
	} else {
		list_unloadable(listing, path, why->message);
	}
	return 0;
}

static void end_text(struct qv_loader *loader, const struct listing *listing, const char *unloadable)
{
	if (listing->shown == 0 && !unloadable[0]) {
		fputs("No module was found in", stdout);
		for (size_t i = 0; qv_loader_path(loader)[i]; i++)
			printf("%s %s", i ? "," : "", qv_loader_path(loader)[i]);
		puts(".");
	}
	if (unloadable[0])
		printf("%sThese cannot be used:\n%s", listing->shown ? "\n" : "", unloadable);
}

int command_list(struct qv_loader *loader, enum show_form form)
{
	char *unloadable = NULL;
	size_t size = 0;
	struct listing listing = { .visit = { list_file }, .form = form };
	listing.unloadable = open_memstream(&unloadable, &size);
	if (!listing.unloadable) {
		fputs("qvisio-module: no memory\n", stderr);
		return STATUS_MODULE;
	}
	if (form == SHOW_JSON)
		fputs("[", stdout);
	struct qv_error err = QV_ERROR_INIT;
	int walked = qv_loader_walk(loader, &listing.visit, &err);
	fclose(listing.unloadable);
	if (form == SHOW_JSON)
		puts("\n]");
	else
		end_text(loader, &listing, unloadable);
	free(unloadable);
	if (walked == 0)
		return STATUS_OK;
	fprintf(stderr, "qvisio-module: %s\n", err.message);
	return STATUS_MODULE;
}
