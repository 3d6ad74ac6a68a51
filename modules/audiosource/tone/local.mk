# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += audiosource-tone.la
audiosource_tone_la_SOURCES = %D%/tone.c %D%/signal.c %D%/signal.h modules/audiosource/pace.c modules/audiosource/pace.h
audiosource_tone_la_LIBADD = libqvisio.la -lm
audiosource_tone_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-audiosource-tone.7
