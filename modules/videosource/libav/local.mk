# SPDX-License-Identifier: Apache-2.0
# One shared object under two names: a camera and a microphone that play one file read it together.
if WITH_LIBAV
module_LTLIBRARIES += videosource-libav.la
videosource_libav_la_SOURCES = \
	%D%/classes.h \
	%D%/input.c \
	%D%/input.h \
	%D%/module.c \
	%D%/player.c \
	%D%/player.h \
	%D%/seat.c \
	%D%/seat.h \
	%D%/video.c \
	modules/audiosource/libav/audio.c
videosource_libav_la_CFLAGS = $(AM_CFLAGS) $(LIBAV_CFLAGS)
videosource_libav_la_LIBADD = libqvisio.la $(LIBAV_LIBS)
# What FFmpeg brings with it (GLib among it) does not bear being unloaded.
videosource_libav_la_LDFLAGS = $(LDFLAGS_MODULE) -Wl,-z,nodelete

all-local: .libs/audiosource-libav.so
.libs/audiosource-libav.so: videosource-libav.la
	$(AM_V_GEN)rm -f $@ && $(LN_S) videosource-libav.so $@
CLEANFILES += .libs/audiosource-libav.so

install-data-hook:
	cd $(DESTDIR)$(moduledir) && rm -f audiosource-libav.so && $(LN_S) videosource-libav.so audiosource-libav.so
uninstall-hook:
	rm -f $(DESTDIR)$(moduledir)/audiosource-libav.so

dist_man_MANS += doc/man/qvisio-videosource-libav.7 doc/man/qvisio-audiosource-libav.7
check_PROGRAMS += modules/videosource/libav/play_both
modules_videosource_libav_play_both_SOURCES = %D%/play_both.c
modules_videosource_libav_play_both_LDADD = libqvisio.la
if WITH_CMOCKA
TESTS += %D%/test_libav.py
endif
endif
dist_check_SCRIPTS += %D%/test_libav.py
