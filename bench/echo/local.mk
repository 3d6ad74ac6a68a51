# SPDX-License-Identifier: Apache-2.0
if WITH_SPEEXDSP
BENCHES += bench/echo/echo
bench_echo_echo_SOURCES = %D%/echo.c %D%/raw.h %D%/speex.c bench/bench.h tests/harness/echo_room.c tests/harness/echo_room.h
bench_echo_echo_CPPFLAGS = $(AM_CPPFLAGS)
bench_echo_echo_CFLAGS = $(AM_CFLAGS) $(SPEEXDSP_CFLAGS)
bench_echo_echo_LDADD = libbench.la libqvisio.la $(SPEEXDSP_LIBS) -lm
if WITH_WEBRTC
bench_echo_echo_SOURCES += modules/audiofilter/webrtc/engine.cc modules/audiofilter/webrtc/engine.h
bench_echo_echo_CPPFLAGS += -DHAVE_WEBRTC
bench_echo_echo_CXXFLAGS = -std=c++17 $(WEBRTC_CFLAGS)
bench_echo_echo_LDADD += $(WEBRTC_LIBS)
endif
endif
