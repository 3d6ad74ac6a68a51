/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of EBML (RFC 8794) put into memory one after another. Running out of memory is noted and told once. */
#ifndef RECORDER_EBML_H
#define RECORDER_EBML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ebml {
	uint8_t *data;
	size_t size, room;
	bool failed; /* no memory: what follows is left out */
};

/* Of an element that is open-ended: the size that says so (RFC 8794, section 6.2), in eight bytes. */
#define EBML_UNKNOWN UINT64_C(0x00ffffffffffffff)

void ebml_free(struct ebml *ebml);
void ebml_raw(struct ebml *ebml, const void *bytes, size_t size);
void ebml_id(struct ebml *ebml, uint32_t id);
/* A size in eight bytes, whatever it is, so that it can be overwritten. */
void ebml_size8(struct ebml *ebml, uint64_t size);
/* In as few bytes as it needs. */
void ebml_size(struct ebml *ebml, uint64_t size);

void ebml_uint(struct ebml *ebml, uint32_t id, uint64_t value);
void ebml_int8(struct ebml *ebml, uint32_t id, int64_t value); /* in eight bytes */
void ebml_float(struct ebml *ebml, uint32_t id, double value); /* in eight bytes */
void ebml_string(struct ebml *ebml, uint32_t id, const char *text);
void ebml_binary(struct ebml *ebml, uint32_t id, const void *bytes, size_t size);
/* `total` bytes that say nothing, 2…100, or 0: none. */
void ebml_void(struct ebml *ebml, size_t total);

/* A master element: what is put between begin and end is inside. */
size_t ebml_begin(struct ebml *ebml, uint32_t id);
void ebml_end(struct ebml *ebml, size_t begun);

#endif
