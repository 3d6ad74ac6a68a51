/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_kme_hello FOLDER PORT: libmicrohttpd with GnuTLS that serves 191 bytes and does nothing else: what a KME on these
 * libraries can reach at most. FOLDER holds ca.pem, kme-a.pem and kme-a.key.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY      191
#define FILE_SIZE 65536

static char body[BODY];

static char *read_file(const char *folder, const char *name)
{
	char path[4096], *text = calloc(1, FILE_SIZE);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	if (!file || !text || fread(text, 1, FILE_SIZE - 1, file) == 0) {
		fprintf(stderr, "bench_kme_hello: %s cannot be read\n", path);
		exit(1);
	}
	fclose(file);
	return text;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **state)
{
	static int begun;
	(void)context, (void)url, (void)method, (void)version, (void)data, (void)size;
	if (!*state) {
		*state = &begun;
		return MHD_YES;
	}
	*state = NULL;
	struct MHD_Response *response = MHD_create_response_from_buffer(BODY, body, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 1;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(argv[2], NULL, 10)) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(body, 'x', sizeof body);
	char *ca = read_file(argv[1], "ca.pem");
	char *certificate = read_file(argv[1], "kme-a.pem");
	char *key = read_file(argv[1], "kme-a.key");
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS, 0, NULL, NULL, handle, NULL, MHD_OPTION_SOCK_ADDR,
		&address, MHD_OPTION_HTTPS_MEM_TRUST, ca, MHD_OPTION_HTTPS_MEM_CERT, certificate,
		MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3",
		MHD_OPTION_CONNECTION_LIMIT, 4096u, MHD_OPTION_END);
	if (!daemon) {
		fprintf(stderr, "bench_kme_hello: port %s cannot be listened on\n", argv[2]);
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	pause();
	return 0;
}
