# SPDX-License-Identifier: Apache-2.0
# Ways of running the tests, and of reading the sources, that look for more than a wrong result.

# Each sanitizer has a build tree of its own below this one. SAN_TESTS="…" narrows what is run. Reports go to files,
# so that one from a program that a test started in the background, or kills, fails the whole as well.
report_to = log_path=$(abs_builddir)/$(1)/reports/report
check_in_tree = \
	$(MKDIR_P) $(2) && cd $(2) && rm -rf reports && $(MKDIR_P) reports && \
	{ test -f Makefile || $(abs_top_srcdir)/configure -q --enable-werror CC='$(CC)' CFLAGS='$(3)' LDFLAGS='$(3)'; } && \
	$(MAKE) -s all && result=0 && \
	{ $(1) QV_TEST_TIMEOUT=180 QV_TEST_LIMIT=3600 $(MAKE) check $(if $(SAN_TESTS),TESTS='$(SAN_TESTS)') || result=1; } && \
	for report in reports/*; do \
		if test -f "$$report"; then cat "$$report"; result=1; fi; \
	done; exit $$result

asan_flags = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
tsan_flags = -g -O1 -fno-omit-frame-pointer -fsanitize=thread

check-asan:
	+$(call check_in_tree,ASAN_OPTIONS=detect_leaks=1:$(call report_to,asan) LSAN_OPTIONS=print_suppressions=0:suppressions=$(abs_top_srcdir)/tests/lsan.supp UBSAN_OPTIONS=print_stacktrace=1:$(call report_to,asan),asan,$(asan_flags))

check-tsan:
	+$(call check_in_tree,TSAN_OPTIONS=$(call report_to,tsan):suppressions=$(abs_top_srcdir)/tests/tsan.supp,tsan,$(tsan_flags))

# Programs only: valgrind follows no script into what it starts. Fuzz replays are left to ASan, which is far quicker.
valgrind_command = $(LIBTOOL) --mode=execute valgrind -q --leak-check=full --errors-for-leak-kinds=definite \
	--error-exitcode=99 --suppressions=$(abs_top_srcdir)/tests/valgrind.supp
check-valgrind: all
	QV_TEST_LIMIT=3600 $(MAKE) check LOG_COMPILER='$(limited) $(valgrind_command)' \
		TESTS='$(if $(SAN_TESTS),$(SAN_TESTS),$(filter-out $(FUZZERS) %.py %.sh,$(TESTS)))'

# Threads count at the same time: without atomic counters some come out negative, and gcovr stops.
coverage:
	$(MKDIR_P) coverage && cd coverage && \
	{ test -f Makefile || $(abs_top_srcdir)/configure -q CC='$(CC)' CFLAGS='-g -O0 --coverage -fprofile-update=atomic -U_FORTIFY_SOURCE'; } && \
	$(MAKE) -s all && $(MAKE) check; \
	gcovr --root $(abs_top_srcdir) --object-directory . --exclude '.*/(tests|fuzz|bench|examples)/.*' \
		--exclude '.*/test_[^/]*' --html-details index.html --print-summary && \
	echo 'the report is coverage/index.html'

lint_c = find $(top_srcdir)/core $(top_srcdir)/modules $(top_srcdir)/tools $(top_srcdir)/tests $(top_srcdir)/fuzz \
	$(top_srcdir)/bench $(top_srcdir)/examples -name '*.c'
lint_h = find $(top_srcdir)/include $(top_srcdir)/core $(top_srcdir)/modules $(top_srcdir)/tools $(top_srcdir)/bench -name '*.h'
lint_flags = -std=c17 $(DEFS) -I. -I$(top_srcdir) $(AM_CPPFLAGS) -DQV_MODULEDIR=\"/\" -DQV_VERSION=\"$(PACKAGE_VERSION)\" \
	-DETSI014_OPENSSL -DBENCH_TLS_OPENSSL -DBENCH_TLS_GNUTLS $(sort $(CORE_CFLAGS) $(OPENSSL_CFLAGS) $(GNUTLS_CFLAGS) \
	$(CURL_CFLAGS) $(JANSSON_CFLAGS) $(MICROHTTPD_CFLAGS) $(SQLITE_CFLAGS) $(TURBOJPEG_CFLAGS) $(V4L2_CFLAGS) \
	$(SDL_CFLAGS) $(PNG_CFLAGS) $(SNDFILE_CFLAGS) $(ALSA_CFLAGS) $(PULSE_CFLAGS) $(CMOCKA_CFLAGS) \
	$(GFSHARE_CFLAGS) $(ISAL_CFLAGS) $(IGRAPH_CFLAGS) $(POSTGRES_CFLAGS) $(GRAPHVIZ_CFLAGS) $(SRTP_CFLAGS) $(VPX_CFLAGS) \
	$(OPUS_CFLAGS) $(LIBAV_CFLAGS) $(CACA_CFLAGS) $(SPEEXDSP_CFLAGS) $(WEBRTC_CFLAGS))

lint: lint-format lint-shell lint-cppcheck lint-tidy

lint-format:
	{ $(lint_c); $(lint_h); } | xargs clang-format --dry-run -Werror

lint-shell:
	cd $(top_srcdir) && shellcheck autogen.sh quickstart .ci/run $$(find tests tools examples etc -name '*.sh')

# returnDanglingLifetime takes whatever is lent to open() for kept by what open() returns; ASan sees the real ones.
lint-cppcheck:
	$(lint_c) | xargs cppcheck -q -j2 --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,portability \
		--suppress=missingIncludeSystem --suppress=returnDanglingLifetime \
		-D_Noreturn='__attribute__((noreturn))' -I$(top_srcdir)/include

# A file of tests/modules/mutants is compiled with what to break, and says nothing without.
run_tidy = xargs -P2 -n4 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- $(lint_flags) $(1) 2>/dev/null' tidy
lint-tidy: config.h
	echo $(top_srcdir)/core/error.c | $(call run_tidy,)
	$(lint_c) ! -path '*/core/error.c' ! -path '*/mutants/*' | \
		$(call run_tidy,-include $(top_srcdir)/tests/lint/returns.h)

.PHONY: check-asan check-tsan check-valgrind coverage lint lint-format lint-shell lint-cppcheck lint-tidy

EXTRA_DIST += .clang-tidy %D%/.clang-tidy %D%/lint/returns.h %D%/lsan.supp %D%/tsan.supp %D%/valgrind.supp
clean-local:
	rm -rf asan tsan coverage
