/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a picture that arrived with what the test pattern painted under the number that its stamp says. */
#ifndef WITNESS_JUDGE_H
#define WITNESS_JUDGE_H

#include <stdio.h>

#include <qvisio/stamp.h>

/* Smaller pictures than those painted are compared scaled up. Sides are 0: each was painted in the size that it has. */
struct judge {
	int width, height;          /* in which pictures were painted */
	struct qv_picture *pattern; /* of the last picture's size, or that */
	struct qv_picture *scaled;  /* the last one that was; NULL: none */
	struct qv_video_format format;
};

struct judgement {
	bool stamped; /* the rest holds only then */
	struct qv_stamp stamp;
	double psnr, ssim; /* of the luma, dB and 0…1 */
	double worst;      /* PSNR of the worst of the bands that the picture is cut into, top to bottom */
};

void judge_close(struct judge *judge);
struct judgement judge_frame(struct judge *judge, const struct qv_frame *frame);

/* "SHOWN-NS NUMBER CAPTURE-NS WIDTH HEIGHT PSNR SSIM WORST"; NUMBER is -1 without a stamp. */
void judge_print(FILE *out, int64_t shown_ns, const struct qv_frame *frame, const struct judgement *judgement);

#endif
