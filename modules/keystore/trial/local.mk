# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += keystore_trial
keystore_trial_SOURCES = %D%/rivals.c %D%/trial.c %D%/trial.h %D%/twins.c
keystore_trial_LDADD = libqvisio.la -lpthread
dist_check_SCRIPTS += %D%/test_keystores.py
TESTS += %D%/test_keystores.py
