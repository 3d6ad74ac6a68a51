/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/tls.h>

#include "mutant.h"

static struct qv_tls_class __mutant;
static struct qv_tls_class __good;

struct qv_tls_lookup {
	const struct qv_tls_finder *finder;
};

static struct qv_secret *fixed_key(void)
{
	return qv_secret_copy("0123456789abcdef0123456789abcdef", 32, NULL);
}

static int find_fixed(struct qv_tls_lookup *lookup, const uint8_t *identity, size_t size, struct qv_tls_psk *psk,
		      struct qv_error *why)
{
	int found = lookup->finder->find(lookup->finder->lookup, identity, size, psk, why);
#ifdef MUTATE_ANY_IDENTITY
	found = 1;
	psk->hash = QV_TLS_SHA256;
#endif
	if (found == 1) {
		qv_secret_free(psk->key);
		psk->key = fixed_key();
	}
	return found;
}

static struct qv_tls_session *accept_fixed(struct qv_tls *tls, int fd, const struct qv_tls_finder *finder,
					   struct qv_error *err)
{
	struct qv_tls_lookup lookup = { finder };
	struct qv_tls_finder fixed = { find_fixed, &lookup };
	return __good.accept(tls, fd, &fixed, err);
}

static struct qv_tls_session *connect_fixed(struct qv_tls *tls, int fd, const char *host, const struct qv_tls_psk *psk,
					    struct qv_error *err)
{
	if (!psk)
		return __good.connect(tls, fd, host, psk, err);
	struct qv_tls_psk fixed = *psk;
	fixed.key = fixed_key();
	struct qv_tls_session *session = __good.connect(tls, fd, host, &fixed, err);
	qv_secret_free(fixed.key);
	return session;
}

static void lying_facts(const struct qv_tls_session *session, struct qv_tls_facts *facts)
{
	__good.facts(session, facts);
	facts->psk = false;
}

static int constant_export(struct qv_tls_session *session, const char *label, struct qv_secret *out,
			   struct qv_error *err)
{
	int result = __good.export_key(session, label, out, err);
	memset(qv_secret_edit(out), 7, qv_secret_size(out));
	return result;
}

static int silent_shutdown(struct qv_tls_session *session, struct qv_error *err)
{
	(void)session;
	(void)err;
	return QV_TLS_IO_DONE;
}

static int lenient_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err)
{
	int result = __good.read(session, bytes, size, got, err);
	if (result < 0 && err->code == QV_E_TRUNCATED)
		err->code = QV_E_END;
	return result;
}

static int flipping_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err)
{
	int result = __good.read(session, bytes, size, got, err);
	if (result == QV_TLS_IO_DONE && *got > 1000)
		((uint8_t *)bytes)[999] ^= 1;
	return result;
}

static struct qv_tls *deaf_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	static struct qv_host __deaf;
	__deaf = *host;
	__deaf.cancel_fd = -1;
	return __good.open(&__deaf, options, err);
}

static struct qv_tls *patient_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	if (qv_options_assign((struct qv_options *)(uintptr_t)options, "handshake_timeout", "600000", err) != 0)
		return NULL;
	return __good.open(host, options, err);
}

static struct qv_tls *lax_open(const struct qv_host *host, const struct qv_options *options, struct qv_error *err)
{
	const char *lax = mutation("LAX_SERVER") ? "certificate" : "ca";
	if (qv_options_string(options, lax) && strcmp(qv_options_string(options, "qkd"), "require") == 0 &&
	    qv_options_assign((struct qv_options *)(uintptr_t)options, "qkd", "prefer", err) != 0)
		return NULL;
	return __good.open(host, options, err);
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_tls_class(original_class());
	__mutant = __good;
#if defined MUTATE_ANY_KEY || defined MUTATE_ANY_IDENTITY
	__mutant.connect = connect_fixed;
	__mutant.accept = accept_fixed;
#elif defined MUTATE_FACTS
	__mutant.facts = lying_facts;
#elif defined MUTATE_EXPORT
	__mutant.export_key = constant_export;
#elif defined MUTATE_SHUTDOWN
	__mutant.shutdown = silent_shutdown;
#elif defined MUTATE_TRUNCATION
	__mutant.read = lenient_read;
#elif defined MUTATE_DATA
	__mutant.read = flipping_read;
#elif defined MUTATE_DEAF
	__mutant.open = deaf_open;
#elif defined MUTATE_PATIENT
	__mutant.open = patient_open;
#elif defined MUTATE_LAX_SERVER || defined MUTATE_LAX_CLIENT
	__mutant.open = lax_open;
#endif
	(void)lax_open;
	(void)connect_fixed, (void)accept_fixed, (void)lying_facts, (void)constant_export, (void)silent_shutdown;
	(void)lenient_read, (void)flipping_read, (void)deaf_open, (void)patient_open;
}

MUTANT_MODULE
