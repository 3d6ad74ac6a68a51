/* SPDX-License-Identifier: Apache-2.0 */
/* The files of admin/www, as embed.sh puts them into the program. */
#ifndef KME_ADMIN_WWW_H
#define KME_ADMIN_WWW_H

#include <stddef.h>

struct www_file {
	const char *path; /* "/app.js"; index.html is "/" */
	const char *type;
	const unsigned char *bytes;
	size_t size;
};

extern const struct www_file www_files[]; /* ended by a NULL path */

#endif
