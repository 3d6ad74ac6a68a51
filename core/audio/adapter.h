/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source delivers as blocks of the format and length that an encoder takes. Places and times follow the sound;
 * where the source lost some, what does not fill a block is left out with it.
 */
#ifndef QV_AUDIO_ADAPTER_H
#define QV_AUDIO_ADAPTER_H

#include <qvisio/media.h>

struct audio_adapter;

struct audio_adapter *audio_adapter_new(const struct qv_audio_format *from, const struct qv_audio_format *to,
					size_t block_frames, struct qv_error *err);
void audio_adapter_free(struct audio_adapter *adapter); /* NULL is fine */

/* Takes a block of the source, of at most a second. Take all blocks out first. */
int audio_adapter_push(struct audio_adapter *adapter, const struct qv_audio_block *block, struct qv_error *err);

/* The next whole block, valid until the next call. False: there is none yet. */
bool audio_adapter_take(struct audio_adapter *adapter, struct qv_audio_block *block);

/* No more will be pushed: what is held, as a last and shorter block. False: nothing is. */
bool audio_adapter_finish(struct audio_adapter *adapter, struct qv_audio_block *block);

#endif
