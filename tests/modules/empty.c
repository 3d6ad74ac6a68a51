/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no module: qv_module is missing. */
int qv_empty(void);

int qv_empty(void)
{
	return 0;
}
