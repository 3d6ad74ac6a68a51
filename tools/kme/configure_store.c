/* SPDX-License-Identifier: Apache-2.0 */
/* Group store: the module that keeps the keys. */
#include "configure.h"

int configure_store(struct kme *kme, const struct qv_section *root, struct qv_error *err)
{
	const struct qv_section *section;
	if (qv_section_group(root, "store", &section, err) != 0)
		return -1;
	if (!section)
		return qv_fail(err, QV_E_CONFIG, "%s: store: missing; it names the module that keeps the keys",
			       qv_section_where(root));
	if (qv_role_load(kme->loader, section, "keystore", NULL, &kme->wanted_store, err) != 0)
		return -1;
	if (!kme->store_class)
		kme->store_class = qv_keystore_class(kme->wanted_store.class);
	return 0;
}
