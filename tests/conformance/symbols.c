/* SPDX-License-Identifier: Apache-2.0 */
/* What the file's own symbol tables tell: exports, and data that can be written. */
#include "conformance.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
	const char *bytes;
	size_t size;
	const ElfW(Shdr) * sections;
	unsigned count;
};

static const void *at(const struct image *image, size_t offset, size_t size)
{
	return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
}

static void map(struct check *check, struct image *image)
{
	struct stat st;
	int fd = open(check->loaded->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		check_skip(check, "the file cannot be read");
	image->size = (size_t)st.st_size;
	image->bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (image->bytes == MAP_FAILED)
		check_skip(check, "the file cannot be mapped");
	const ElfW(Ehdr) *header = at(image, 0, sizeof *header);
	REQUIRE(check, header && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0, "the file is not ELF");
	image->count = header->e_shnum;
	image->sections = at(image, header->e_shoff, image->count * sizeof *image->sections);
	if (!image->sections || image->count == 0)
		check_skip(check, "the file has no section headers");
}

static const ElfW(Shdr) * find_table(const struct image *image, unsigned type)
{
	for (unsigned i = 0; i < image->count; i++)
		if (image->sections[i].sh_type == type && image->sections[i].sh_link < image->count)
			return &image->sections[i];
	return NULL;
}

static const char *name_of(const struct image *image, const ElfW(Shdr) * strings, size_t offset)
{
	if (offset >= strings->sh_size)
		return "";
	const char *name = at(image, strings->sh_offset + offset, strings->sh_size - offset);
	return name && memchr(name, 0, strings->sh_size - offset) ? name : "";
}

typedef void symbol_check(struct check *check, const struct image *image, const ElfW(Sym) * symbol, const char *name);

static void each_symbol(struct check *check, const struct image *image, const ElfW(Shdr) * table, symbol_check *visit)
{
	const ElfW(Sym) *symbols = at(image, table->sh_offset, table->sh_size);
	const ElfW(Shdr) *strings = &image->sections[table->sh_link];
	for (size_t i = 0; symbols && i < table->sh_size / sizeof *symbols; i++)
		visit(check, image, &symbols[i], name_of(image, strings, symbols[i].st_name));
}

/* Compilers, linkers and sanitizers have names of their own. */
static bool is_toolchains(const char *name)
{
	return name[0] == '_' || name[0] == '\0' || strncmp(name, "completed.", 10) == 0;
}

static void check_export(struct check *check, const struct image *image, const ElfW(Sym) * symbol, const char *name)
{
	(void)image;
	unsigned bind = symbol->st_info >> 4;
	bool exported = symbol->st_shndx != SHN_UNDEF && (bind == STB_GLOBAL || bind == STB_WEAK) &&
			(symbol->st_other & 3) == STV_DEFAULT;
	REQUIRE(check, !exported || is_toolchains(name) || strcmp(name, "qv_module") == 0,
		"it exports \"%s\"; build it with -fvisibility=hidden or an export list", name);
}

void check_exports(struct check *check)
{
	struct image image;
	map(check, &image);
	const ElfW(Shdr) *table = find_table(&image, SHT_DYNSYM);
	REQUIRE(check, table, "the file has no dynamic symbols");
	each_symbol(check, &image, table, check_export);
}

/* Some libraries exist once per process: what a module has to keep about that, it names library_… */
static bool is_about_library(const char *name)
{
	return strncmp(name, "library_", 8) == 0;
}

static void check_data(struct check *check, const struct image *image, const ElfW(Sym) * symbol, const char *name)
{
	unsigned type = symbol->st_info & 0xf;
	/* A thread's own scratch memory (STT_TLS) is not shared: some libraries report errors in no other way. */
	if (type != STT_OBJECT || symbol->st_size == 0 || symbol->st_shndx >= image->count || is_toolchains(name) ||
	    is_about_library(name))
		return;
	const ElfW(Shdr) *section = &image->sections[symbol->st_shndx];
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)image->bytes;
	if (!(section->sh_flags & SHF_WRITE) || header->e_shstrndx >= image->count)
		return;
	/* Constants with addresses in them lie in .data.rel.ro, which is read-only once relocated. */
	const char *place = name_of(image, &image->sections[header->e_shstrndx], section->sh_name);
	REQUIRE(check, strncmp(place, ".data.rel.ro", 12) == 0,
		"\"%s\" can be written and is shared by all instances; keep it in the instance, make it const, or call "
		"it "
		"library_… if it is about a library that exists once per process",
		name);
}

void check_writable_data(struct check *check)
{
	struct image image;
	map(check, &image);
	const ElfW(Shdr) *table = find_table(&image, SHT_SYMTAB);
	if (!table)
		check_skip(check, "the file is stripped");
	if (memmem(image.bytes, image.size, "__gcov_init", strlen("__gcov_init")))
		check_skip(check, "the file is built to measure coverage, and its counters are writable");
	each_symbol(check, &image, table, check_data);
}
