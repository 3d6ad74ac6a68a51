# SPDX-License-Identifier: Apache-2.0
vpx_sources = \
	modules/videocodec/vpx/bitstream.c \
	modules/videocodec/vpx/bitstream.h \
	modules/videocodec/vpx/decoder.c \
	modules/videocodec/vpx/encoder.c \
	modules/videocodec/vpx/references.c \
	modules/videocodec/vpx/references.h \
	modules/videocodec/vpx/vpx.c \
	modules/videocodec/vpx/vpx.h

if WITH_VPX
module_LTLIBRARIES += videocodec-vpx.la
videocodec_vpx_la_SOURCES = $(vpx_sources)
videocodec_vpx_la_CFLAGS = $(AM_CFLAGS) $(VPX_CFLAGS)
videocodec_vpx_la_LIBADD = libqvisio.la $(VPX_LIBS)
videocodec_vpx_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-videocodec-vpx.7
endif

if WITH_VPX
if WITH_CMOCKA
check_PROGRAMS += modules/videocodec/vpx/test_vpx
TESTS += modules/videocodec/vpx/test_vpx
modules_videocodec_vpx_test_vpx_SOURCES = %D%/test_vpx.c
modules_videocodec_vpx_test_vpx_CFLAGS = $(CFLAGS_UNIT)
modules_videocodec_vpx_test_vpx_LDADD = libmediatest.la $(LDADD_UNIT)
endif
endif
