# SPDX-License-Identifier: Apache-2.0
if WITH_JANSSON
bin_PROGRAMS += visio visio_client visio_server
noinst_LTLIBRARIES += libvisiotools.la

libvisiotools_la_SOURCES = \
	%D%/app.c \
	%D%/app.h \
	%D%/command_line.c \
	%D%/common_options.c \
	%D%/common_options.h \
	%D%/json_lines.c \
	%D%/json_lines.h \
	%D%/legacy_config.c \
	%D%/legacy_config.h \
	%D%/report.c \
	%D%/report.h \
	%D%/resolve.c \
	%D%/resolve.h \
	%D%/secured_json.c \
	%D%/secured_json.h \
	%D%/socket.c \
	%D%/socket.h \
	%D%/stop.c \
	%D%/stop.h
libvisiotools_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libvisiotools_la_LIBADD = libqvisio.la $(JANSSON_LIBS) -lm

visio_client_SOURCES = %D%/visio_client.c
visio_client_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
visio_client_LDADD = libvisiotools.la libqvisio.la

visio_server_SOURCES = %D%/visio_server.c %D%/callers.c %D%/callers.h
visio_server_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
visio_server_LDADD = libvisiotools.la libqvisio.la

# All but main: for the fuzzer of its commands, too.
visio_parts = \
	%D%/control_socket.c \
	%D%/control_socket.h \
	%D%/conversation.c \
	%D%/commands.h \
	%D%/commands_call.c \
	%D%/commands_media.c \
	%D%/conversation.h \
	%D%/dialing.c \
	%D%/dialing.h \
	%D%/farewell.c \
	%D%/farewell.h \
	%D%/front.c \
	%D%/front.h \
	%D%/growing.c \
	%D%/growing.h \
	%D%/happenings.c \
	%D%/happenings.h \
	%D%/keys.c \
	%D%/keys.h \
	%D%/notice.c \
	%D%/notice.h \
	%D%/meeting.c \
	%D%/meeting.h \
	%D%/mesh.c \
	%D%/mesh.h \
	%D%/otp_settings.c \
	%D%/otp_settings.h \
	%D%/reception.c \
	%D%/reception.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/named_roles.c \
	%D%/named_roles.h \
	%D%/status.c \
	%D%/steering.c \
	%D%/steering.h \
	%D%/succession.c \
	%D%/succession.h \
	%D%/taping.c \
	%D%/taping.h \
	%D%/terminal.c \
	%D%/terminal.h \
	%D%/tui.c \
	%D%/tui.h \
	%D%/tui_view.c \
	%D%/tui_view.h
visio_SOURCES = $(visio_parts) %D%/visio.c
visio_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
visio_LDADD = libvisiotools.la libqvisio.la $(JANSSON_LIBS)

dist_man_MANS += doc/man/visio.1 doc/man/visio_client.1 doc/man/visio_server.1

if WITH_CMOCKA
check_PROGRAMS += tools/visio/test_legacy_config
TESTS += tools/visio/test_legacy_config
tools_visio_test_legacy_config_SOURCES = %D%/test_legacy_config.c
tools_visio_test_legacy_config_CFLAGS = $(CFLAGS_UNIT) $(JANSSON_CFLAGS)
tools_visio_test_legacy_config_LDADD = libvisiotools.la $(LDADD_UNIT)

# What these test is no part of a library.
check_PROGRAMS += tools/visio/test_succession
TESTS += tools/visio/test_succession
tools_visio_test_succession_SOURCES = %D%/test_succession.c %D%/succession.c
tools_visio_test_succession_CFLAGS = $(CFLAGS_UNIT)
tools_visio_test_succession_LDADD = $(LDADD_UNIT)

check_PROGRAMS += tools/visio/test_notice
TESTS += tools/visio/test_notice
tools_visio_test_notice_SOURCES = \
	%D%/test_notice.c \
	%D%/keys.c \
	%D%/notice.c \
	%D%/tui_view.c \
	core/call/security.c
tools_visio_test_notice_CFLAGS = $(CFLAGS_UNIT) $(JANSSON_CFLAGS)
tools_visio_test_notice_LDADD = $(LDADD_UNIT) $(JANSSON_LIBS)
endif
endif
