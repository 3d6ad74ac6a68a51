/* SPDX-License-Identifier: Apache-2.0 */
#include "notice.h"

#include <stdio.h>
#include <string.h>

#define BETTER_NS (10 * QV_NS_PER_SECOND)

/* What was bad and not seen yet stays, and what came after it is added. */
void notice_raise(struct notice *notice, enum qv_security_change change, const char *text, int64_t now_ns)
{
	if (change == QV_SECURITY_SAME)
		return;
	if (notice->change == QV_SECURITY_WORSE) {
		size_t used = strlen(notice->text);
		/* Of many, the first and the last are told. */
		if (used + strlen(text) + 20 > sizeof notice->text)
			notice->text[used = strcspn(notice->text, "\n")] = '\0';
		snprintf(notice->text + used, sizeof notice->text - used, "\nand then: %s", text);
		return;
	}
	notice->change = change;
	notice->until_ns = change == QV_SECURITY_BETTER ? now_ns + BETTER_NS : 0;
	snprintf(notice->text, sizeof notice->text, "%s", text);
}

bool notice_expire(struct notice *notice, int64_t now_ns)
{
	return notice->until_ns && now_ns >= notice->until_ns && notice_acknowledge(notice);
}

bool notice_acknowledge(struct notice *notice)
{
	bool stood = notice->change != QV_SECURITY_SAME;
	*notice = (struct notice){ .change = QV_SECURITY_SAME };
	return stood;
}

const char *notice_word(const struct notice *notice)
{
	return notice->change == QV_SECURITY_WORSE ? "worse" : notice->change == QV_SECURITY_BETTER ? "better" : NULL;
}
