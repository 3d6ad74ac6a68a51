/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer: over each file of its corpus, and over a fixed number of seeded mutations of
 * it, so that make check covers the parsers everywhere. Prints TAP.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUTATIONS 2000
#define INPUT_MAX ((size_t)256 * 1024)

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static size_t read_file(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return 0;
	size_t size = fread(bytes, 1, INPUT_MAX, file);
	fclose(file);
	return size;
}

/* A few random edits: changed bytes, a cut, a repeated piece. */
static size_t mutate(uint8_t *bytes, size_t size)
{
	for (uint64_t edits = 1 + next_random() % 4; edits > 0 && size > 0; edits--) {
		size_t at = next_random() % size;
		switch (next_random() % 5) {
		case 0:
			bytes[at] = (uint8_t)next_random();
			break;
		case 1:
			bytes[at] ^= (uint8_t)(1u << next_random() % 8);
			break;
		case 2:
			size = at;
			break;
		case 3:
			bytes[at] = next_random() & 1 ? 0xff : 0;
			break;
		default:
			if (size + (size - at) <= INPUT_MAX) {
				memmove(bytes + size, bytes + at, size - at);
				size += size - at;
			}
		}
	}
	return size;
}

/* Each input gets memory of exactly its size, so that ASan and valgrind see a read past the end. */
static void run_once(const uint8_t *bytes, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	if (!exact)
		abort();
	if (size)
		memcpy(exact, bytes, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void run_file(const char *path, uint8_t *seed, uint8_t *work)
{
	size_t size = read_file(path, seed);
	run_once(seed, size);
	for (int i = 0; i < MUTATIONS; i++) {
		memcpy(work, seed, size);
		run_once(work, mutate(work, size));
	}
}

int main(void)
{
	const char *source = getenv("QV_SOURCE");
	char folder[4096];
	snprintf(folder, sizeof folder, "%s/%s", source ? source : ".", fuzz_corpus);
	struct dirent **files;
	int count = scandir(folder, &files, NULL, alphasort);
	uint8_t *seed = malloc(INPUT_MAX), *work = malloc(INPUT_MAX);
	if (!seed || !work) {
		free(seed);
		free(work);
		return 99;
	}
	int seen = 0;
	run_once(seed, 0);
	for (int i = 0; i < count; i++) {
		char path[8192];
		snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
		if (files[i]->d_name[0] != '.') {
			run_file(path, seed, work);
			printf("ok %d - %s\n", ++seen, files[i]->d_name);
			fflush(stdout);
		}
		free(files[i]);
	}
	if (count >= 0)
		free(files);
	if (seen == 0)
		printf("not ok %d - no corpus in %s\n", ++seen, folder);
	printf("1..%d\n", seen);
	free(seed);
	free(work);
	return 0;
}
