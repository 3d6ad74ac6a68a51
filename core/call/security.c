/* SPDX-License-Identifier: Apache-2.0 */
#include "security.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void qv_call_security_of(const struct qv_secure_session *session, struct qv_call_security *security)
{
	const struct qv_tls_facts *facts = &session->facts;
	*security = (struct qv_call_security){
		.secured = session->secured, .route = session->route, .key_age_ms = -1, .next_key_ms = -1
	};
	snprintf(security->key_id, sizeof security->key_id, "%s", session->key_id);
	snprintf(security->peer_sae, sizeof security->peer_sae, "%s", session->peer_sae);
	snprintf(security->text, sizeof security->text, "%s", session->text);
	if (session->secured != QV_SECURED_QKD)
		snprintf(security->cipher, sizeof security->cipher, "%s %s %s", facts->protocol, facts->cipher,
			 facts->group);
	else
		snprintf(security->cipher, sizeof security->cipher, "%s %s %s%s", facts->protocol, facts->cipher,
			 facts->group[0] ? "and " : "without Diffie-Hellman", facts->group);
}

struct words {
	char *text;
	size_t room, used;
};

__attribute__((format(printf, 2, 3))) static void say(struct words *words, const char *format, ...)
{
	va_list arguments;
	if (words->used >= words->room)
		return;
	va_start(arguments, format);
	int length = vsnprintf(words->text + words->used, words->room - words->used, format, arguments);
	va_end(arguments);
	if (length > 0)
		words->used += (size_t)length;
}

static void say_key(struct words *words, const struct qv_call_security *security)
{
	say(words, "QKD: key");
	if (security->key_age_ms >= 0)
		say(words, " %lld s old", (long long)(security->key_age_ms / 1000));
	if (security->no_key[0])
		say(words, " WITH NO NEW KEY: %s", security->no_key);
	else if (security->next_key_ms >= 0)
		say(words, ", next in %lld s", (long long)((security->next_key_ms + 999) / 1000));
	say(words, "; key_ID %s; %s", security->key_id,
	    security->route == QV_KEY_ROUTE_UNTOLD ? "route not told by the KME" : "route ");
	if (security->route != QV_KEY_ROUTE_UNTOLD)
		say(words, "%s", qv_key_route_name(security->route));
	say(words, "; %s", security->cipher);
	if (security->peer_sae[0])
		say(words, " with SAE %s", security->peer_sae);
}

void security_words(struct qv_call_security *security, const char *session)
{
	char text[sizeof security->text] = "";
	struct words words = { text, sizeof text, 0 };
	if (security->no_link)
		say(&words, "NO CONNECTION: %s: ",
		    security->udp_goes_on ? "media still go over UDP, under the key of the session that is lost"
					  : "no session, and no key of one, is in use; the last one");
	if (security->secured == QV_SECURED_QKD && security->cipher[0])
		say_key(&words, security);
	else
		say(&words, "%s", session);
	if (security->transport[0])
		say(&words, "; transport %s", security->transport);
	if (security->sound[0])
		say(&words, "; %s", security->sound);
	memcpy(security->text, text, sizeof text);
}

static void begin(struct words *words)
{
	if (words->used > 0)
		say(words, "; ");
}

static enum qv_security_change worst(enum qv_security_change a, enum qv_security_change b)
{
	return a > b ? a : b;
}

static enum qv_security_change compare_kind(const struct qv_call_security *before, const struct qv_call_security *now,
					    struct words *words)
{
	if (before->secured == now->secured)
		return QV_SECURITY_SAME;
	begin(words);
	if (now->secured == QV_SECURED_QKD)
		say(words, "secured by QKD now");
	else
		say(words, "NOT SECURED BY QKD%s", before->secured == QV_SECURED_QKD ? " ANY MORE" : "");
	return now->secured > before->secured ? QV_SECURITY_BETTER : QV_SECURITY_WORSE;
}

static enum qv_security_change compare_link(const struct qv_call_security *before, const struct qv_call_security *now,
					    struct words *words)
{
	if (before->no_link == now->no_link)
		return QV_SECURITY_SAME;
	begin(words);
	if (!now->no_link) {
		say(words, "the connection is back, with a fresh key");
		return QV_SECURITY_BETTER;
	}
	say(words, "THE CONNECTION IS LOST: the peer is looked for");
	return QV_SECURITY_WORSE;
}

static enum qv_security_change compare_keys(const struct qv_call_security *before, const struct qv_call_security *now,
					    struct words *words)
{
	if (!before->no_key[0] == !now->no_key[0])
		return QV_SECURITY_SAME;
	begin(words);
	if (!now->no_key[0]) {
		say(words, "there are new QKD keys again");
		return QV_SECURITY_BETTER;
	}
	say(words, "NO NEW QKD KEY: %s; the call goes on with the key that it has, %lld s old", now->no_key,
	    (long long)(now->key_age_ms < 0 ? 0 : now->key_age_ms / 1000));
	return QV_SECURITY_WORSE;
}

static enum qv_security_change compare_route(const struct qv_call_security *before, const struct qv_call_security *now,
					     struct words *words)
{
	if (before->route == now->route || now->secured != QV_SECURED_QKD || before->secured != QV_SECURED_QKD)
		return QV_SECURITY_SAME;
	begin(words);
	if (now->route == QV_KEY_ROUTE_DIRECT) {
		say(words, "the key came by a direct QKD link now");
		return QV_SECURITY_BETTER;
	}
	if (now->route == QV_KEY_ROUTE_UNTOLD)
		say(words, "the KME does not tell any more which route the key took");
	else
		say(words, "the key was RELAYED by other KMEs, which have to be trusted");
	return QV_SECURITY_WORSE;
}

static enum qv_security_change compare_sound(const struct qv_call_security *before, const struct qv_call_security *now,
					     struct words *words)
{
	if (before->otp_dry == now->otp_dry)
		return QV_SECURITY_SAME;
	begin(words);
	if (now->otp_dry) {
		say(words, "SOUND IS MUTED: no key is left for its one-time pad");
		return QV_SECURITY_WORSE;
	}
	say(words, "there is key for the one-time pad of sound again");
	return QV_SECURITY_BETTER;
}

static enum qv_security_change compare_rest(const struct qv_call_security *before, const struct qv_call_security *now,
					    struct words *words)
{
	enum qv_security_change change = QV_SECURITY_SAME;
	if (strcmp(before->cipher, now->cipher) != 0) {
		begin(words);
		say(words, "the cipher changed from %s to %s", before->cipher, now->cipher);
		change = QV_SECURITY_WORSE;
	}
	if (before->transport[0] && now->transport[0] && strcmp(before->transport, now->transport) != 0) {
		begin(words);
		say(words, "the transport changed from %s to %s", before->transport, now->transport);
		change = worst(change, QV_SECURITY_BETTER);
	}
	return change;
}

enum qv_security_change security_compare(const struct qv_call_security *before, const struct qv_call_security *now,
					 char *text, size_t room)
{
	struct words words = { text, room, 0 };
	text[0] = '\0';
	enum qv_security_change change = compare_kind(before, now, &words);
	change = worst(change, compare_link(before, now, &words));
	change = worst(change, compare_keys(before, now, &words));
	change = worst(change, compare_route(before, now, &words));
	change = worst(change, compare_sound(before, now, &words));
	return worst(change, compare_rest(before, now, &words));
}
