/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the keys out of a JSON text before a JSON library sees it. A library copies each string through buffers that
 * it frees without wiping; so the value of every member "key" is decoded straight into a secret, and the text keeps a
 * number in its place. JSON has quotation marks around strings only, so strings are all that must be understood here:
 * in a text that is no JSON the wrong pieces may be lifted, and the library refuses the text afterwards.
 */
#ifndef ETSI014_LIFT_H
#define ETSI014_LIFT_H

#include <qvisio/secret.h>

#define ETSI014_LIFT_MAX 32 /* keys; QV_KEYS_AT_ONCE are asked for at most, more are wiped all the same */

struct etsi014_lifted {
	struct qv_secret *keys[ETSI014_LIFT_MAX]; /* owned; NULL where the text was no base64 */
	size_t count;                             /* of members "key", may exceed ETSI014_LIFT_MAX */
};

/* Edits the text: the value of the n-th (from 0) member "key" becomes the string of the character '0' + n, blanks follow it. */
void etsi014_lift_keys(char *text, size_t size, struct etsi014_lifted *lifted);

/* The key that a placeholder stands for, or NULL; still owned by `lifted`. */
struct qv_secret *etsi014_lifted_key(struct etsi014_lifted *lifted, const char *placeholder);

void etsi014_lifted_clear(struct etsi014_lifted *lifted);

#endif
