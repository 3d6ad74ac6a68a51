/* SPDX-License-Identifier: Apache-2.0 */
/* One real end of a call, and a peer made of bytes. */
#ifndef TESTS_CALL_BYTE_PEER_H
#define TESTS_CALL_BYTE_PEER_H

#include "parts.h"

extern struct end tested;
extern int peer; /* the other end of its socket, blocking */

/* Before and after each test. */
int peer_setup(void **state);
int peer_teardown(void **state);
/* Sends a record. */
void put(uint8_t type, uint8_t flags, uint16_t stream, const void *payload, size_t size);
/* Reads the next record; false at the end of the stream. */
bool get(struct qv_record *record);
/* Reads on to the next record of a type. */
bool get_type(uint8_t type, struct qv_record *record);
struct qv_reason get_bye(void);
void put_accept(size_t accepts, uint16_t first, uint16_t second);
void put_welcome(size_t accepts);
void put_hello(uint16_t major, const char *video_codec);
void put_bye(void);
void put_picture(uint64_t sequence);
void begin_receiving(void);

#endif
