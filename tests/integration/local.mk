# SPDX-License-Identifier: Apache-2.0
dist_check_SCRIPTS += %D%/test_build.py %D%/test_examples.py %D%/test_loader.py %D%/test_man_pages.py
TESTS += %D%/test_build.py %D%/test_examples.py %D%/test_loader.py %D%/test_man_pages.py
include %D%/kme/local.mk
include %D%/conformance_probe/local.mk
include %D%/relay/local.mk
dist_check_SCRIPTS += %D%/test_field_network.py
TESTS += %D%/test_field_network.py
if WITH_JANSSON
if WITH_VPX
if WITH_OPUS
dist_check_SCRIPTS += %D%/test_field_stream.py
TESTS += %D%/test_field_stream.py
if WITH_SRTP
dist_check_SCRIPTS += %D%/test_field_srtp.py %D%/test_field_size.py %D%/test_field_changes.py %D%/test_field_otp.py
TESTS += %D%/test_field_srtp.py %D%/test_field_size.py %D%/test_field_changes.py %D%/test_field_otp.py
endif
endif
endif
dist_check_SCRIPTS += %D%/test_visio_config.py %D%/test_call.py %D%/test_call_kme.py %D%/test_call_sync.py %D%/test_call_window.py %D%/test_visio.py %D%/test_visio_steering.py %D%/test_visio_kme.py %D%/test_visio_lost.py %D%/test_visio_tui.py %D%/test_demo.py %D%/test_echo.py %D%/test_device_switch.py %D%/test_visio_alsa.py
TESTS += %D%/test_visio_config.py %D%/test_call.py %D%/test_call_kme.py %D%/test_call_sync.py %D%/test_call_window.py %D%/test_visio.py %D%/test_visio_steering.py %D%/test_visio_kme.py %D%/test_visio_lost.py %D%/test_visio_tui.py %D%/test_demo.py %D%/test_echo.py %D%/test_device_switch.py %D%/test_visio_alsa.py
dist_check_SCRIPTS += %D%/test_conference.py %D%/test_growing.py
TESTS += %D%/test_conference.py %D%/test_growing.py
dist_check_SCRIPTS += %D%/test_visio_otp.py
TESTS += %D%/test_visio_otp.py
endif
