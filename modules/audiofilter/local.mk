# SPDX-License-Identifier: Apache-2.0
include %D%/speexdsp/local.mk
include %D%/webrtc/local.mk

# Both filters in one room.
if WITH_CMOCKA
check_PROGRAMS += modules/audiofilter/test_echo
TESTS += modules/audiofilter/test_echo
modules_audiofilter_test_echo_SOURCES = %D%/test_echo.c
modules_audiofilter_test_echo_CFLAGS = $(CFLAGS_UNIT)
modules_audiofilter_test_echo_CPPFLAGS = $(AM_CPPFLAGS)
modules_audiofilter_test_echo_LDADD = libmediatest.la $(LDADD_UNIT) -lm
if WITH_SPEEXDSP
modules_audiofilter_test_echo_CPPFLAGS += -DHAVE_SPEEXDSP
endif
if WITH_WEBRTC
modules_audiofilter_test_echo_CPPFLAGS += -DHAVE_WEBRTC
endif
endif
