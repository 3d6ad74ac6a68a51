# SPDX-License-Identifier: Apache-2.0
if WITH_CACA
module_LTLIBRARIES += videosink-caca.la
videosink_caca_la_SOURCES = \
	%D%/caca_sink.c \
	%D%/cells.c \
	%D%/cells.h \
	%D%/terminal.c \
	%D%/terminal.h
videosink_caca_la_CFLAGS = $(AM_CFLAGS) $(CACA_CFLAGS)
videosink_caca_la_LIBADD = libqvisio.la $(CACA_LIBS) -lm
videosink_caca_la_LDFLAGS = $(LDFLAGS_MODULE) -Wl,-z,nodelete
dist_man_MANS += doc/man/qvisio-videosink-caca.7

check_PROGRAMS += modules/videosink/caca/show_caca
modules_videosink_caca_show_caca_SOURCES = %D%/show_caca.c
modules_videosink_caca_show_caca_LDADD = libqvisio.la
TESTS += %D%/test_caca.py
endif
dist_check_SCRIPTS += %D%/test_caca.py
