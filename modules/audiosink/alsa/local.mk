# SPDX-License-Identifier: Apache-2.0
if WITH_ALSA
module_LTLIBRARIES += audiosink-alsa.la
audiosink_alsa_la_SOURCES = %D%/alsa.c modules/audiosource/alsa/alsa_device.c modules/audiosource/alsa/alsa_device.h \
	modules/audiosource/alsa/alsa_samples.c modules/audiosource/alsa/alsa_samples.h
audiosink_alsa_la_CFLAGS = $(AM_CFLAGS) $(ALSA_CFLAGS)
audiosink_alsa_la_LIBADD = libqvisio.la $(ALSA_LIBS) -lm
# libasound keeps what it loaded in tables of its own, which must not be unloaded under it.
audiosink_alsa_la_LDFLAGS = $(LDFLAGS_MODULE) -Wl,-z,nodelete
dist_man_MANS += doc/man/qvisio-audiosink-alsa.7
endif
