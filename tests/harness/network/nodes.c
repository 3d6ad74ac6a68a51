/* SPDX-License-Identifier: Apache-2.0 */
#include "nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "impairer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

/* The user is root in it, which gives leave to make network namespaces there. */
static void enter_user_namespace(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (unshare(CLONE_NEWUSER) != 0)
		die("a network namespace needs root, or a system on which users may make user namespaces");
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
}

static void run(const char *command)
{
	if (system(command) != 0) {
		fprintf(stderr, "impairer: \"%s\" failed\n", command);
		exit(1);
	}
}

static int open_device(int number)
{
	char command[128];
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	snprintf(request.ifr_name, sizeof request.ifr_name, "qv0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
		die("/dev/net/tun");
	run("ip link set lo up");
	snprintf(command, sizeof command, "ip addr add 10.99.0.%d/24 dev qv0", number);
	run(command);
	run("ip link set qv0 mtu 1500 txqueuelen 10000 up");
	return fd;
}

static pid_t hold(void)
{
	pid_t parent = getpid(), holder = fork();
	if (holder < 0)
		die("fork");
	if (holder > 0)
		return holder;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

bool nodes_make(struct node *nodes, int count)
{
	bool own = false;
	for (int i = 0; i < count; i++) {
		if (unshare(CLONE_NEWNET) != 0) {
			if (own || errno != EPERM)
				die("a new network namespace");
			enter_user_namespace();
			own = true;
			if (unshare(CLONE_NEWNET) != 0)
				die("a new network namespace");
		}
		nodes[i].fd = open_device(i + 1);
		nodes[i].holder = hold();
	}
	return own;
}
