/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <string.h>

const struct check_suite *check_suite_find(const char *kind)
{
	static const struct check_suite *const suites[] = { &check_keysource,  &check_videosource, &check_videosink,
							    &check_videocodec, &check_audiosource, &check_audiosink,
							    &check_audiocodec, &check_tls,         &check_keystore,
							    &check_recorder,   &check_relay,       &check_qkdlink,
							    &check_srtp,       &check_audiofilter };
	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
		if (strcmp(suites[i]->kind, kind) == 0)
			return suites[i];
	return NULL;
}
