# SPDX-License-Identifier: Apache-2.0
lib_LTLIBRARIES += libqvisio.la
libqvisio_la_SOURCES = \
	%D%/clock.c \
	%D%/config.c \
	%D%/config_text.c \
	%D%/config_text.h \
	%D%/error.c \
	%D%/key.c \
	%D%/kinds.c \
	%D%/loader.c \
	%D%/log.c \
	%D%/media.c \
	%D%/module_check.c \
	%D%/module_check.h \
	%D%/module_path.c \
	%D%/module_path.h \
	%D%/option.c \
	%D%/option_equal.c \
	%D%/option_strings.c \
	%D%/option_suggest.c \
	%D%/option_value.c \
	%D%/options.h \
	%D%/picture.c \
	%D%/picture_scale.c \
	%D%/picture_scale.h \
	%D%/psk_identity.c \
	%D%/role.c \
	%D%/secret.c \
	%D%/secret_arena.c \
	%D%/secret_arena.h \
	%D%/secret_file.c \
	%D%/secure.c \
	%D%/stamp.c \
	%D%/tls_alert.c \
	%D%/tls_choice.c \
	%D%/tls_common.c \
	%D%/tls_settings.c
libqvisio_la_CPPFLAGS = $(AM_CPPFLAGS) -DQV_MODULEDIR='"$(moduledir)"'
libqvisio_la_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
libqvisio_la_LIBADD = $(CORE_LIBS) -lm
libqvisio_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined -export-symbols-regex '^qv_'

include %D%/audio/local.mk
include %D%/session/local.mk
include %D%/call/local.mk
include %D%/pad/local.mk
include %D%/conference/local.mk
include %D%/relay/local.mk
include %D%/rtp/local.mk
include %D%/topology/local.mk
include %D%/shamir/local.mk
