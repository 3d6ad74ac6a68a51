/* SPDX-License-Identifier: Apache-2.0 */
/* How the rate that a path carries is shared: sound first, pictures get what is left. */
#ifndef QV_CALL_SHARES_H
#define QV_CALL_SHARES_H

#include <stdbool.h>
#include <stdint.h>

/* Of a medium, in bit/s. */
struct share_wish {
	bool present, adaptive;
	int64_t most; /* of its encoder; not adaptive: what it takes */
	int packets;  /* a second, whose headers count too; 0: they follow from the rate */
};

struct shares {
	int64_t sound, pictures; /* for the encoders; 0: as they are */
	int64_t room;            /* that is left for pictures, whatever their encoder gives at most */
};

struct shares shares_of(int64_t path, const struct share_wish *sound, const struct share_wish *pictures);

/* Every how manieth frame is worth sending, so that each is more than a smear: 1, 2 or 4. */
unsigned shares_frame_step(int64_t bitrate, int width, int height, double fps);

#endif
