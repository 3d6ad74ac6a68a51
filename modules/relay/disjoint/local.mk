# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += relay-disjoint.la
relay_disjoint_la_SOURCES = %D%/disjoint.c %D%/disjoint.h %D%/judge.c %D%/plan.c
relay_disjoint_la_LIBADD = libqvisio.la
relay_disjoint_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-relay-disjoint.7
