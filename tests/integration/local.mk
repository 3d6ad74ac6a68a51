# SPDX-License-Identifier: Apache-2.0
dist_check_SCRIPTS += %D%/test_man_pages.py
TESTS += %D%/test_man_pages.py
include %D%/kme/local.mk
