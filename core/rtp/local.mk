# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/arrivals.c \
	%D%/congestion.c \
	%D%/header.c \
	%D%/history.c \
	%D%/jpeg.c \
	%D%/jpeg_head.c \
	%D%/loss_bound.c \
	%D%/loss_bound.h \
	%D%/masters.c \
	%D%/opus.c \
	%D%/pacer.c \
	%D%/path_queue.c \
	%D%/path_queue.h \
	%D%/payload.c \
	%D%/payload.h \
	%D%/probe.c \
	%D%/probe.h \
	%D%/protector.c \
	%D%/rebuilder.c \
	%D%/receiver.c \
	%D%/reception.c \
	%D%/reception.h \
	%D%/repair.c \
	%D%/repair.h \
	%D%/rtcp.h \
	%D%/rtcp_feedback.c \
	%D%/rtcp_read.c \
	%D%/rtcp_write.c \
	%D%/trend.c \
	%D%/trend.h \
	%D%/vp8.c \
	%D%/vp9.c
