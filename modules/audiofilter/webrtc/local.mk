# SPDX-License-Identifier: Apache-2.0
if WITH_WEBRTC
module_LTLIBRARIES += audiofilter-webrtc.la
audiofilter_webrtc_la_SOURCES = %D%/webrtc.c %D%/engine.cc %D%/engine.h modules/audiofilter/meter.c modules/audiofilter/meter.h
audiofilter_webrtc_la_CFLAGS = $(AM_CFLAGS)
audiofilter_webrtc_la_CXXFLAGS = -std=c++17 -Wall -Wextra -fvisibility=hidden -fstack-protector-strong $(WEBRTC_CFLAGS)
audiofilter_webrtc_la_LIBADD = libqvisio.la $(WEBRTC_LIBS) -lm
audiofilter_webrtc_la_LDFLAGS = $(LDFLAGS_MODULE)
endif

dist_man_MANS += doc/man/qvisio-audiofilter-webrtc.7
