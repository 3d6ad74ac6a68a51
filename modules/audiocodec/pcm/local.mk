# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += audiocodec-pcm.la
audiocodec_pcm_la_SOURCES = %D%/pcm.c
audiocodec_pcm_la_LIBADD = libqvisio.la
audiocodec_pcm_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-audiocodec-pcm.7
