# SPDX-License-Identifier: Apache-2.0
if WITH_PULSE
module_LTLIBRARIES += audiosource-pulse.la
audiosource_pulse_la_SOURCES = %D%/pulse.c %D%/pulse_stream.c %D%/pulse_stream.h
audiosource_pulse_la_CFLAGS = $(AM_CFLAGS) $(PULSE_CFLAGS)
audiosource_pulse_la_LIBADD = libqvisio.la $(PULSE_LIBS)
audiosource_pulse_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-audiosource-pulse.7
endif
