/* SPDX-License-Identifier: Apache-2.0 */
/* The checks, one table for each clause, each ended by a row without a number. */
#ifndef CONFORMANCE_CHECKS_H
#define CONFORMANCE_CHECKS_H

#include "probe.h"

extern const struct check checks_5_1[], checks_5_2[], checks_5_3[], checks_5_4[];
extern const struct check checks_6_1[], checks_6_2[], checks_6_3[], checks_6_4[], checks_6_5[];
extern const struct check checks_advice[], checks_shortage[];

/* All tables in the order in which they run; ended by NULL. */
extern const struct check *const check_tables[];

/* Sends `request` as body of enc_keys, or as URL parameters when it starts with '?'; expects 400. */
enum verdict check_enc_refused(struct probe *probe, const char *request, struct finding *finding);

/* PASSED if the answer has application/json, perhaps with parameters. */
enum verdict check_type(const struct answer *answer, struct finding *finding);

/* PASSED if the body is an Error object (clause 6.5) without looking at its details. */
enum verdict check_error_object(const json_t *json, struct finding *finding);

/* Details of an Error: absent, or an array of objects. */
enum verdict check_error_details(const json_t *json, struct finding *finding);

/* PASSED if the answer's message is exactly this one. */
enum verdict check_message(const struct answer *answer, const char *message, struct finding *finding);

/* A size that is no multiple of 8 but within the limits if there is one; 0 when the limits are not known. */
int64_t odd_size(const struct limits *limits);

#define UNKNOWN_ID "00000000-0000-4000-8000-000000000000"

#endif
