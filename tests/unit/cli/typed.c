/* What people type is refused with the rule, before anybody is asked. */
#include "../test.h"
#include "capture.h"
#include "cli/typed.h"

static int (*look)(struct cli *c, const char *s);
static const char *word;

static int
ask(struct cli *c)
{
	return look(c, word);
}

static const struct cli_verb verbs[] = {
	{ "", "", "look", NULL, 0, 0, ask },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};
static const struct cli_prog prog = { "sec-x", "test", NULL, NULL, verbs, 0 };

static int
typed(int (*how)(struct cli *c, const char *s), const char *s)
{
	char name[] = "sec-x", *argv[] = { name, NULL };
	int r;

	look = how;
	word = s;
	capture_begin();
	r = cli_main(&prog, 1, argv);
	capture_end();
	return r;
}

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static int
is_class_of_coffee(struct cli *c, const char *s)
{
	return typed_class(c, "coffee", s);
}

static int
is_class_of_busy(struct cli *c, const char *s)
{
	return typed_class(c, "busy", s);
}

static void
test_words(void)
{
	static const struct {
		int (*how)(struct cli *c, const char *s);
		const char *s;
		int code;
	} rows[] = {
		{ typed_status, NULL, 0 },
		{ typed_status, "available", 0 },
		{ typed_status, "coffee-2_go", 0 },
		{ typed_status, A10 A10 A10 "a", 0 },
		{ typed_status, A10 A10 A10 "aa", 2 },
		{ typed_status, "", 2 },
		{ typed_status, "Busy", 2 },
		{ typed_status, "two words", 2 },
		{ typed_status, "2nd", 2 },
		{ typed_note, "back at 14:40, caf\xc3\xa9", 0 },
		{ typed_note, A60 A60 A60 A60 A10 "aaaaa", 0 },
		{ typed_note, A60 A60 A60 A60 A10 "aaaaaa", 2 },
		{ typed_note, "caf\xc3", 2 },
		{ is_class_of_coffee, NULL, 0 },
		{ is_class_of_coffee, "away", 0 },
		{ is_class_of_coffee, "tea", 2 },
		{ is_class_of_busy, NULL, 0 },
		{ is_class_of_busy, "busy", 0 },
		{ is_class_of_busy, "away", 2 },
		{ typed_time, NULL, 0 },
		{ typed_time, "10", 0 },
		{ typed_time, "1h30m", 0 },
		{ typed_time, "366d", 0 },
		{ typed_time, "367d", 2 },
		{ typed_time, "0", 2 },
		{ typed_time, "-5m", 2 },
		{ typed_time, "soon", 2 },
		{ typed_entry, "bob", 0 },
		{ typed_entry, "bob@lab.test", 0 },
		{ typed_entry, "tel:+15551234567", 0 },
		{ typed_entry, "conf:standup", 0 },
		{ typed_entry, "lamp:bedroom", 0 },
		{ typed_entry, "lamp:", 2 },
		{ typed_entry, "Lamp:bedroom", 2 },
		{ typed_entry, "two words", 2 },
		{ typed_entry, "conf:conference", 2 },
		{ typed_object, "lamp:bedroom", 0 },
		{ typed_object, "sip:bedroom@lamp.lab.test", 0 },
		{ typed_object, "bob", 2 },
		{ typed_object, "conf:standup", 2 },
		{ typed_object, "tel:+15551234567", 2 },
		{ typed_value, "state=on", 0 },
		{ typed_value, "state=", 0 },
		{ typed_value, "state=a=b c", 0 },
		{ typed_value, "state", 2 },
		{ typed_value, "=on", 2 },
		{ typed_value, "State=on", 2 },
		{ typed_value, "status=on", 2 },
		{ typed_value, "a23456789012345678901234567890123=on", 2 },
		{ typed_value, "state=caf\xc3", 2 },
		{ typed_attrs, NULL, 0 },
		{ typed_attrs, "*", 0 },
		{ typed_attrs, "state,status,note", 0 },
		{ typed_attrs, "", 2 },
		{ typed_attrs, "state,", 2 },
		{ typed_attrs, "state,Text", 2 },
		{ typed_media, NULL, 0 },
		{ typed_media, "text", 0 },
		{ typed_media, "voice,text,app", 0 },
		{ typed_media, "", 2 },
		{ typed_media, "text,", 2 },
		{ typed_media, "garbage", 2 },
		{ typed_media, "texts", 2 },
		{ typed_tel, "+15551234567", 0 },
		{ typed_tel, "tel:+1-555-123-4567", 0 },
		{ typed_tel, "15551234567", 2 },
		{ typed_tel, "garbage", 2 },
		{ typed_tel, "+", 2 },
		{ typed_tel, "+" A60, 2 },
		{ typed_conf_name, NULL, 0 },
		{ typed_conf_name, "standup.2", 0 },
		{ typed_conf_name, A60 "aaaa", 0 },
		{ typed_conf_name, A60 "aaaaa", 2 },
		{ typed_conf_name, "", 2 },
		{ typed_conf_name, "Standup", 2 },
		{ typed_conf_name, "stand up", 2 },
		{ typed_conf_name, "conference", 2 },
		{ typed_conf, "standup", 0 },
		{ typed_conf, "conf:standup", 0 },
		{ typed_conf, "sip:standup@conf.lab.test", 0 },
		{ typed_conf, "Standup", 2 },
		{ typed_conf, "conf:", 2 },
		{ typed_conf, A60 A60, 2 },
		{ typed_who, "alice", 0 },
		{ typed_who, "Alice@lab.test", 0 },
		{ typed_who, "tel:+15551234567", 0 },
		{ typed_who, "", 2 },
		{ typed_who, "a b", 2 },
		{ typed_who, A60 A60 A10, 2 },
		{ typed_who_list, NULL, 0 },
		{ typed_who_list, "alice,bob", 0 },
		{ typed_who_list, "alice,", 2 },
		{ typed_who_list, "alice," A60 A60 A60 A60 A60, 2 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		T_OK(typed(rows[i].how, rows[i].s) == rows[i].code,
		    "row %zu: %s", i, rows[i].s != NULL ? rows[i].s : "NULL");
		T_OK((capture_err[0] != '\0') == (rows[i].code != 0),
		    "row %zu says so", i);
	}
}

static void
test_sentences(void)
{
	typed(typed_status, "Lunch Break");
	T(strncmp(capture_err,
	      "sec-x: Lunch Break is no status: available, busy, away, "
	      "offline, or a word of your own (a-z first, then a-z 0-9 - _, "
	      "at most 31)\n",
	      30) == 0);
	/* A long word is not repeated whole. */
	typed(typed_conf_name, A60 A60);
	T(strstr(capture_err, A10 A10 A10 A10 "... is no name") != NULL);
	T(strstr(capture_err, "at most 64") != NULL);
	typed(typed_conf, "");
	T(strstr(capture_err, "an empty word is no name") != NULL);
}

int
main(void)
{
	test_words();
	test_sentences();
	return t_done();
}
