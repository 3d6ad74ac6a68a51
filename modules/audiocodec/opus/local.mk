# SPDX-License-Identifier: Apache-2.0
opus_sources = \
	modules/audiocodec/opus/decoder.c \
	modules/audiocodec/opus/encoder.c \
	modules/audiocodec/opus/opus_codec.c \
	modules/audiocodec/opus/opus_codec.h

if WITH_OPUS
module_LTLIBRARIES += audiocodec-opus.la
audiocodec_opus_la_SOURCES = $(opus_sources)
audiocodec_opus_la_CFLAGS = $(AM_CFLAGS) $(OPUS_CFLAGS)
audiocodec_opus_la_LIBADD = libqvisio.la $(OPUS_LIBS)
audiocodec_opus_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-audiocodec-opus.7
endif

if WITH_OPUS
if WITH_CMOCKA
check_PROGRAMS += modules/audiocodec/opus/test_opus
TESTS += modules/audiocodec/opus/test_opus
modules_audiocodec_opus_test_opus_SOURCES = %D%/test_opus.c
modules_audiocodec_opus_test_opus_CFLAGS = $(CFLAGS_UNIT)
modules_audiocodec_opus_test_opus_LDADD = libmediatest.la $(LDADD_UNIT) -lm
endif
endif
