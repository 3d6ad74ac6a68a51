# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/adapter.c \
	%D%/adapter.h \
	%D%/resampler.c \
	%D%/resampler.h
