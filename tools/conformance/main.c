/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-conformance: any KME against ETSI GS QKD 014, rule by rule. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "checks.h"
#include "select.h"

#define EXIT_FAILED    1
#define EXIT_COULD_NOT 2

struct session {
	struct arguments arguments;
	struct probe probe;
	struct report report;
};

static bool is_chosen(const struct arguments *arguments, const struct check *check)
{
	return (!arguments->only || select_has(arguments->only, check)) &&
	       (!arguments->skip || !select_has(arguments->skip, check));
}

typedef void visitor(struct session *session, const struct check *check);

static void each_chosen(struct session *session, visitor *visits)
{
	for (size_t i = 0; check_tables[i]; i++)
		for (const struct check *check = check_tables[i]; check->number; check++)
			if (is_chosen(&session->arguments, check))
				visits(session, check);
}

/* What would have to be given for the check, or NULL. */
static const char *lacking(const struct probe *probe, const struct check *check)
{
	if (check->needs & NEEDS_SLAVE && !probe->clients[SLAVE])
		return "give --slave-cert";
	if (check->needs & NEEDS_THIRD && !probe->clients[THIRD])
		return "give --third-cert, the certificate of an SAE that has no part in the keys";
	return NULL;
}

static void run(struct session *session, const struct check *check)
{
	struct finding finding = { "" };
	struct probe *probe = &session->probe;
	const char *lack = lacking(probe, check);
	enum verdict verdict;
	if (probe->unreachable[0] && !(check->needs & NEEDS_NO_TLS))
		verdict = skipped(&finding, "no connection to the KME: %.300s (see 5.1-01 and 5.1-02)",
				  probe->unreachable);
	else if (lack)
		verdict = skipped(&finding, "%s", lack);
	else
		verdict = check->run(probe, check->request, &finding);
	probe_forget(probe);
	report_check(&session->report, check, verdict, &finding);
}

/* Counts in report.number and probe.taken, which start from 0 again afterwards. */
static void plan(struct session *session, const struct check *check)
{
	struct probe *probe = &session->probe;
	session->report.number++;
	if (lacking(probe, check) || probe->unreachable[0])
		return;
	if (check->keys < KEYS_LIMIT)
		probe->taken += check->keys;
	else
		probe->taken = probe->budget; /* as many as there are */
}

static void announce(struct session *session)
{
	struct probe *probe = &session->probe;
	each_chosen(session, plan);
	unsigned planned = session->report.number, keys = probe->taken < probe->budget ? probe->taken : probe->budget;
	session->report.number = probe->taken = 0;
	report_start(&session->report, session->arguments.parties[MASTER].url, planned, keys);
}

static int perform(struct session *session, struct qv_error *err)
{
	const struct arguments *arguments = &session->arguments;
	struct probe *probe = &session->probe;
	if (qv_secret_harden_process(err) != 0)
		return -1;
	client_protect_json();
	if (arguments->list) {
		report_list(arguments->format);
		return 0;
	}
	memcpy(probe->parties, arguments->parties, sizeof probe->parties);
	probe->budget = arguments->max_keys;
	probe->timeout_ms = (long)arguments->timeout;
	session->report = (struct report){ .format = arguments->format, .strict = arguments->strict };
	if (probe_open(probe, err) != 0)
		return -1;
	announce(session);
	each_chosen(session, run);
	report_end(&session->report, arguments->parties[MASTER].url, probe->taken);
	return 0;
}

int main(int argc, char **argv)
{
	static struct session session;
	struct qv_error err = QV_ERROR_INIT;
	int status = arguments_parse(argc, argv, &session.arguments, &err);
	if (status > 0)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return EXIT_COULD_NOT;
	if (status == 0)
		status = perform(&session, &err);
	probe_close(&session.probe);
	curl_global_cleanup();
	if (status != 0)
		fprintf(stderr, "qkd-conformance: %s\n", err.message);
	else if (fflush(stdout) != 0)
		status = -1;
	return status != 0 ? EXIT_COULD_NOT : session.report.counts[RESULT_FAIL] ? EXIT_FAILED : 0;
}
