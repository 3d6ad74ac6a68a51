# SPDX-License-Identifier: Apache-2.0
FUZZERS += fuzz/modules/psk_keys
fuzz_modules_psk_keys_SOURCES = %D%/psk_keys.c fuzz/fuzz.h modules/keysource/psk/key_file.c modules/keysource/psk/record.c
# Flags of its own keep these objects apart from the module's.
fuzz_modules_psk_keys_CFLAGS = $(AM_CFLAGS)
fuzz_modules_psk_keys_LDADD = $(LDADD_FUZZ)
EXTRA_DIST += %D%/corpus/psk_keys
include %D%/audio.mk
include %D%/relay.mk

FUZZERS += fuzz/modules/y4m fuzz/modules/jpeg_stream
fuzz_modules_y4m_SOURCES = %D%/y4m.c fuzz/fuzz.h modules/videosource/file/y4m.c
fuzz_modules_y4m_CFLAGS = $(AM_CFLAGS)
fuzz_modules_y4m_LDADD = $(LDADD_FUZZ)
fuzz_modules_jpeg_stream_SOURCES = %D%/jpeg_stream.c fuzz/fuzz.h modules/videosource/file/jpeg_stream.c \
	modules/videosource/common/jpeg_scan.c
fuzz_modules_jpeg_stream_CFLAGS = $(AM_CFLAGS)
fuzz_modules_jpeg_stream_LDADD = $(LDADD_FUZZ)
EXTRA_DIST += %D%/corpus/y4m %D%/corpus/jpeg_stream

FUZZERS += fuzz/modules/directory_journal
fuzz_modules_directory_journal_SOURCES = %D%/directory_journal.c fuzz/fuzz.h modules/qkdlink/directory/file_id.c \
	modules/qkdlink/directory/journal.c
fuzz_modules_directory_journal_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
fuzz_modules_directory_journal_LDADD = $(LDADD_FUZZ) $(CORE_LIBS)
EXTRA_DIST += %D%/corpus/directory_journal

if WITH_JANSSON
FUZZERS += fuzz/modules/etsi014_answer
fuzz_modules_etsi014_answer_SOURCES = %D%/etsi014_answer.c fuzz/fuzz.h modules/keysource/etsi014/answer.c \
	modules/keysource/etsi014/lift.c
fuzz_modules_etsi014_answer_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
fuzz_modules_etsi014_answer_LDADD = $(LDADD_FUZZ) $(JANSSON_LIBS)
endif
EXTRA_DIST += %D%/corpus/etsi014_answer

if WITH_TURBOJPEG
FUZZERS += fuzz/modules/mjpeg
fuzz_modules_mjpeg_SOURCES = %D%/mjpeg.c fuzz/fuzz.h $(mjpeg_sources)
fuzz_modules_mjpeg_CFLAGS = $(AM_CFLAGS) $(TURBOJPEG_CFLAGS)
fuzz_modules_mjpeg_LDADD = $(LDADD_FUZZ) $(TURBOJPEG_LIBS)
endif
EXTRA_DIST += %D%/corpus/mjpeg

if WITH_VPX
FUZZERS += fuzz/modules/vpx
fuzz_modules_vpx_SOURCES = %D%/vpx.c fuzz/fuzz.h $(vpx_sources)
fuzz_modules_vpx_CFLAGS = $(AM_CFLAGS) $(VPX_CFLAGS)
fuzz_modules_vpx_LDADD = $(LDADD_FUZZ) $(VPX_LIBS)
endif
EXTRA_DIST += %D%/corpus/vpx

if WITH_SRTP
FUZZERS += fuzz/modules/srtp
fuzz_modules_srtp_SOURCES = %D%/srtp.c fuzz/fuzz.h modules/srtp/libsrtp2/libsrtp2.c
fuzz_modules_srtp_CFLAGS = $(AM_CFLAGS) $(SRTP_CFLAGS) -pthread
fuzz_modules_srtp_LDADD = $(LDADD_FUZZ) $(SRTP_LIBS)
endif
EXTRA_DIST += %D%/corpus/srtp
