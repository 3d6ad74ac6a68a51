/* SPDX-License-Identifier: Apache-2.0 */
/* The callers of a visio_server: many may be in their handshake, one is in the call, the others hear "busy". */
#ifndef VISIO_CALLERS_H
#define VISIO_CALLERS_H

#include "app.h"

struct callers;

/* `app` is borrowed until callers_free. */
struct callers *callers_new(struct app *app, struct qv_error *err);

/* Waits until another caller may come in. QV_E_CANCELLED, QV_E_IO. */
int callers_wait_for_room(struct callers *callers, struct qv_error *err);

/* Serves the caller on a thread of its own; owns `fd`. Failures are logged. */
void callers_add(struct callers *callers, int fd, const char *name);

/* Waits for every caller to be gone (the app's cancel descriptor ends them). NULL is fine. */
void callers_free(struct callers *callers);

#endif
