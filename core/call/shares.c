/* SPDX-License-Identifier: Apache-2.0 */
#include "shares.h"

#define HEADERS        90    /* bytes of a packet beside its payload: IP, UDP, RTP with extensions, tag and MKI */
#define PAYLOAD        1000  /* bytes of a packet of pictures, about */
#define SOUND_LEAST    8000  /* bit/s at which words are understood */
#define SOUND_SHARE    3     /* one of so many parts is for sound, where there are pictures too */
#define PICTURES_LEAST 30000 /* bit/s */
#define FULL_BITS      0.02  /* of a pixel: below, every second frame is left out; below half of it, three of four */

static int64_t within(int64_t value, int64_t least, int64_t most)
{
	return value > most ? most : value < least ? least : value;
}

struct shares shares_of(int64_t path, const struct share_wish *sound, const struct share_wish *pictures)
{
	struct shares shares = { 0 };
	int64_t left = path;
	if (sound->present) {
		int64_t headers = (int64_t)sound->packets * HEADERS * 8, part = sound->most;
		if (sound->adaptive) {
			int64_t fair = pictures->present ? path / SOUND_SHARE : path;
			shares.sound = part = within(fair - headers, SOUND_LEAST, sound->most);
		}
		left -= part + headers;
	}
	shares.room = left > 0 ? left * PAYLOAD / (PAYLOAD + HEADERS) : 0;
	if (pictures->present && pictures->adaptive)
		shares.pictures = within(shares.room, PICTURES_LEAST, pictures->most);
	return shares;
}

unsigned shares_frame_step(int64_t bitrate, int width, int height, double fps)
{
	double pixels = (double)width * height * (fps > 0 ? fps : 30);
	if (bitrate <= 0 || (double)bitrate >= FULL_BITS * pixels)
		return 1;
	return (double)bitrate >= FULL_BITS / 2 * pixels ? 2 : 4;
}
