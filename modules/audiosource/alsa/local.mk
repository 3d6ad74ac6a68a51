# SPDX-License-Identifier: Apache-2.0
if WITH_ALSA
module_LTLIBRARIES += audiosource-alsa.la
audiosource_alsa_la_SOURCES = %D%/alsa.c %D%/alsa_device.c %D%/alsa_device.h \
	%D%/alsa_samples.c %D%/alsa_samples.h
audiosource_alsa_la_CFLAGS = $(AM_CFLAGS) $(ALSA_CFLAGS)
audiosource_alsa_la_LIBADD = libqvisio.la $(ALSA_LIBS) -lm
# libasound keeps what it loaded in tables of its own, which must not be unloaded under it.
audiosource_alsa_la_LDFLAGS = $(LDFLAGS_MODULE) -Wl,-z,nodelete
dist_man_MANS += doc/man/qvisio-audiosource-alsa.7
endif
