# SPDX-License-Identifier: Apache-2.0
if WITH_SPEEXDSP
module_LTLIBRARIES += audiofilter-speexdsp.la
audiofilter_speexdsp_la_SOURCES = %D%/speexdsp.c modules/audiofilter/meter.c modules/audiofilter/meter.h
audiofilter_speexdsp_la_CFLAGS = $(AM_CFLAGS) $(SPEEXDSP_CFLAGS)
audiofilter_speexdsp_la_LIBADD = libqvisio.la $(SPEEXDSP_LIBS) -lm
audiofilter_speexdsp_la_LDFLAGS = $(LDFLAGS_MODULE)
endif

dist_man_MANS += doc/man/qvisio-audiofilter-speexdsp.7
