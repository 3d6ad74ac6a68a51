/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size in which pictures are sent: that of the camera, or a part of it where the rate is too low for all its pixels.
 * It gets smaller soon and larger late, as each change costs a key picture. Reads no clock.
 */
#ifndef QV_CALL_PICTURE_SIZE_H
#define QV_CALL_PICTURE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct picture_size {
	int width, height;   /* of the camera */
	double pixels;       /* of it, a second */
	double least;        /* bits that a pixel should get */
	unsigned steps;      /* of the ladder, of which no picture is too small; 1: the size is fixed */
	unsigned step;       /* 0: the camera's own size */
	bool begun;          /* a rate was known */
	int64_t poor_ns;     /* since when the rate is too low; -1: it is not */
	int64_t rich_ns;     /* since when it is enough for a larger size; -1: it is not */
	int64_t raised_ns;   /* when it became larger; -1: not since it got smaller */
	int64_t patience_ns; /* for which it has to be enough */
};

/* Frames of that size, `fps` a second (0 or less: not known), for a codec by its name in the session. */
void picture_size_begin(struct picture_size *size, int width, int height, double fps, const char *codec);

/* `bitrate`: for pictures, in bit/s; 0: not known, or enough. True: the size is another from now on. */
bool picture_size_follow(struct picture_size *size, int64_t bitrate, int64_t now);

/* The size now: sides are even but for the camera's own. */
void picture_size_get(const struct picture_size *size, int *width, int *height);

#endif
