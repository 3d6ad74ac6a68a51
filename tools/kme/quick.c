/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests of SAEs never wait. */
#include <string.h>

#include "apis.h"

#define KEYS     "/api/v1/keys/"
#define ENC_KEYS "/enc_keys"

/* Whether the path is …/keys/SAE/enc_keys with an SAE of this KME. An ID that needs escapes is not looked for. */
static bool is_enc_keys_here(struct kme *kme, const char *path, size_t length)
{
	char id[QV_SAE_ID_MAX + 1];
	size_t begin = strlen(KEYS), end = strlen(ENC_KEYS);
	size_t size = length > begin + end ? length - begin - end : 0;
	if (size == 0 || size > QV_SAE_ID_MAX || memcmp(path, KEYS, begin) != 0)
		return false;
	memcpy(id, path + begin, size);
	id[size] = '\0';
	const struct sae *slave = kme_sae(kme, id);
	return slave && !slave->peer;
}

bool sae_api_is_quick(struct kme *kme, const struct request *request)
{
	const char *path = request->target;
	size_t length = strcspn(path, "?"), end = strlen(ENC_KEYS);
	/* A store or an audit log on a disk may wait for it. */
	if (!(kme->store_class->traits & QV_KEYSTORE_VOLATILE) || kme->audit)
		return false;
	if (length < end || memcmp(path + length - end, ENC_KEYS, end) != 0)
		return true;
	/* A body may name further SAEs, of other KMEs. */
	return kme->peer_count == 0 || (!request->body && is_enc_keys_here(kme, path, length));
}
