# SPDX-License-Identifier: Apache-2.0
relay_analysis = \
	%D%/progress.c \
	%D%/progress.h \
	%D%/random.c \
	%D%/random.h \
	%D%/sets.c \
	%D%/sets.h \
	%D%/sets_all.c \
	%D%/sets_small.c \
	%D%/sets_store.h \
	%D%/statement.h \
	%D%/trials.c \
	%D%/trials.h

if WITH_CMOCKA
check_PROGRAMS += tools/relay/test_sets
TESTS += tools/relay/test_sets
tools_relay_test_sets_SOURCES = %D%/test_sets.c $(relay_analysis)
tools_relay_test_sets_CFLAGS = $(CFLAGS_UNIT) $(CORE_CFLAGS)
tools_relay_test_sets_LDADD = $(LDADD_UNIT) $(CORE_LIBS) -lm
endif

relay_simulation = \
	%D%/hop.c \
	%D%/hop.h \
	%D%/simulation.c \
	%D%/simulation.h \
	%D%/span.c \
	%D%/span.h

if WITH_JANSSON
bin_PROGRAMS += qkd-relay
dist_man_MANS += doc/man/qkd-relay.1
qkd_relay_SOURCES = \
	%D%/command.h \
	%D%/common.c \
	%D%/main.c \
	%D%/run.c \
	%D%/run.h \
	%D%/run_print.c \
	%D%/access.c \
	%D%/access.h \
	%D%/analyse.c \
	%D%/analyse.h \
	%D%/analyse_arguments.c \
	%D%/analyse_json.c \
	%D%/analyse_text.c \
	%D%/analysis.c \
	%D%/analysis.h \
	%D%/names.c \
	%D%/names.h \
	%D%/suggest.c \
	%D%/suggest.h \
	$(relay_analysis) \
	$(relay_simulation)
qkd_relay_CPPFLAGS = $(AM_CPPFLAGS)
qkd_relay_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(JANSSON_CFLAGS)
qkd_relay_LDADD = libqvisio.la $(CORE_LIBS) $(JANSSON_LIBS) -lm
dist_check_SCRIPTS += %D%/test_analyse.py
TESTS += %D%/test_analyse.py
if WITH_GRAPHVIZ
qkd_relay_SOURCES += \
	%D%/drawing.c \
	%D%/drawing.h \
	%D%/plot.c
qkd_relay_CPPFLAGS += -DWITH_GRAPHVIZ
qkd_relay_CFLAGS += $(GRAPHVIZ_CFLAGS)
qkd_relay_LDADD += $(GRAPHVIZ_LIBS)
endif
endif

if WITH_CMOCKA
check_PROGRAMS += tools/relay/test_relay
TESTS += tools/relay/test_relay
tools_relay_test_relay_SOURCES = %D%/test_relay.c $(relay_simulation)
tools_relay_test_relay_CFLAGS = $(CFLAGS_UNIT) $(CORE_CFLAGS)
tools_relay_test_relay_LDADD = $(LDADD_UNIT) $(CORE_LIBS)
endif

if WITH_JANSSON
dist_check_SCRIPTS += %D%/test_run.py
TESTS += %D%/test_run.py
endif
