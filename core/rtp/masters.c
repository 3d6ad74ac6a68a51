/* SPDX-License-Identifier: Apache-2.0 */
/* From the exporter of TLS to the masters of SRTP, in the order of RFC 5764 section 4.2. */
#include <qvisio/srtp.h>

#include <string.h>

#define KEY  32
#define SALT 12

static struct qv_secret *cut(const uint8_t *exported, unsigned side, struct qv_error *err)
{
	struct qv_secret *master = qv_secret_new(QV_SRTP_MASTER, err);
	if (!master)
		return NULL;
	memcpy(qv_secret_edit(master), exported + (size_t)side * KEY, KEY);
	memcpy(qv_secret_edit(master) + KEY, exported + 2 * KEY + (size_t)side * SALT, SALT);
	return master;
}

int qv_srtp_masters(const struct qv_secret *exported, bool caller, struct qv_secret **send, struct qv_secret **receive,
		    struct qv_error *err)
{
	*send = *receive = NULL;
	if (qv_secret_size(exported) != QV_SRTP_EXPORTED)
		return qv_fail(err, QV_E_INVALID, "masters of SRTP are made of %u exported bytes, not %zu",
			       QV_SRTP_EXPORTED, qv_secret_size(exported));
	*send = cut(qv_secret_bytes(exported), caller ? 0 : 1, err);
	*receive = *send ? cut(qv_secret_bytes(exported), caller ? 1 : 0, err) : NULL;
	if (*receive)
		return 0;
	qv_secret_free(*send);
	*send = NULL;
	return -1;
}
