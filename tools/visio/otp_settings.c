/* SPDX-License-Identifier: Apache-2.0 */
#include "otp_settings.h"

#include <string.h>

static const char *const policies[] = { "off", "prefer", "require", NULL };
static const char *const dry_words[] = { "mute", "end", NULL };

static const struct qv_option otp_options[] = {
	{ .name = "policy",
	  .type = QV_OPTION_CHOICE,
	  .choices = policies,
	  .fallback = "off",
	  .help = "One-time pads for sound: off; prefer: where the peer does it and the KME gives enough; require." },
	{ .name = "reserve",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "30",
	  .min = 0.5,
	  .max = 3600,
	  .unit = "s",
	  .help = "For how long key is fetched ahead." },
	{ .name = "kme_rate",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1e9,
	  .unit = "B/s",
	  .help = "Bytes of key a second that the KME gives; 0: what its status shows." },
	{ .name = "shared",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "The peer draws its keys from the same store of the same QKD link; false: each direction has its "
		  "own." },
	{ .name = "minimum",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "60",
	  .min = 0,
	  .max = 86400,
	  .unit = "s",
	  .help = "Without kme_rate: for how long the key that the KME has must last, unless it gives enough." },
	{ .name = "without_key",
	  .type = QV_OPTION_CHOICE,
	  .choices = dry_words,
	  .fallback = "mute",
	  .help = "When no key is left: mute the sound until there is some, or end the call." },
	{ .name = NULL },
};

int otp_settings_read(struct settings *settings, struct qv_error *err)
{
	const struct qv_section *audio, *group = NULL;
	if (qv_section_group(qv_config_root(settings->config), "audio", &audio, err) != 0)
		return -1;
	if (audio && qv_section_group(audio, "otp", &group, err) != 0)
		return -1;
	settings->otp = qv_options_check(group, otp_options, sizeof otp_options[0], NULL, err);
	if (!settings->otp)
		return -1;
	if (strcmp(qv_options_string(settings->otp, "policy"), "off") != 0 && !settings->key_source.class)
		return qv_options_fail(settings->otp, "policy", err, "one-time pads need a key_source");
	return 0;
}

struct qv_call_otp otp_settings_plan(const struct settings *settings, const char *peer_sae)
{
	const char *policy = qv_options_string(settings->otp, "policy");
	return (struct qv_call_otp){
		.policy = strcmp(policy, "require") == 0  ? QV_OTP_REQUIRE
			  : strcmp(policy, "prefer") == 0 ? QV_OTP_PREFER
							  : QV_OTP_OFF,
		.end_when_dry = strcmp(qv_options_string(settings->otp, "without_key"), "end") == 0,
		.key_source = &settings->key_source,
		.peer = peer_sae,
		.reserve = qv_options_float(settings->otp, "reserve"),
		.shared = qv_options_bool(settings->otp, "shared"),
		.minimum = qv_options_float(settings->otp, "minimum"),
		.kme_rate = (double)qv_options_int(settings->otp, "kme_rate"),
	};
}
