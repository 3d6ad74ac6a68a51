# SPDX-License-Identifier: Apache-2.0
if WITH_PULSE
module_LTLIBRARIES += audiosink-pulse.la
audiosink_pulse_la_SOURCES = %D%/pulse.c modules/audiosource/pulse/pulse_stream.c \
	modules/audiosource/pulse/pulse_stream.h
audiosink_pulse_la_CFLAGS = $(AM_CFLAGS) $(PULSE_CFLAGS)
audiosink_pulse_la_LIBADD = libqvisio.la $(PULSE_LIBS)
audiosink_pulse_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-audiosink-pulse.7
endif
