/* SPDX-License-Identifier: Apache-2.0 */
/* What unit tests of media modules share. Include cmocka.h and its headers first. Failures end the test. */
#ifndef TESTS_HARNESS_MEDIA_TEST_H
#define TESTS_HARNESS_MEDIA_TEST_H

#include <qvisio/loader.h>
#include <qvisio/media.h>

/* A host without log and cancel descriptor. */
extern const struct qv_host media_host;

/* One loader for the whole program. */
const struct qv_class *media_class(const char *kind, const char *name);

/* Checked options of a class; `assignments` is ended by NULL. */
struct qv_options *media_options(const struct qv_class *class, const char *const *assignments);

/* A picture with gradients, edges and some noise that depends on `seed`. */
struct qv_picture *media_pattern(enum qv_pixel pixel, int width, int height, unsigned seed);

/* dB over all planes of two frames of one format; 99 where they are equal. */
double media_psnr(const struct qv_frame *a, const struct qv_frame *b);

/* A new folder, removed with all in it by media_folder_remove. */
char *media_folder(void);
void media_folder_remove(char *folder);

/* Runs a shell command made from the format, output into the test's log; its exit status. */
int media_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A whole file, with a zero byte behind it; NULL if it cannot be read. The caller frees it. */
uint8_t *media_read_file(const char *path, size_t *size);
void media_write_file(const char *path, const void *bytes, size_t size);

/* A view of raw planes that follow each other without gaps, as ffmpeg's rawvideo writes them. */
struct qv_frame media_raw_frame(const uint8_t *bytes, size_t size, enum qv_pixel pixel, int width, int height);

#endif
