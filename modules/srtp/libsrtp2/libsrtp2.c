/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP on libsrtp2: a pair of its sessions for each generation of keys. libsrtp2 makes a stream for every new SSRC and
 * starts it with a rollover counter of 0; a stream that lives on under new keys is told the counter it has reached.
 */
#include <qvisio/srtp.h>

#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#define MKI_SIZE    4
#define RTP_HEADER  12
#define RTCP_HEADER 8
#define SRTCP_INDEX 4
#define TAG         16

/* The highest index (rollover counter and sequence number) of an SSRC, over all generations. */
struct source {
	uint32_t ssrc;
	uint64_t index;
	bool counted; /* `index` is of a packet; else only RTCP was seen */
};

struct direction {
	struct source sources[QV_SRTP_SOURCES];
	size_t count;
};

struct generation {
	bool held;
	uint32_t number;
	uint8_t mki[MKI_SIZE];
	struct qv_secret *send, *receive; /* masters */
	srtp_t out, in;
	/* A bit for each source whose stream has the right rollover counter. */
	uint64_t out_ready, in_ready;
};

struct qv_srtp {
	struct generation generations[QV_SRTP_GENERATIONS];
	struct generation *used; /* to protect with; NULL: none */
	struct direction sent, received;
	unsigned long window;
};

_Static_assert(QV_SRTP_SOURCES <= 64, "a bit for each source");

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static srtp_err_status_t library_status;
static srtp_t library_anchor;

/* Without a session NSS, below libsrtp2, ends, and at the next one sets itself up anew, leaking: one stays, unused. */
static void library_start(void)
{
	unsigned char nothing[QV_SRTP_MASTER] = { 0 };
	srtp_policy_t policy = { .ssrc = { .type = ssrc_any_outbound }, .key = nothing };
	library_status = srtp_init();
	if (library_status != srtp_err_status_ok)
		return;
	srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
	srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
	library_status = srtp_create(&library_anchor, &policy);
}

static struct qv_srtp *srtp_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	(void)host;
	pthread_once(&library_once, library_start);
	struct qv_srtp *srtp = library_status == srtp_err_status_ok ? calloc(1, sizeof *srtp) : NULL;
	if (!srtp) {
		qv_fail(err, QV_E_NOMEM, "libsrtp2 does not start (status %d)", (int)library_status);
		return NULL;
	}
	srtp->window = (unsigned long)qv_options_int(options, "replay_window");
	return srtp;
}

static void release(struct qv_srtp *srtp, struct generation *generation)
{
	if (generation->out)
		srtp_dealloc(generation->out);
	if (generation->in)
		srtp_dealloc(generation->in);
	qv_secret_free(generation->send);
	qv_secret_free(generation->receive);
	if (srtp->used == generation)
		srtp->used = NULL;
	*generation = (struct generation){ 0 };
}

static void srtp_close(struct qv_srtp *srtp)
{
	for (int i = 0; srtp && i < QV_SRTP_GENERATIONS; i++)
		release(srtp, &srtp->generations[i]);
	free(srtp);
}

static struct generation *find(struct qv_srtp *srtp, uint32_t number)
{
	for (int i = 0; i < QV_SRTP_GENERATIONS; i++)
		if (srtp->generations[i].held && srtp->generations[i].number == number)
			return &srtp->generations[i];
	return NULL;
}

/* A session for every SSRC of one direction, or a stream of one SSRC added to that. */
static srtp_err_status_t make(const struct qv_srtp *srtp, struct generation *generation, bool out, const uint32_t *ssrc)
{
	const struct qv_secret *master = out ? generation->send : generation->receive;
	srtp_t *session = out ? &generation->out : &generation->in;
	/* libsrtp2 takes the key as writable, and copies it. */
	srtp_master_key_t key;
	key.key = (unsigned char *)(uintptr_t)qv_secret_bytes(master);
	key.mki_id = generation->mki;
	key.mki_size = MKI_SIZE;
	srtp_master_key_t *keys[] = { &key };
	srtp_policy_t policy = { .ssrc = { .type = out ? ssrc_any_outbound : ssrc_any_inbound },
				 .keys = keys,
				 .num_master_keys = 1,
				 .window_size = srtp->window };
	srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
	srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
	if (!ssrc)
		return srtp_create(session, &policy);
	policy.ssrc = (srtp_ssrc_t){ .type = ssrc_specific, .value = *ssrc };
	return srtp_add_stream(*session, &policy);
}

static int srtp_add_keys(struct qv_srtp *srtp, uint32_t number, const struct qv_secret *send,
			 const struct qv_secret *receive, struct qv_error *err)
{
	struct generation *generation = NULL;
	if (qv_secret_size(send) != QV_SRTP_MASTER || qv_secret_size(receive) != QV_SRTP_MASTER)
		return qv_fail(err, QV_E_INVALID, "SRTP masters of %zu and %zu bytes, not %u", qv_secret_size(send),
			       qv_secret_size(receive), QV_SRTP_MASTER);
	if (find(srtp, number))
		return qv_fail(err, QV_E_INVALID, "SRTP keys of generation %u are there already", number);
	for (int i = 0; i < QV_SRTP_GENERATIONS && !generation; i++)
		if (!srtp->generations[i].held)
			generation = &srtp->generations[i];
	if (!generation)
		return qv_fail(err, QV_E_BUSY, "%d generations of SRTP keys are held already", QV_SRTP_GENERATIONS);
	generation->number = number;
	for (int i = 0; i < MKI_SIZE; i++)
		generation->mki[i] = (uint8_t)(number >> (8 * (MKI_SIZE - 1 - i)));
	generation->send = qv_secret_copy(qv_secret_bytes(send), QV_SRTP_MASTER, err);
	generation->receive = generation->send ? qv_secret_copy(qv_secret_bytes(receive), QV_SRTP_MASTER, err) : NULL;
	if (!generation->receive) {
		release(srtp, generation);
		return -1;
	}
	srtp_err_status_t status = make(srtp, generation, true, NULL);
	if (status == srtp_err_status_ok)
		status = make(srtp, generation, false, NULL);
	if (status != srtp_err_status_ok) {
		release(srtp, generation);
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "libsrtp2 makes no session with AES-256-GCM (status %d): is it built without?",
			       (int)status);
	}
	generation->held = true;
	return 0;
}

static int srtp_use_keys(struct qv_srtp *srtp, uint32_t number, struct qv_error *err)
{
	struct generation *generation = find(srtp, number);
	if (!generation)
		return qv_fail(err, QV_E_NO_KEY, "there are no SRTP keys of generation %u", number);
	srtp->used = generation;
	return 0;
}

static void srtp_drop_keys(struct qv_srtp *srtp, uint32_t number)
{
	struct generation *generation = find(srtp, number);
	if (generation)
		release(srtp, generation);
}

static uint32_t get32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The place of an SSRC, or of a new one behind the last; QV_SRTP_SOURCES: there is no room. */
static size_t place_of(const struct direction *direction, uint32_t ssrc)
{
	size_t i = 0;
	while (i < direction->count && direction->sources[i].ssrc != ssrc)
		i++;
	return i;
}

/* The index that a sequence number most likely belongs to: RFC 3711 section 3.3.1. */
static uint64_t estimate(const struct source *source, uint16_t sequence)
{
	if (!source->counted)
		return sequence;
	int64_t index = (int64_t)source->index + (int16_t)(uint16_t)(sequence - (uint16_t)source->index);
	return index < 0 ? sequence : (uint64_t)index;
}

static void count(struct direction *direction, size_t place, uint32_t ssrc, const uint64_t *index)
{
	struct source *source = &direction->sources[place];
	if (place == direction->count) {
		*source = (struct source){ .ssrc = ssrc };
		direction->count++;
	}
	if (index && (!source->counted || *index > source->index))
		source->index = *index;
	if (index)
		source->counted = true;
}

/* The stream under new keys goes on where it was under the old ones: RFC 3711 section 3.3.1 keeps the counter. */
static srtp_err_status_t continue_rollover(struct qv_srtp *srtp, struct generation *generation, bool out, uint32_t ssrc,
					   uint32_t rollover)
{
	srtp_t session = out ? generation->out : generation->in;
	srtp_err_status_t status = srtp_set_stream_roc(session, ssrc, rollover);
	if (status == srtp_err_status_ok)
		return status;
	status = make(srtp, generation, out, &ssrc);
	return status == srtp_err_status_ok ? srtp_set_stream_roc(session, ssrc, rollover) : status;
}

static int too_many(struct qv_error *err)
{
	return qv_fail(err, QV_E_BUSY, "SRTP packets of more than %d sources", QV_SRTP_SOURCES);
}

static int protect_fails(srtp_err_status_t status, struct qv_error *err)
{
	switch (status) {
	case srtp_err_status_key_expired:
		return qv_fail(err, QV_E_NO_KEY, "the SRTP keys are used up: new ones are needed");
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
	case srtp_err_status_bad_param:
		return qv_fail(err, QV_E_INVALID, "a packet that is malformed, or was protected before");
	default:
		return qv_fail(err, QV_E_INTERNAL, "libsrtp2 does not protect a packet (status %d)", (int)status);
	}
}

/* 0: seen before, or too old to tell. */
static int unprotect_fails(srtp_err_status_t status, struct qv_error *err)
{
	switch (status) {
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		return 0;
	case srtp_err_status_auth_fail:
	case srtp_err_status_cipher_fail:
		return qv_fail(err, QV_E_DENIED, "an SRTP packet that is altered, or not from the peer");
	default:
		return qv_fail(err, QV_E_PROTOCOL, "a datagram that is no SRTP packet (status %d)", (int)status);
	}
}

static int srtp_protect_packet(struct qv_srtp *srtp, uint8_t *packet, size_t *size, struct qv_error *err)
{
	struct generation *generation = srtp->used;
	int length = (int)*size;
	if (!generation)
		return qv_fail(err, QV_E_NO_KEY, "no SRTP keys are in use");
	if (*size < RTP_HEADER || *size > UINT16_MAX)
		return qv_fail(err, QV_E_INVALID, "%zu bytes are no RTP packet", *size);
	uint32_t ssrc = get32(packet + 8);
	size_t place = place_of(&srtp->sent, ssrc);
	if (place == QV_SRTP_SOURCES)
		return too_many(err);
	uint64_t index = estimate(&srtp->sent.sources[place], (uint16_t)(packet[2] << 8 | packet[3])),
		 bit = 1ull << place;
	srtp_err_status_t status = srtp_err_status_ok;
	if (index >> 16 && !(generation->out_ready & bit))
		status = continue_rollover(srtp, generation, true, ssrc, (uint32_t)(index >> 16));
	if (status == srtp_err_status_ok)
		status = srtp_protect_mki(generation->out, packet, &length, 1, 0);
	if (status != srtp_err_status_ok)
		return protect_fails(status, err);
	count(&srtp->sent, place, ssrc, &index);
	generation->out_ready |= bit;
	*size = (size_t)length;
	return 0;
}

static int srtp_protect_control(struct qv_srtp *srtp, uint8_t *packet, size_t *size, struct qv_error *err)
{
	int length = (int)*size;
	if (!srtp->used)
		return qv_fail(err, QV_E_NO_KEY, "no SRTP keys are in use");
	if (*size < RTCP_HEADER || *size > UINT16_MAX)
		return qv_fail(err, QV_E_INVALID, "%zu bytes are no RTCP packet", *size);
	uint32_t ssrc = get32(packet + 4);
	size_t place = place_of(&srtp->sent, ssrc);
	if (place == QV_SRTP_SOURCES)
		return too_many(err);
	srtp_err_status_t status = srtp_protect_rtcp_mki(srtp->used->out, packet, &length, 1, 0);
	if (status != srtp_err_status_ok)
		return protect_fails(status, err);
	count(&srtp->sent, place, ssrc, NULL);
	*size = (size_t)length;
	return 0;
}

/* The generation that a packet names behind its other bytes. */
static struct generation *generation_of(struct qv_srtp *srtp, const uint8_t *packet, size_t size, size_t least,
					struct qv_error *err)
{
	if (size < least + TAG + MKI_SIZE || size > UINT16_MAX || packet[0] >> 6 != 2) {
		qv_fail(err, QV_E_PROTOCOL, "a datagram of %zu bytes is no SRTP packet", size);
		return NULL;
	}
	uint32_t number = get32(packet + size - MKI_SIZE);
	struct generation *generation = find(srtp, number);
	if (!generation)
		qv_fail(err, QV_E_NO_KEY, "an SRTP packet of generation %u, of which there are no keys", number);
	return generation;
}

static int srtp_unprotect_packet(struct qv_srtp *srtp, uint8_t *packet, size_t *size, uint32_t *number,
				 struct qv_error *err)
{
	struct generation *generation = generation_of(srtp, packet, *size, RTP_HEADER, err);
	int length = (int)*size;
	if (!generation)
		return -1;
	uint32_t ssrc = get32(packet + 8);
	size_t place = place_of(&srtp->received, ssrc);
	if (place == QV_SRTP_SOURCES)
		return too_many(err);
	uint64_t index = estimate(&srtp->received.sources[place], (uint16_t)(packet[2] << 8 | packet[3]));
	uint64_t bit = 1ull << place;
	srtp_err_status_t status = srtp_err_status_ok;
	/* Only known sources get here with a counter, so forged packets make no stream. */
	if (index >> 16 && !(generation->in_ready & bit))
		status = continue_rollover(srtp, generation, false, ssrc, (uint32_t)(index >> 16));
	if (status == srtp_err_status_ok)
		status = srtp_unprotect_mki(generation->in, packet, &length, 1);
	if (status != srtp_err_status_ok)
		return unprotect_fails(status, err);
	count(&srtp->received, place, ssrc, &index);
	generation->in_ready |= bit;
	*size = (size_t)length;
	*number = generation->number;
	return 1;
}

static int srtp_unprotect_control(struct qv_srtp *srtp, uint8_t *packet, size_t *size, uint32_t *number,
				  struct qv_error *err)
{
	struct generation *generation = generation_of(srtp, packet, *size, RTCP_HEADER + SRTCP_INDEX, err);
	int length = (int)*size;
	if (!generation)
		return -1;
	uint32_t ssrc = get32(packet + 4);
	size_t place = place_of(&srtp->received, ssrc);
	if (place == QV_SRTP_SOURCES)
		return too_many(err);
	srtp_err_status_t status = srtp_unprotect_rtcp_mki(generation->in, packet, &length, 1);
	if (status != srtp_err_status_ok)
		return unprotect_fails(status, err);
	count(&srtp->received, place, ssrc, NULL);
	*size = (size_t)length;
	*number = generation->number;
	return 1;
}

static const struct qv_option options[] = {
	{ .name = "replay_window",
	  .type = QV_OPTION_INT,
	  .fallback = "1024",
	  .min = 64,
	  .max = 32767,
	  .unit = "packets",
	  .help = "How far behind the newest sequence number a packet is still taken." },
	{ .name = NULL },
};

static const struct qv_srtp_class class = {
	.head = { .kind = "srtp",
		  .name = "libsrtp2",
		  .summary = "SRTP with AES-256-GCM on libsrtp2",
		  .abi_major = QV_SRTP_ABI_MAJOR,
		  .abi_minor = QV_SRTP_ABI_MINOR,
		  .size = sizeof class,
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = srtp_open,
	.close = srtp_close,
	.add_keys = srtp_add_keys,
	.use_keys = srtp_use_keys,
	.drop_keys = srtp_drop_keys,
	.protect = srtp_protect_packet,
	.protect_rtcp = srtp_protect_control,
	.unprotect = srtp_unprotect_packet,
	.unprotect_rtcp = srtp_unprotect_control,
};

static const struct qv_class *const classes[] = { &class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND BSD-3-Clause",
	.classes = classes,
};
