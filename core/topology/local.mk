# SPDX-License-Identifier: Apache-2.0
libqvisio_la_SOURCES += \
	%D%/disjoint.c \
	%D%/file.c \
	%D%/look.c \
	%D%/order.c \
	%D%/plan.c \
	%D%/route.h \
	%D%/topology.c \
	%D%/topology.h
