# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/bytes.h \
	%D%/fragment.c \
	%D%/hello.c \
	%D%/ping.c \
	%D%/reason.c \
	%D%/record.c \
	%D%/roster.c \
	%D%/stats.c \
	%D%/stream_state.c \
	%D%/text.c \
	%D%/text.h \
	%D%/transport.c
