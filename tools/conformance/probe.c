/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "limits.h"

const char *sae_path(struct probe *probe, const char *sae, const char *rest)
{
	char *path = probe->paths[probe->next_path++ % PATHS];
	char *id = curl_easy_escape(NULL, sae, (int)strlen(sae));
	snprintf(path, PATH_ROOM, "/api/v1/keys/%s/%s", id ? id : "", rest);
	curl_free(id);
	return path;
}

const char *enc_path(struct probe *probe, const char *parameters)
{
	char rest[128];
	snprintf(rest, sizeof rest, "enc_keys%s", parameters);
	return sae_path(probe, probe->parties[SLAVE].sae, rest);
}

static const struct answer *request(struct probe *probe, enum who who, const char *method, const char *path,
				    const char *body, bool fresh)
{
	static const struct answer none = { .code = CURLE_OUT_OF_MEMORY, .why = "too many requests in one check" };
	if (probe->answer_count == ANSWERS_MAX)
		return &none;
	struct answer *answer = &probe->answers[probe->answer_count++];
	client_ask(probe->clients[who], method, path, body, fresh, answer);
	return answer;
}

const struct answer *ask(struct probe *probe, enum who who, const char *method, const char *path, const char *body)
{
	return request(probe, who, method, path, body, false);
}

const struct answer *ask_once(struct probe *probe, enum who who, const char *method, const char *path, const char *body)
{
	return request(probe, who, method, path, body, true);
}

void probe_forget(struct probe *probe)
{
	while (probe->answer_count > 0)
		answer_clear(&probe->answers[--probe->answer_count]);
}

enum verdict expect_refusal(struct probe *probe, const char *path, const char *body, struct finding *finding)
{
	return expect_status(ask(probe, MASTER, body ? "POST" : "GET", path, body), 400, finding);
}

bool is_absent(CURLcode code)
{
	return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
	       code == CURLE_OPERATION_TIMEDOUT || code == CURLE_URL_MALFORMAT;
}

/* What is wrong on this side. */
static bool is_ours(CURLcode code)
{
	return code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_OUT_OF_MEMORY;
}

static int check_files(const struct party *party, struct qv_error *err)
{
	const char *const files[] = { party->certificate, party->private_key, party->ca };
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (files[i] && access(files[i], R_OK) != 0)
			return qv_fail_errno(err, QV_E_CONFIG, errno, "%s: cannot be read", files[i]);
	return 0;
}

static int open_party(struct probe *probe, enum who who, struct qv_error *err)
{
	struct party *party = &probe->parties[who];
	if (!party->certificate)
		return 0;
	if (check_files(party, err) != 0)
		return -1;
	if (party->password_file) {
		party->password = qv_secret_from_file(party->password_file, 4096, err);
		if (!party->password)
			return -1;
		char *text = (char *)qv_secret_edit(party->password);
		text[strcspn(text, "\r\n")] = '\0';
	}
	probe->clients[who] = client_new(party, NULL, probe->timeout_ms, err);
	return probe->clients[who] ? 0 : -1;
}

/* The first request tells whether there is anything to probe. */
static int reach(struct probe *probe, enum who who, struct answer *answer, struct qv_error *err)
{
	enum who other = who == MASTER ? SLAVE : MASTER;
	client_ask(probe->clients[who], "GET", sae_path(probe, probe->parties[other].sae, "status"), NULL, true,
		   answer);
	if (is_absent(answer->code) || is_ours(answer->code))
		return qv_fail(err, is_ours(answer->code) ? QV_E_CONFIG : QV_E_IO, "%s: %s",
			       client_base(probe->clients[who]), answer->why);
	return 0;
}

int probe_open(struct probe *probe, struct qv_error *err)
{
	for (enum who who = MASTER; who < PARTIES; who++)
		if (open_party(probe, who, err) != 0)
			return -1;
	if (pem_impostor(&probe->parties[MASTER], &probe->impostor, err) != 0 ||
	    reach(probe, MASTER, &probe->status, err) != 0)
		return -1;
	if (probe->status.code != CURLE_OK && !probe->status.too_large)
		snprintf(probe->unreachable, sizeof probe->unreachable, "%s", probe->status.why);
	limits_read(&probe->status, &probe->limits);
	for (enum who who = SLAVE; who < PARTIES; who++) {
		struct answer answer;
		int result = probe->clients[who] ? reach(probe, who, &answer, err) : 0;
		if (probe->clients[who])
			answer_clear(&answer);
		if (result != 0)
			return -1;
	}
	return 0;
}

void probe_close(struct probe *probe)
{
	probe_forget(probe);
	answer_clear(&probe->status);
	answer_clear(&probe->shortage.answer);
	for (size_t i = 0; i < probe->sample_count; i++)
		sample_clear(&probe->samples[i]);
	for (enum who who = MASTER; who < PARTIES; who++) {
		client_free(probe->clients[who]);
		qv_secret_free(probe->parties[who].password);
	}
	pem_clear(&probe->impostor);
}
