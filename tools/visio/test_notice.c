/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../core/call/security.h"
#include "notice.h"
#include "tui_view.h"

#define S QV_NS_PER_SECOND

static void what_is_worse_stands_until_it_is_seen(void **state)
{
	(void)state;
	struct notice notice = { .change = QV_SECURITY_SAME };
	notice_raise(&notice, QV_SECURITY_WORSE, "no key", 1 * S);
	assert_false(notice_expire(&notice, 100000 * S));
	notice_raise(&notice, QV_SECURITY_BETTER, "keys again", 2 * S);
	assert_string_equal(notice_word(&notice), "worse");
	assert_string_equal(notice.text, "no key\nand then: keys again");
	assert_false(notice_expire(&notice, 100000 * S));
	assert_true(notice_acknowledge(&notice));
	assert_null(notice_word(&notice));
	assert_false(notice_acknowledge(&notice));
}

static void what_is_better_stands_for_ten_seconds(void **state)
{
	(void)state;
	struct notice notice = { .change = QV_SECURITY_SAME };
	notice_raise(&notice, QV_SECURITY_BETTER, "keys again", 5 * S);
	assert_false(notice_expire(&notice, 15 * S - 1));
	assert_true(notice_expire(&notice, 15 * S));
	/* A turn for the worse takes its place at once. */
	notice_raise(&notice, QV_SECURITY_BETTER, "keys again", 5 * S);
	notice_raise(&notice, QV_SECURITY_WORSE, "no key", 6 * S);
	assert_string_equal(notice.text, "no key");
	assert_false(notice_expire(&notice, 100 * S));
}

static void however_much_happens_the_first_and_the_last_are_told(void **state)
{
	(void)state;
	struct notice notice = { .change = QV_SECURITY_SAME };
	char text[300];
	notice_raise(&notice, QV_SECURITY_WORSE, "first", 0);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "%0250d", i);
		notice_raise(&notice, QV_SECURITY_WORSE, text, 0);
		assert_true(strlen(notice.text) < sizeof notice.text);
		assert_memory_equal(notice.text, "first", 5);
		assert_non_null(strstr(notice.text, text));
	}
}

static struct qv_call_security keyed(void)
{
	struct qv_call_security s = { .secured = QV_SECURED_QKD,
				      .route = QV_KEY_ROUTE_DIRECT,
				      .key_age_ms = 61000,
				      .next_key_ms = 2500,
				      .key_id = "1f0c",
				      .cipher = "TLSv1.3 A and B",
				      .transport = "stream" };
	security_words(&s, "what the session says");
	return s;
}

static void all_of_the_state_is_in_words(void **state)
{
	(void)state;
	struct qv_call_security s = keyed();
	assert_string_equal(s.text, "QKD: key 61 s old, next in 3 s; key_ID 1f0c; route direct; TLSv1.3 A and B; "
				    "transport stream");
	snprintf(s.no_key, sizeof s.no_key, "the KME is gone");
	s.route = QV_KEY_ROUTE_UNTOLD;
	security_words(&s, "");
	assert_non_null(
		strstr(s.text, "61 s old WITH NO NEW KEY: the KME is gone; key_ID 1f0c; route not told by the KME"));
	s = (struct qv_call_security){ .secured = QV_SECURED_CLASSIC, .transport = "srtp" };
	security_words(&s, "classic, NOT QKD: TLSv1.3");
	assert_string_equal(s.text, "classic, NOT QKD: TLSv1.3; transport srtp");
}

static void changes_are_judged(void **state)
{
	(void)state;
	char text[SECURITY_CHANGE_MAX];
	struct qv_call_security a = keyed(), b = keyed();
	b.key_age_ms = 0;
	snprintf(b.key_id, sizeof b.key_id, "another");
	assert_int_equal(security_compare(&a, &b, text, sizeof text), QV_SECURITY_SAME);
	assert_string_equal(text, "");
	snprintf(b.no_key, sizeof b.no_key, "why");
	assert_int_equal(security_compare(&a, &b, text, sizeof text), QV_SECURITY_WORSE);
	assert_non_null(strstr(text, "NO NEW QKD KEY: why"));
	assert_int_equal(security_compare(&b, &a, text, sizeof text), QV_SECURITY_BETTER);
	b = keyed();
	b.route = QV_KEY_ROUTE_RELAYED;
	assert_int_equal(security_compare(&a, &b, text, sizeof text), QV_SECURITY_WORSE);
	assert_non_null(strstr(text, "RELAYED"));
	assert_int_equal(security_compare(&b, &a, text, sizeof text), QV_SECURITY_BETTER);
	b.secured = QV_SECURED_CLASSIC;
	assert_int_equal(security_compare(&a, &b, text, sizeof text), QV_SECURITY_WORSE);
	assert_non_null(strstr(text, "NOT SECURED BY QKD ANY MORE"));
	b = keyed();
	snprintf(b.cipher, sizeof b.cipher, "null");
	snprintf(b.transport, sizeof b.transport, "srtp");
	assert_int_equal(security_compare(&a, &b, text, sizeof text), QV_SECURITY_WORSE);
	assert_non_null(strstr(text, "cipher changed"));
	assert_non_null(strstr(text, "; the transport changed from stream to srtp"));
	char small[10];
	assert_int_equal(security_compare(&a, &b, small, sizeof small), QV_SECURITY_WORSE);
	assert_int_equal(strlen(small), sizeof small - 1);
}

/* Whatever a peer calls itself, it moves neither cursor nor colour, and takes no more room than there is. */
static void a_terminal_is_shown_no_control_characters(void **state)
{
	(void)state;
	static const char *const hostile[] = { "\033[2J\033]0;x\a",
					       "\x9b"
					       "2J",
					       "\xc2\x9b"
					       "2J",
					       "a\rb\tc\x7f",
					       "\xe2\x80\xae"
					       "abc",
					       "\xf0\x9f",
					       "\xff\xfe",
					       "\xc3\xa9t\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97" };
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
		for (int columns = 1; columns < 60; columns += 7) {
			json_t *status =
				json_pack("{s:[{s:s,s:s,s:o}]}", "participants", "state", "open", "peer", "bob",
					  "peer_program", json_stringn_nocheck(hostile[i], strlen(hostile[i])));
			struct tui_view view = { .columns = columns, .rows = 5, .status = status };
			size_t size;
			char *drawn = tui_draw(&view, &size);
			assert_non_null(drawn);
			for (size_t at = 0; at < size; at++) {
				unsigned char c = (unsigned char)drawn[at];
				if (c == '\033')
					assert_int_equal(drawn[at + 1], '[');
				else
					assert_true(c == '\r' || c == '\n' || (c >= 0x20 && c != 0x7f));
			}
			assert_null(strstr(drawn, "\033[2J"));
			assert_null(strstr(drawn, "\xe2\x80\xae"));
			assert_null(strstr(drawn, "\xc2\x9b"));
			free(drawn);
			json_decref(status);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_worse_stands_until_it_is_seen),
		cmocka_unit_test(what_is_better_stands_for_ten_seconds),
		cmocka_unit_test(however_much_happens_the_first_and_the_last_are_told),
		cmocka_unit_test(all_of_the_state_is_in_words),
		cmocka_unit_test(changes_are_judged),
		cmocka_unit_test(a_terminal_is_shown_no_control_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
