# SPDX-License-Identifier: Apache-2.0
# A library of its own, so that tests and measurements can reach what libqvisio does not export.
noinst_LTLIBRARIES += libshamir.la
libshamir_la_SOURCES = \
	%D%/aes_schedule.h \
	%D%/avx2.c \
	%D%/check.h \
	%D%/decode.c \
	%D%/decode.h \
	%D%/field.c \
	%D%/field.h \
	%D%/generator.c \
	%D%/generator.h \
	%D%/generator_file.c \
	%D%/generator_own.c \
	%D%/gfni.c \
	%D%/gfni512.c \
	%D%/health.c \
	%D%/health.h \
	%D%/kernel.h \
	%D%/kernels.c \
	%D%/keystream.c \
	%D%/keystream.h \
	%D%/keystream_aesni.c \
	%D%/keystream_vaes.c \
	%D%/neon.c \
	%D%/portable.c \
	%D%/rebuild.c \
	%D%/robust.c \
	%D%/split.c \
	%D%/vector.h \
	%D%/weights.c
libshamir_la_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
libqvisio_la_LIBADD += libshamir.la
dist_man_MANS += doc/man/qvisio_shamir.3
