# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/peers.py
PYTHON_BENCHES += %D%/sound.py %D%/picture.py %D%/loss.py %D%/rate.py %D%/size.py %D%/skew.py %D%/drift.py %D%/devices.py %D%/rekey.py %D%/cpu.py
bench_pattern = modules/videosource/testpattern/pattern.c modules/videosource/testpattern/pattern.h \
	modules/videosource/testpattern/digits.c modules/videosource/testpattern/digits.h
bench_judge = tests/harness/witness/judge.c tests/harness/witness/judge.h core/picture_scale.c core/picture_scale.h

BENCH_HELPERS += bench/call/camera bench/call/viewer
bench_call_camera_SOURCES = %D%/camera.c $(bench_pattern)
bench_call_camera_CFLAGS = $(AM_CFLAGS)
bench_call_camera_LDADD = libqvisio.la
bench_call_viewer_SOURCES = %D%/viewer.c $(bench_judge) $(bench_pattern)
bench_call_viewer_CFLAGS = $(AM_CFLAGS)
bench_call_viewer_LDADD = libqvisio.la -lm

if WITH_OPENSSL
if WITH_VPX
BENCH_HELPERS += bench/call/floor_picture
bench_call_floor_picture_SOURCES = %D%/floor_picture.c %D%/floor.c %D%/floor.h %D%/bare_vpx.c %D%/bare_vpx.h \
	$(bench_judge) $(bench_pattern)
bench_call_floor_picture_CFLAGS = $(AM_CFLAGS) $(VPX_CFLAGS) $(OPENSSL_CFLAGS)
bench_call_floor_picture_LDADD = libqvisio.la $(VPX_LIBS) $(OPENSSL_LIBS) -lm
endif
if WITH_ALSA
BENCH_FIELD += tests/harness/qvcard.la
if WITH_OPUS
BENCH_HELPERS += bench/call/floor_sound
bench_call_floor_sound_SOURCES = %D%/floor_sound.c %D%/floor.c %D%/floor.h
bench_call_floor_sound_CFLAGS = $(AM_CFLAGS) $(ALSA_CFLAGS) $(OPUS_CFLAGS) $(OPENSSL_CFLAGS)
bench_call_floor_sound_LDADD = $(ALSA_LIBS) $(OPUS_LIBS) $(OPENSSL_LIBS)
endif
endif
endif

if WITH_VPX
if WITH_OPUS
BENCH_HELPERS += bench/call/bare_call
bench_call_bare_call_SOURCES = %D%/bare_call.c %D%/bare_vpx.c %D%/bare_vpx.h $(bench_pattern) \
	modules/audiosource/tone/signal.c modules/audiosource/tone/signal.h
bench_call_bare_call_CFLAGS = $(AM_CFLAGS) $(VPX_CFLAGS) $(OPUS_CFLAGS)
bench_call_bare_call_LDADD = libqvisio.la $(VPX_LIBS) $(OPUS_LIBS) -lm
if WITH_SRTP
BENCHES += bench/call/codecs
bench_call_codecs_SOURCES = %D%/codecs.c %D%/bare_vpx.c %D%/bare_vpx.h $(bench_pattern)
bench_call_codecs_CFLAGS = $(AM_CFLAGS) $(VPX_CFLAGS) $(OPUS_CFLAGS) $(SRTP_CFLAGS)
bench_call_codecs_LDADD = libbench.la libqvisio.la $(VPX_LIBS) $(OPUS_LIBS) $(SRTP_LIBS) -lm
endif
endif
endif
