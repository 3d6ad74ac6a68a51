/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces, each with a device that leads to this process. */
#ifndef NETWORK_NODES_H
#define NETWORK_NODES_H

#include <stdbool.h>
#include <sys/types.h>

struct node {
	pid_t holder; /* a process that is in the namespace and does nothing; ends with this one */
	int fd;       /* IP packets of its device, qv0; non-blocking */
};

/*
 * Namespaces with the address 10.99.0.N each, N from 1. Ends the program where that cannot be done. Returns whether
 * they belong to a user namespace of their own, which is so where only that may make them.
 */
bool nodes_make(struct node *nodes, int count);

#endif
