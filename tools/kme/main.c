/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-kme CONFIG: a Key Management Entity (ETSI GS QKD 014). */
#include <config.h>

#include <curl/curl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "kme.h"
#include "notify.h"
#include "watchdog.h"

#define MAINTENANCE_S 60

static const char usage[] = "usage: qkd-kme [--check] CONFIG\n"
			    "       qkd-kme --verify-audit [--seal-key FILE] [--noted NUMBER:HASH] LOG...\n"
			    "       qkd-kme --help | --version\n"
			    "Serves keys to SAEs as ETSI GS QKD 014 says. --check only reads the configuration.\n";

/* Many clients, many descriptors. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Blocked before any thread starts, so that all threads leave them to serve(). */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its size limit is an error like a full disk */
}

static void reload(struct site *site, const char *path)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_log *log = site->current->log;
	notify_reloading();
	if (site->current->audit && audit_reopen(site->current->audit, &err) != 0)
		qv_log_error(log, "%s; the old file stays in use", err.message);
	if (kme_reload(site, path, &err) == 0)
		qv_log_info(log, "%s is read anew and in use", path);
	else
		qv_log_error(log, "the new configuration is refused, the old one stays: %s", err.message);
	notify_manager("READY=1");
}

/* What is done now and then, until a signal comes; returns its number. */
static int wait_for_signal(struct site *site, const sigset_t *signals)
{
	/* Twice as often as asked for, as sd_watchdog_enabled(3) wants it. */
	const int64_t watchdog = watchdog_interval() / 2;
	int64_t maintain_at = qv_clock_now(&qv_clock_monotonic) + MAINTENANCE_S * QV_NS_PER_SECOND,
		tell_at = qv_clock_now(&qv_clock_monotonic);
	for (;;) {
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		if (watchdog && now >= tell_at) {
			watchdog_tell(site->current);
			tell_at = now + watchdog;
		}
		if (now >= maintain_at) {
			kme_maintain(site->current);
			maintain_at = now + MAINTENANCE_S * QV_NS_PER_SECOND;
		}
		int64_t until = watchdog && tell_at < maintain_at ? tell_at : maintain_at;
		int64_t rest = until - qv_clock_now(&qv_clock_monotonic);
		rest = rest > 0 ? rest : 0;
		struct timespec wait = { .tv_sec = rest / QV_NS_PER_SECOND, .tv_nsec = rest % QV_NS_PER_SECOND };
		int number = sigtimedwait(signals, NULL, &wait);
		if (number > 0)
			return number;
	}
}

static void serve(struct site *site, const char *path, const sigset_t *signals)
{
	struct qv_log *log = site->current->log;
	notify_manager("READY=1");
	qv_log_info(log, "KME \"%s\" is ready", site->current->id);
	while (wait_for_signal(site, signals) == SIGHUP)
		reload(site, path);
	qv_log_info(log, "stopping");
	notify_manager("STOPPING=1");
}

static int run(const char *path, bool check, struct qv_log *log)
{
	sigset_t signals;
	struct site site = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct kme *kme = kme_new(&site, log);
	struct qv_error err = QV_ERROR_INIT;
	block_signals(&signals);
	raise_descriptor_limit();
	int result = kme ? qv_secret_harden_process(&err) : qv_fail(&err, QV_E_NOMEM, "no memory");
	if (result == 0)
		result = kme_configure(kme, path, &err);
	if (result == 0 && !check)
		result = kme_start(kme, &err);
	if (result != 0)
		qv_log_error(log, "%s", err.message);
	else if (check)
		qv_log_info(log, "%s is a good configuration", path);
	else
		serve(&site, path, &signals);
	if (kme)
		kme_stop(site.current ? site.current : kme);
	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int verify(char **logs, int count, const char *seal_key, const char *noted)
{
	struct qv_error err = QV_ERROR_INIT;
	struct seal *seal = NULL;
	if (count < 1) {
		fputs(usage, stderr);
		return 2;
	}
	qv_secret_harden_process(NULL);
	if (seal_key && !(seal = seal_open(seal_key, &err))) {
		fprintf(stderr, "qkd-kme: %s\n", err.message);
		return 2;
	}
	int result = audit_verify(logs, (size_t)count, seal, noted);
	seal_free(seal);
	return result;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { "check", no_argument, NULL, 'c' },
						 { "verify-audit", no_argument, NULL, 'v' },
						 { "seal-key", required_argument, NULL, 's' },
						 { "noted", required_argument, NULL, 'n' },
						 { NULL, 0, NULL, 0 } };
	bool check = false, verifying = false;
	const char *seal_key = NULL, *noted = NULL;
	for (int option; (option = getopt_long(argc, argv, "hV", options, NULL)) != -1;) {
		if (option == 'h' || option == 'V') {
			fputs(option == 'h' ? usage : "qkd-kme " PACKAGE_VERSION "\n", stdout);
			return EXIT_SUCCESS;
		}
		if (option == '?') {
			fputs(usage, stderr);
			return 2;
		}
		check = check || option == 'c';
		verifying = verifying || option == 'v';
		if (option == 's')
			seal_key = optarg;
		if (option == 'n')
			noted = optarg;
	}
	if (verifying)
		return verify(argv + optind, argc - optind, seal_key, noted);
	if (seal_key || noted || argc - optind != 1) {
		fputs(usage, stderr);
		return 2;
	}
	struct qv_log *log = qv_log_new("qkd-kme", QV_LOG_INFO, qv_log_format_for(2), 2);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int result = run(argv[optind], check, log);
	curl_global_cleanup();
	qv_log_free(log);
	return result;
}
