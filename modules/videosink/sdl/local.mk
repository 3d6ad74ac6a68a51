# SPDX-License-Identifier: Apache-2.0
if WITH_SDL
module_LTLIBRARIES += videosink-sdl.la
videosink_sdl_la_SOURCES = \
	%D%/banner.c \
	%D%/banner.h \
	%D%/input.c \
	%D%/input.h \
	%D%/label.c \
	%D%/label.h \
	%D%/library.c \
	%D%/library.h \
	%D%/picture.c \
	%D%/picture.h \
	%D%/sdl.c \
	%D%/strip.c \
	%D%/strip.h
videosink_sdl_la_CFLAGS = $(AM_CFLAGS) $(SDL_CFLAGS)
videosink_sdl_la_LIBADD = libqvisio.la $(SDL_LIBS)
# SDL loads graphics drivers that leave handlers behind: neither they nor what they call may be unmapped.
videosink_sdl_la_LDFLAGS = $(LDFLAGS_MODULE) -Wl,-z,nodelete
dist_man_MANS += doc/man/qvisio-videosink-sdl.7
endif

dist_check_SCRIPTS += %D%/test_sdl.py
if WITH_SDL
if WITH_CMOCKA
check_PROGRAMS += modules/videosink/sdl/sink_shell
modules_videosink_sdl_sink_shell_SOURCES = %D%/sink_shell.c
modules_videosink_sdl_sink_shell_CFLAGS = $(CFLAGS_UNIT)
modules_videosink_sdl_sink_shell_LDADD = libmediatest.la $(LDADD_UNIT) -lpthread
TESTS += %D%/test_sdl.py
endif
endif
