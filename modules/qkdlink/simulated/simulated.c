/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A QKD link without hardware: both KMEs derive the same keys from a secret that they share, and let them appear at a
 * configured rate. Key i of a lane is BLAKE2b keyed with the secret over the two KME IDs, the lane and i.
 */
#include <config.h>

#include <qvisio/qkdlink.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_MAX   256
#define WAIT_MAX_MS 1000
#define PERIODS_MAX 100000 /* counted in one call; a clock that jumped is caught up with in several */
#define KEY_BITS    (QV_QKDLINK_KEY_BYTES * 8)
#define SECRET_MIN  32
#define SECRET_MAX  4096

struct lane {
	int64_t start;  /* ns of CLOCK_REALTIME: when key 0 began to grow */
	uint64_t next;  /* first key not yet read */
	int64_t at, up; /* until `at` the link was up for `up` ns since `start` */
};

/* The link is down at the beginning of some of the periods that CLOCK_REALTIME divides into. */
struct outages {
	int64_t every, length; /* ns; 0: none */
	uint32_t chance;       /* of 2^32 */
	bool own;              /* this end only is cut off; the link grows on */
	uint8_t key[crypto_generichash_KEYBYTES];
};

struct qv_qkdlink {
	const struct qv_log *log;
	struct qv_secret *root; /* key of the derivation */
	struct lane lanes[QV_QKDLINK_LANES];
	uint64_t rate;  /* bit/s, of both lanes together */
	uint64_t stock; /* keys of each lane that are there from the start */
	int64_t delay;  /* ns */
	struct outages outages;
	struct qv_secret *keys;
	char labels[BATCH_MAX][QV_QKDLINK_LABEL_MAX + 1];
	const char *label_list[BATCH_MAX];
	char cursor[QV_QKDLINK_CURSOR_MAX + 1];
};

static const char *const outage_kinds[] = { "link", "this_end", NULL };

static const struct qv_option options[] = {
	{ .name = "secret_file",
	  .type = QV_OPTION_PATH,
	  .required = true,
	  .help = "File with at least 32 bytes that both KMEs hold and nobody else can read (mode 0600); it stands in "
		  "for the quantum channel." },
	{ .name = "rate",
	  .type = QV_OPTION_INT,
	  .fallback = "100000",
	  .min = 0,
	  .max = 1e12,
	  .unit = "bit/s",
	  .help = "How fast secret bits appear, both lanes together; the same at both KMEs." },
	{ .name = "stock",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1e9,
	  .unit = "keys",
	  .help = "Keys of 256 bits in each lane that are there from the start; the same at both KMEs." },
	{ .name = "delay",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 3600000,
	  .unit = "ms",
	  .help = "How much later than it grows a key comes to this KME." },
	{ .name = "outage_every",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 31536000,
	  .unit = "s",
	  .help = "Time from the beginning of one outage to that of the next, which are multiples of it on the clock; "
		  "0: "
		  "there are none." },
	{ .name = "outage_length",
	  .type = QV_OPTION_INT,
	  .fallback = "10",
	  .min = 0,
	  .max = 31536000,
	  .unit = "s",
	  .help = "How long an outage lasts, at most outage_every." },
	{ .name = "outage_probability",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "1",
	  .min = 0,
	  .max = 1,
	  .help = "How many of the outages happen; which ones is random, and follows from the secret." },
	{ .name = "outage_kind",
	  .type = QV_OPTION_CHOICE,
	  .choices = outage_kinds,
	  .fallback = "link",
	  .help = "What fails: the link, which grows no keys then and fails at both KMEs at once when their settings "
		  "are the "
		  "same, or the way of its keys to this end, where they come after the outage." },
	{ .name = NULL },
};

static int64_t wall_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * QV_NS_PER_SECOND + now.tv_nsec;
}

/* The ends in an order that both agree on, so that one secret used for two links gives different keys. */
static int derive_root(struct qv_qkdlink *link, const struct qv_secret *secret, const struct qv_qkdlink_ends *ends,
		       struct qv_error *err)
{
	bool local_first = strcmp(ends->local, ends->remote) < 0;
	const char *first = local_first ? ends->local : ends->remote;
	const char *second = local_first ? ends->remote : ends->local;
	crypto_generichash_state hash;
	link->root = qv_secret_new(crypto_generichash_KEYBYTES, err);
	if (!link->root)
		return -1;
	crypto_generichash_init(&hash, NULL, 0, crypto_generichash_KEYBYTES);
	const char purpose[] = "qvisio simulated link 1";
	crypto_generichash_update(&hash, (const unsigned char *)purpose, sizeof purpose);
	crypto_generichash_update(&hash, (const unsigned char *)first, strlen(first) + 1);
	crypto_generichash_update(&hash, (const unsigned char *)second, strlen(second) + 1);
	crypto_generichash_update(&hash, qv_secret_bytes(secret), qv_secret_size(secret));
	crypto_generichash_final(&hash, qv_secret_edit(link->root), crypto_generichash_KEYBYTES);
	qv_wipe(&hash, sizeof hash);
	return 0;
}

static int read_secret(struct qv_qkdlink *link, const struct qv_options *given, const struct qv_qkdlink_ends *ends,
		       struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	struct qv_secret *secret = qv_secret_from_file(qv_options_string(given, "secret_file"), SECRET_MAX, &why);
	if (!secret)
		return qv_options_fail(given, "secret_file", err, "%s", why.message);
	int result = 0;
	if (qv_secret_size(secret) < SECRET_MIN)
		result = qv_options_fail(given, "secret_file", err, "%s: has %zu bytes, at least %d are needed",
					 qv_options_string(given, "secret_file"), qv_secret_size(secret), SECRET_MIN);
	else
		result = derive_root(link, secret, ends, err);
	qv_secret_free(secret);
	return result;
}

static int read_outages(struct qv_qkdlink *link, const struct qv_options *given, const struct qv_qkdlink_ends *ends,
			struct qv_error *err)
{
	struct outages *outages = &link->outages;
	outages->every = qv_options_int(given, "outage_every") * QV_NS_PER_SECOND;
	outages->length = qv_options_int(given, "outage_length") * QV_NS_PER_SECOND;
	outages->own = strcmp(qv_options_string(given, "outage_kind"), "this_end") == 0;
	if (outages->every > 0 && outages->length > outages->every)
		return qv_options_fail(given, "outage_length", err, "is longer than outage_every");
	double chance = qv_options_float(given, "outage_probability") * 0x1p32;
	outages->chance = chance >= UINT32_MAX ? UINT32_MAX : (uint32_t)chance;
	/* Alike at both ends where the link fails, and not where one end does. */
	const char *who = outages->own ? ends->local : "";
	crypto_generichash(outages->key, sizeof outages->key, (const uint8_t *)who, strlen(who),
			   qv_secret_bytes(link->root), qv_secret_size(link->root));
	return 0;
}

static bool is_out(const struct outages *outages, int64_t period)
{
	uint8_t message[8], hash[crypto_generichash_BYTES_MIN];
	if (outages->chance == UINT32_MAX)
		return true;
	for (unsigned i = 0; i < sizeof message; i++)
		message[i] = (uint8_t)((uint64_t)period >> (8 * i));
	crypto_generichash(hash, sizeof hash, message, sizeof message, outages->key, sizeof outages->key);
	uint32_t draw = (uint32_t)hash[0] | (uint32_t)hash[1] << 8 | (uint32_t)hash[2] << 16 | (uint32_t)hash[3] << 24;
	return draw < outages->chance;
}

/* Counts on how long the link was up, period by period. A clock that was set back adds nothing. */
static int64_t up_time(const struct outages *outages, struct lane *lane, int64_t now)
{
	for (unsigned i = 0; lane->at < now && i < PERIODS_MAX; i++) {
		int64_t until = now;
		bool up = true;
		if (outages->every > 0 && !outages->own) {
			int64_t period = lane->at / outages->every, end = (period + 1) * outages->every;
			if (is_out(outages, period)) {
				int64_t back = period * outages->every + outages->length;
				up = lane->at >= back;
				end = up ? end : back;
			}
			until = end < now ? end : now;
		}
		lane->up += up ? until - lane->at : 0;
		lane->at = until;
	}
	return lane->up;
}

/* A cursor is "START NEXT"; without one the stream starts now. */
static int read_cursor(struct lane *lane, const char *text, int64_t now, struct qv_error *err)
{
	lane->start = lane->at = now;
	lane->next = 0;
	if (!text || !text[0])
		return 0;
	long long start;
	unsigned long long next;
	char end;
	if (sscanf(text, "%19lld %19llu%c", &start, &next, &end) != 2 || start < 0)
		return qv_fail(err, QV_E_INVALID, "the key store holds a position that is none of this module: \"%s\"",
			       text);
	lane->start = lane->at = start;
	lane->next = next;
	return 0;
}

static void close_link(struct qv_qkdlink *link)
{
	if (!link)
		return;
	qv_secret_free(link->root);
	qv_secret_free(link->keys);
	qv_wipe(&link->outages, sizeof link->outages);
	free(link);
}

static struct qv_qkdlink *open_link(const struct qv_host *host, const struct qv_options *given,
				    const struct qv_qkdlink_ends *ends, struct qv_error *err)
{
	struct qv_qkdlink *link = calloc(1, sizeof *link);
	if (!link) {
		qv_fail(err, QV_E_NOMEM, "no memory for a simulated link");
		return NULL;
	}
	link->log = host->log;
	link->stock = (uint64_t)qv_options_int(given, "stock");
	link->rate = (uint64_t)qv_options_int(given, "rate");
	link->delay = qv_options_int(given, "delay") * QV_NS_PER_MS;
	link->keys = qv_secret_new((size_t)BATCH_MAX * QV_QKDLINK_KEY_BYTES, err);
	int64_t now = wall_clock();
	if (!link->keys || read_secret(link, given, ends, err) != 0 || read_outages(link, given, ends, err) != 0 ||
	    read_cursor(&link->lanes[0], ends->cursor[0], now, err) != 0 ||
	    read_cursor(&link->lanes[1], ends->cursor[1], now, err) != 0) {
		close_link(link);
		return NULL;
	}
	for (size_t i = 0; i < BATCH_MAX; i++)
		link->label_list[i] = link->labels[i];
	qv_log_warning(link->log, "keys of the link with %s are simulated: they are only as secret as %s", ends->remote,
		       qv_options_string(given, "secret_file"));
	return link;
}

/* The time whose keys are here now. */
static int64_t arrived(const struct qv_qkdlink *link)
{
	const struct outages *outages = &link->outages;
	int64_t now = wall_clock() - link->delay;
	if (outages->every == 0 || !outages->own || !is_out(outages, now / outages->every))
		return now;
	int64_t period = now / outages->every;
	if (now >= period * outages->every + outages->length)
		return now;
	/* Outages that follow one another without a break are one. */
	for (unsigned i = 0; i < PERIODS_MAX && outages->length == outages->every && is_out(outages, period - 1); i++)
		period--;
	return period * outages->every;
}

/* How many keys of a lane have appeared so far: whole ones, without an error that adds up. */
static uint64_t grown(const struct qv_qkdlink *link, struct lane *lane)
{
	unsigned __int128 bits = (unsigned __int128)up_time(&link->outages, lane, arrived(link)) * link->rate;
	return link->stock + (uint64_t)(bits / ((unsigned __int128)QV_NS_PER_SECOND * KEY_BITS * QV_QKDLINK_LANES));
}

static void derive_key(const struct qv_qkdlink *link, unsigned lane, uint64_t index, uint8_t *key)
{
	uint8_t message[9] = { (uint8_t)lane };
	for (unsigned i = 0; i < 8; i++)
		message[1 + i] = (uint8_t)(index >> (8 * i));
	crypto_generichash(key, QV_QKDLINK_KEY_BYTES, message, sizeof message, qv_secret_bytes(link->root),
			   qv_secret_size(link->root));
}

static int read_link(struct qv_qkdlink *link, unsigned lane_number, size_t max, struct qv_qkdlink_batch *batch,
		     struct qv_error *err)
{
	(void)err;
	struct lane *lane = &link->lanes[lane_number];
	uint64_t have = grown(link, lane);
	size_t count = have > lane->next ? (size_t)(have - lane->next) : 0;
	if (count > max)
		count = max;
	if (count > BATCH_MAX)
		count = BATCH_MAX;
	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		derive_key(link, lane_number, lane->next, qv_secret_edit(link->keys) + i * QV_QKDLINK_KEY_BYTES);
		snprintf(link->labels[i], sizeof link->labels[i], "%u:%llu", lane_number,
			 (unsigned long long)lane->next);
		lane->next++;
	}
	snprintf(link->cursor, sizeof link->cursor, "%lld %llu", (long long)lane->start,
		 (unsigned long long)lane->next);
	*batch = (struct qv_qkdlink_batch){
		.count = count, .keys = link->keys, .labels = link->label_list, .cursor = link->cursor
	};
	return 1;
}

/* About the time that a key of either lane takes. */
static int wait_ms(struct qv_qkdlink *link)
{
	if (link->rate == 0)
		return WAIT_MAX_MS;
	uint64_t ms = (uint64_t)KEY_BITS * 1000 / link->rate;
	return ms < 10 ? 10 : ms > WAIT_MAX_MS ? WAIT_MAX_MS : (int)ms;
}

static const struct qv_qkdlink_class simulated = {
	.head = { .kind = "qkdlink",
		  .name = "simulated",
		  .summary = "the same keys at both KMEs, derived from a shared secret, for labs without QKD hardware",
		  .abi_major = QV_QKDLINK_ABI_MAJOR,
		  .abi_minor = QV_QKDLINK_ABI_MINOR,
		  .size = sizeof(struct qv_qkdlink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = open_link,
	.close = close_link,
	.read = read_link,
	.wait_ms = wait_ms,
};

static const struct qv_class *const classes[] = { &simulated.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = PACKAGE_VERSION,
	.license = "Apache-2.0",
	.classes = classes,
};
