/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "probe.h"

void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			*text = '?';
}

__attribute__((format(printf, 2, 0))) static void tell(struct finding *finding, const char *format, va_list arguments)
{
	vsnprintf(finding->seen, sizeof finding->seen, format, arguments);
	clean(finding->seen);
}

enum verdict passed(struct finding *finding, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	tell(finding, format, arguments);
	va_end(arguments);
	return PASSED;
}

enum verdict failed(struct finding *finding, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	tell(finding, format, arguments);
	va_end(arguments);
	return FAILED;
}

enum verdict skipped(struct finding *finding, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	tell(finding, format, arguments);
	va_end(arguments);
	return SKIPPED;
}
