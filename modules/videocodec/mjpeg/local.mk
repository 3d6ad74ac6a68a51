# SPDX-License-Identifier: Apache-2.0
mjpeg_sources = \
	modules/videocodec/mjpeg/decoder.c \
	modules/videocodec/mjpeg/encoder.c \
	modules/videocodec/mjpeg/jpeg_header.c \
	modules/videocodec/mjpeg/jpeg_header.h \
	modules/videocodec/mjpeg/mjpeg.c \
	modules/videocodec/mjpeg/mjpeg.h

if WITH_TURBOJPEG
module_LTLIBRARIES += videocodec-mjpeg.la
videocodec_mjpeg_la_SOURCES = $(mjpeg_sources)
videocodec_mjpeg_la_CFLAGS = $(AM_CFLAGS) $(TURBOJPEG_CFLAGS)
videocodec_mjpeg_la_LIBADD = libqvisio.la $(TURBOJPEG_LIBS)
videocodec_mjpeg_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-videocodec-mjpeg.7
endif

if WITH_TURBOJPEG
if WITH_CMOCKA
check_PROGRAMS += modules/videocodec/mjpeg/test_mjpeg
TESTS += modules/videocodec/mjpeg/test_mjpeg
modules_videocodec_mjpeg_test_mjpeg_SOURCES = %D%/test_mjpeg.c
modules_videocodec_mjpeg_test_mjpeg_CFLAGS = $(CFLAGS_UNIT)
modules_videocodec_mjpeg_test_mjpeg_LDADD = libmediatest.la $(LDADD_UNIT)
endif
endif
