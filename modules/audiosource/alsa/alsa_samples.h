/* SPDX-License-Identifier: Apache-2.0 */
/* The sample formats of ALSA devices that are converted from and to 16-bit samples. Safe on any thread. */
#ifndef ALSA_SAMPLES_H
#define ALSA_SAMPLES_H

#include <alsa/asoundlib.h>
#include <stddef.h>
#include <stdint.h>

struct alsa_samples {
	snd_pcm_format_t format;
	size_t bytes; /* of one sample */
	void (*pack)(const int16_t *from, uint8_t *to,
		     size_t count); /* NULL: they are 16-bit samples of this machine */
	void (*unpack)(const uint8_t *from, int16_t *to, size_t count); /* rounded, and held within 16 bits */
};

/* The one to be preferred at `rank`, 0 the first; NULL after the last. */
const struct alsa_samples *alsa_samples_ranked(size_t rank);

#endif
