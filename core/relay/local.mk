# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/digest.c \
	%D%/envelope.c \
	%D%/limits.c
