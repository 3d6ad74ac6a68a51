/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay module that alters what it sends, for tests: it does all else as the module whose file QV_ALTERED_MODULE names, and
 * has its name too.
 */
#include <qvisio/relay.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct qv_relay_class altering;
static const struct qv_relay_class *real;
static const struct qv_class *const classes[] = { &altering.head, NULL };

struct spoiler {
	struct qv_relay_send send; /* first */
	struct qv_relay_send *next;
};

/* Flips a bit in each 16 bytes, so that every key is another one. */
static int spoil(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
		 struct qv_error *err)
{
	struct spoiler *spoiler = (struct spoiler *)send;
	uint8_t *share = malloc(message->share_size);
	if (!share)
		return qv_fail(err, QV_E_NOMEM, "no memory");
	for (size_t i = 0; i < message->share_size; i++)
		share[i] = message->share[i] ^ (i % 16 == 3 ? 0x40 : 0);
	struct qv_relay_message other = *message;
	other.share = share;
	int result = spoiler->next->message(spoiler->next, next, &other, err);
	free(share);
	return result;
}

static int receive(struct qv_relay_node *node, struct qv_generator *generator, uint32_t from,
		   const struct qv_relay_message *message, struct qv_relay_send *send, struct qv_error *err)
{
	struct spoiler spoiler = { { spoil }, send };
	return real->receive(node, generator, from, message, &spoiler.send, err);
}

static int expire(struct qv_relay_node *node, struct qv_generator *generator, struct qv_relay_send *send,
		  struct qv_error *err)
{
	struct spoiler spoiler = { { spoil }, send };
	return real->expire(node, generator, &spoiler.send, err);
}

__attribute__((constructor)) static void wrap(void)
{
	const char *path = getenv("QV_ALTERED_MODULE");
	void *file = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	const struct qv_module *module = file ? dlsym(file, "qv_module") : NULL;
	if (!module) {
		fprintf(stderr, "QV_ALTERED_MODULE names no module: %s\n", path ? dlerror() : "not set");
		return;
	}
	real = (const struct qv_relay_class *)module->classes[0];
	altering = *real;
	altering.receive = receive;
	altering.expire = expire;
}

const struct qv_module qv_module = { .abi_major = QV_MODULE_ABI_MAJOR,
				     .abi_minor = QV_MODULE_ABI_MINOR,
				     .size = sizeof qv_module,
				     .version = "1",
				     .license = "Apache-2.0",
				     .classes = classes };
