/*
 * Who may watch whom (S160, S170): sets of rules, an organisation chart in
 * dir.db, and what comes out. Nobody here is logged in anywhere.
 */
#include "../../../cmd/sec-pal/standing.c"
#include "../../../cmd/sec-pal/verdict.c"
#include "../test.h"
#include "../db/scratch.h"

static struct db *dir;
static char why[512];

/* 1256 is below 12, 0001 is beside it; eve is in no organisation. */
static void
make_chart(void)
{
	static const char *const org[][2] = { { "12", "" }, { "1256", "12" },
		{ "0001", "" } };
	static const char *const person[][2] = { { "alice", "1256" },
		{ "bob", "1256" }, { "carol", "12" }, { "vpfinance", "0001" } };
	struct dir_person p;
	struct dir_org o;
	size_t i;

	for (i = 0; i < 3; i++) {
		memset(&o, 0, sizeof o);
		text_copy(o.org, org[i][0], sizeof o.org);
		text_copy(o.name, org[i][0], sizeof o.name);
		text_copy(o.parent, org[i][1], sizeof o.parent);
		T_INT(dir_org_put(dir, &o), 0);
	}
	for (i = 0; i < 4; i++) {
		memset(&p, 0, sizeof p);
		text_copy(p.user, person[i][0], sizeof p.user);
		T_INT(dir_person_add(&p, "org", person[i][1]), 0);
		T_INT(dir_person_put(dir, &p, 1, NULL), 0);
		dir_person_free(&p);
	}
	T_INT(dir_member_put(dir, "helpdesk", "dave", 1), 0);
}

/* Rules, who, whom -> "allow|deny [RULE][: WHY][ (ATTRS)]". */
static const struct {
	const char *rules, *who, *whom, *want;
} row[] = {
	/* None at all: people, things and telephones, no conferences. */
	{ "", "alice", "bob", "allow" },
	{ "", "alice", "lamp:x", "allow" },
	{ "", "alice", "tel:+1", "allow" },
	{ "", "alice", "conf:x",
	    "deny: a conference is watched by those who take part in it, and "
	    "by whom its owner lets" },
	/* STORIES 1.28. */
	{ "same-org allow org=org", "alice", "bob", "allow same-org" },
	{ "same-org allow org=org", "alice", "vpfinance",
	    "deny same-org: 1256 is not 0001" },
	{ "same-org allow org=org", "carol", "alice",
	    "deny same-org: 12 is not 1256" },
	{ "same-org allow org=org", "eve", "bob",
	    "deny same-org: eve has no organisation" },
	{ "same-org allow org=org", "bob", "eve",
	    "deny same-org: eve has no organisation" },
	{ "same-org allow org=org", "eve", "eve", "allow" },
	/* It is about users: other types have no allow rule. */
	{ "same-org allow org=org", "eve", "lamp:x", "allow" },
	{ "same-org allow org=org", "eve", "tel:+1", "allow" },
	{ "no deny who=eve", "eve", "bob", "deny no" },
	{ "no deny who=eve", "alice", "bob", "allow" },
	{ "no deny who=eve", "eve", "eve", "allow" },
	{ "no deny who=eve", "eve", "lamp:x", "deny no" },
	{ "no deny who=eve", "eve", "conf:x", "deny no" },
	/* First match wins. */
	{ "a deny who=eve\nb allow", "eve", "bob", "deny a" },
	{ "b allow\na deny who=eve", "eve", "bob", "allow b" },
	/* Of several allow rules that fail the last is named. */
	{ "a allow who=bob\nb allow who=org:12 whom=org:12", "eve", "bob",
	    "deny b: eve is not in organisation 12" },
	{ "a allow who=bob\nb allow who=org:12 whom=org:12", "alice",
	    "vpfinance", "deny b: vpfinance is not in organisation 12" },
	{ "a allow who=bob\nd deny who=dave", "alice", "carol",
	    "deny a: alice is not bob" },
	{ "a allow who=alice whom=bob", "alice", "carol",
	    "deny a: carol is not bob" },
	/* Below an organisation is in it, above is not. */
	{ "a allow who=org:12", "alice", "eve", "allow a" },
	{ "a allow who=org:1256", "carol", "eve",
	    "deny a: carol is not in organisation 1256" },
	{ "a allow who=group:helpdesk", "dave", "eve", "allow a" },
	{ "a allow who=group:helpdesk", "eve", "dave",
	    "deny a: eve is not in group helpdesk" },
	{ "a allow whom=group:helpdesk", "eve", "dave", "allow a" },
	/* Types. */
	{ "a allow who=dave whom=lamp:*", "eve", "bob", "allow" },
	{ "a allow who=dave whom=lamp:*", "dave", "lamp:x", "allow a" },
	{ "a allow who=dave whom=lamp:*", "eve", "lamp:x",
	    "deny a: eve is not dave" },
	{ "a allow who=dave whom=lamp:*", "eve", "door:x", "allow" },
	{ "a allow whom=lamp:hall", "eve", "lamp:x",
	    "deny a: lamp:x is not lamp:hall" },
	{ "a deny whom=user:*", "eve", "bob", "deny a" },
	{ "a deny whom=user:*", "eve", "lamp:x", "allow" },
	{ "a deny whom=tel:*", "eve", "tel:+1", "deny a" },
	/* Conferences (S170): only a rule that names them lets somebody. */
	{ "a allow", "eve", "bob", "allow a" },
	{ "a allow", "eve", "conf:x",
	    "deny: a conference is watched by those who take part in it, and "
	    "by whom its owner lets" },
	{ "a allow who=group:helpdesk whom=conf:*", "dave", "conf:x",
	    "allow a" },
	{ "a allow who=group:helpdesk whom=conf:*", "eve", "conf:x",
	    "deny a: eve is not in group helpdesk" },
	{ "a allow whom=conf:x", "eve", "conf:x", "allow a" },
	{ "a allow whom=conf:x", "eve", "bob", "allow" },
	/* Attributes. */
	{ "a allow org=org\nb allow attrs=status,since", "eve", "bob",
	    "allow b (status,since)" },
	{ "a allow org=org\nb allow attrs=status,since", "alice", "bob",
	    "allow a" },
};

static const char *
verdict_text(const struct verdict *v)
{
	static char text[640];

	snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s",
	    v->allow ? "allow" : "deny", v->rule[0] != '\0' ? " " : "", v->rule,
	    v->why[0] != '\0' ? ": " : "", v->why,
	    v->attrs[0] != '\0' ? " (" : "", v->attrs,
	    v->attrs[0] != '\0' ? ")" : "");
	return text;
}

/* What was remembered is so until it is said that the chart has changed. */
static void
test_forget(struct standing *standing)
{
	struct subject desk, org;

	T_INT(subject_parse(&desk, "group:helpdesk"), 0);
	T_INT(subject_parse(&org, "org:12"), 0);
	T(!standing_is(standing, &desk, "frank"));
	T(standing_is(standing, &org, "alice"));
	T_INT(dir_member_put(dir, "helpdesk", "frank", 1), 0);
	T_INT(dir_person_rm(dir, "alice"), 0);
	standing_forget(standing);
	T(standing_is(standing, &desk, "frank"));
	T(!standing_is(standing, &org, "alice"));
	T_STR(standing_org(standing, "alice"), "");
}

/* Somebody elsewhere is asked about those whom dir.db does not know. */
static int
on_need(void *arg, const char *user)
{
	return strcmp(user, arg) == 0;
}

static void
test_awaited(struct standing *standing)
{
	const struct rules *set;
	struct rules s = { 0 };
	char sought[] = "grace", known[] = "bob";
	struct dir_person p = { .user = "grace" };
	struct verdict v;
	struct uri u;

	T_INT(rules_parse(&s, "a allow org=org", 15, why, sizeof why), 0);
	T_INT(uri_from_name(&u, "grace", "lab.test", 0), 0);
	set = &s;
	standing_on_need(standing, on_need, known);
	verdict_find(&v, &set, 1, standing, "bob", &u);
	T_STR(verdict_text(&v), "deny a: grace has no organisation");
	T_STR(v.awaits, "");
	standing_on_need(standing, on_need, sought);
	verdict_find(&v, &set, 1, standing, "bob", &u);
	T_STR(v.awaits, "grace");
	/* The answer has come; of her alone something is forgotten. */
	T_INT(dir_person_add(&p, "org", "1256"), 0);
	T_INT(dir_person_put(dir, &p, 1, NULL), 0);
	dir_person_free(&p);
	T_INT(dir_person_rm(dir, "bob"), 0);
	standing_forget_user(standing, "grace");
	verdict_find(&v, &set, 1, standing, "bob", &u);
	T_STR(verdict_text(&v), "allow a");
	T_STR(v.awaits, "");
	rules_free(&s);
	standing_on_need(standing, NULL, NULL);
}

int
main(void)
{
	const struct rules *sets[2];
	struct rules s = { 0 }, none = { 0 };
	struct standing *standing, *nowhere;
	struct verdict v;
	struct uri u;
	size_t i;

	scratch_make();
	T_INT(db_open(&dir, "dir.db", DB_WRITER, why, sizeof why), 0);
	make_chart();
	standing = standing_new(dir);
	nowhere = standing_new(NULL);
	for (i = 0; i < sizeof row / sizeof row[0]; i++) {
		T_INT(rules_parse(&s, row[i].rules, strlen(row[i].rules), why,
			  sizeof why),
		    0);
		T_INT(uri_from_name(&u, row[i].whom, "lab.test", 0), 0);
		/* In the first set or in the second. */
		sets[i % 2] = &s;
		sets[(i + 1) % 2] = &none;
		verdict_find(&v, sets, 2, standing, row[i].who, &u);
		T_OK(strcmp(verdict_text(&v), row[i].want) == 0,
		    "row %zu: %s %s: %s", i, row[i].who, row[i].whom,
		    verdict_text(&v));
		rules_free(&s);
	}
	/* What has no presence; and no chart at all. */
	T_INT(uri_from_name(&u, "sip:pal.lab.test", "lab.test", 0), 0);
	verdict_find(&v, sets, 2, standing, "alice", &u);
	T_STR(verdict_text(&v), "deny: nothing that can be watched");
	T_INT(rules_parse(&s, "a allow org=org", 15, why, sizeof why), 0);
	T_INT(uri_from_name(&u, "bob", "lab.test", 0), 0);
	verdict_find(&v, sets, 2, nowhere, "alice", &u);
	T_STR(verdict_text(&v), "deny a: alice has no organisation");
	rules_free(&s);
	test_awaited(standing);
	test_forget(standing);
	standing_free(standing);
	standing_free(nowhere);
	standing_free(NULL);
	db_close(dir);
	return t_done();
}
