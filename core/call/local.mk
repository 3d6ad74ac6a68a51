# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/assembler.c \
	%D%/assembler.h \
	%D%/audio_receiver.c \
	%D%/audio_receiver.h \
	%D%/audio_sender.c \
	%D%/audio_sender.h \
	%D%/clock_offset.c \
	%D%/clock_offset.h \
	%D%/condition.h \
	%D%/connection.c \
	%D%/connection.h \
	%D%/connection_timers.c \
	%D%/connection_timers.h \
	%D%/histogram.c \
	%D%/histogram.h \
	%D%/inbox.c \
	%D%/inbox.h \
	%D%/jitter_buffer.c \
	%D%/jitter_buffer.h \
	%D%/ledger.c \
	%D%/ledger.h \
	%D%/medium.c \
	%D%/medium.h \
	%D%/outbox.c \
	%D%/outbox.h \
	%D%/receive.c \
	%D%/refuse.c \
	%D%/send.c \
	%D%/unit_buffer.c \
	%D%/unit_buffer.h \
	%D%/video_receiver.c \
	%D%/video_receiver.h \
	%D%/video_sender.c \
	%D%/video_sender.h \
	%D%/wire.c \
	%D%/wire.h
