# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/adapter.c \
	%D%/adapter.h \
	%D%/arrival.c \
	%D%/arrival.h \
	%D%/conceal.c \
	%D%/conceal.h \
	%D%/drift.c \
	%D%/drift.h \
	%D%/far_end.c \
	%D%/far_end.h \
	%D%/resampler.c \
	%D%/resampler.h \
	%D%/stretch.c \
	%D%/stretch.h
