# SPDX-License-Identifier: Apache-2.0
if WITH_V4L2
module_LTLIBRARIES += videosource-v4l2.la
videosource_v4l2_la_SOURCES = \
	%D%/v4l2.c \
	%D%/camera.c \
	%D%/camera.h \
	%D%/describe.c \
	%D%/negotiate.c \
	%D%/stream.c \
	%D%/stream.h \
	modules/videosource/common/jpeg_scan.c \
	modules/videosource/common/jpeg_scan.h
videosource_v4l2_la_CFLAGS = $(AM_CFLAGS) $(V4L2_CFLAGS)
videosource_v4l2_la_LIBADD = libqvisio.la $(V4L2_LIBS) -lm
videosource_v4l2_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-videosource-v4l2.7

check_LTLIBRARIES += modules/videosource/v4l2/fake_camera.la
modules_videosource_v4l2_fake_camera_la_SOURCES = %D%/fake_camera.c
modules_videosource_v4l2_fake_camera_la_CFLAGS = $(AM_CFLAGS) $(V4L2_CFLAGS)
modules_videosource_v4l2_fake_camera_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -no-undefined \
	-rpath /nowhere -export-symbols-regex '^libv4l2_plugin$$'

check_PROGRAMS += modules/videosource/v4l2/test_waiting
modules_videosource_v4l2_test_waiting_SOURCES = \
	%D%/test_waiting.c \
	modules/videosource/common/open_source.c \
	modules/videosource/common/open_source.h
modules_videosource_v4l2_test_waiting_LDADD = libqvisio.la

dist_check_SCRIPTS += %D%/test_v4l2.py
TESTS += %D%/test_v4l2.py
endif
