# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/header.c \
	%D%/jpeg.c \
	%D%/jpeg_head.c \
	%D%/masters.c \
	%D%/opus.c \
	%D%/payload.c \
	%D%/payload.h \
	%D%/rtcp.h \
	%D%/rtcp_feedback.c \
	%D%/rtcp_read.c \
	%D%/rtcp_write.c \
	%D%/vp8.c \
	%D%/vp9.c
