# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/camera.c \
	%D%/camera.h \
	%D%/conference.c \
	%D%/conference.h \
	%D%/grid.c \
	%D%/grid.h \
	%D%/lettering.c \
	%D%/lettering.h \
	%D%/letters.h \
	%D%/limiter.c \
	%D%/limiter.h \
	%D%/microphone.c \
	%D%/microphone.h \
	%D%/mixer.c \
	%D%/mixer.h \
	%D%/shared_device.c \
	%D%/shared_device.h \
	%D%/speaker.c \
	%D%/speaker.h \
	%D%/tile.c \
	%D%/tile.h \
	%D%/wall.c \
	%D%/wall_place.c \
	%D%/wall_state.h \
	%D%/wall_window.c \
	%D%/wall.h
