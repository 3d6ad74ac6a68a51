# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/pad.c \
	%D%/record.c \
	%D%/reservoir.c \
	%D%/reservoir.h
