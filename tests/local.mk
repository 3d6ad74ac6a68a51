# SPDX-License-Identifier: Apache-2.0
# Every test speaks TAP: cmocka programs (no suffix), shell (.sh) and Python (.py).
TEST_EXTENSIONS = .sh .py
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_DRIVER = $(TAP_DRIVER)
limited = $(abs_top_builddir)/tests/harness/limited
LOG_COMPILER = $(limited)
SH_LOG_COMPILER = $(limited) $(SHELL)
PY_LOG_COMPILER = $(limited) $(PYTHON3)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	QVISIO_MODULE_PATH='$(abs_top_builddir)/.libs'; export QVISIO_MODULE_PATH; \
	QV_BUILD='$(abs_top_builddir)'; export QV_BUILD; \
	QV_SOURCE='$(abs_top_srcdir)'; export QV_SOURCE; \
	QV_PROGRAMS='$(bin_PROGRAMS) $(sbin_PROGRAMS)'; export QV_PROGRAMS; \
	QV_TEST_PROGRAMS='$(check_PROGRAMS)'; export QV_TEST_PROGRAMS; \
	QV_CC='$(CC)'; export QV_CC; QV_CFLAGS='$(CFLAGS)'; export QV_CFLAGS; \
	PYTHONPATH='$(abs_top_srcdir)/tests/harness'; export PYTHONPATH; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE;

CFLAGS_UNIT = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
LDADD_UNIT = libqvisio.la $(CMOCKA_LIBS)

include %D%/harness/local.mk
include %D%/unit/local.mk
include %D%/unit/rtp/local.mk
include %D%/unit/shamir/local.mk
include %D%/audio/local.mk
include %D%/call/local.mk
include %D%/conference/local.mk
include %D%/modules/local.mk
include %D%/conformance/local.mk
include %D%/integration/local.mk
include %D%/interop/local.mk

include %D%/targets.mk
