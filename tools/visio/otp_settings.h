/* SPDX-License-Identifier: Apache-2.0 */
/* The group audio.otp: one-time pads for sound. */
#ifndef VISIO_OTP_SETTINGS_H
#define VISIO_OTP_SETTINGS_H

#include "settings.h"

/* Reads the group; after the key source. */
int otp_settings_read(struct settings *settings, struct qv_error *err);

/* What a call with that SAE is to do. */
struct qv_call_otp otp_settings_plan(const struct settings *settings, const char *peer_sae);

#endif
