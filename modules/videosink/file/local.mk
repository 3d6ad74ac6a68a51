# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += videosink-file.la
videosink_file_la_SOURCES = %D%/file.c %D%/rgb.c %D%/rgb.h %D%/snapshot.h %D%/y4m.c %D%/y4m.h
videosink_file_la_CFLAGS = $(AM_CFLAGS) $(PNG_CFLAGS)
videosink_file_la_LIBADD = libqvisio.la $(PNG_LIBS)
videosink_file_la_LDFLAGS = $(LDFLAGS_MODULE)
if WITH_PNG
videosink_file_la_SOURCES += %D%/snapshot_png.c
else
videosink_file_la_SOURCES += %D%/snapshot_none.c
endif
