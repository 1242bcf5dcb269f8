/* Rules keep their order (S160), also across closing and opening. */
#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "base/text.h"
#include "db/pal_rule.h"

static struct db *d;
static char why[512];

static int
on_rule(void *arg, const struct pal_rule *r)
{
	(void)arg;
	note("%s%d%s>%s/%d/%s ", r->name, r->allow, r->who, r->whom,
	    r->same_org, r->attrs);
	return 0;
}

static const char *
rules(void)
{
	seen[0] = '\0';
	T_INT(pal_rule_each(d, on_rule, NULL), 0);
	return seen;
}

static int
add(const char *name, const char *before)
{
	struct pal_rule r;

	memset(&r, 0, sizeof(r));
	text_copy(r.name, name, sizeof(r.name));
	r.allow = 1;
	return pal_rule_add(d, &r, before);
}

int
main(void)
{
	struct pal_rule r = { "desk", 0, "group:helpdesk", "conf:*", 1,
		"status,since" };

	scratch_make();
	T_INT(db_open(&d, "pal.db", DB_WRITER, why, sizeof(why)), 0);
	T_STR(rules(), "");
	T_INT(pal_rule_add(d, &r, NULL), 0);
	T_STR(rules(), "desk0group:helpdesk>conf:*/1/status,since ");
	T_INT(pal_rule_rm(d, "desk"), 0);
	T_INT(pal_rule_rm(d, "desk"), SEC_ERR_NOTHING);
	T_INT(add("b", NULL), 0);
	T_INT(add("d", NULL), 0);
	T_INT(add("a", "b"), 0);
	T_INT(add("c", "d"), 0);
	T_STR(rules(), "a1>/0/ b1>/0/ c1>/0/ d1>/0/ ");
	T_INT(add("c", NULL), SEC_ERR_NO);
	T_INT(add("c", "a"), SEC_ERR_NO);
	T_INT(add("x", "y"), SEC_ERR_NOTHING);
	T_INT(pal_rule_rm(d, "b"), 0);
	T_INT(add("e", NULL), 0);
	T_INT(add("b", "c"), 0);
	db_close(d);
	T_INT(db_open(&d, "pal.db", DB_WRITER, why, sizeof(why)), 0);
	T_STR(rules(), "a1>/0/ b1>/0/ c1>/0/ d1>/0/ e1>/0/ ");
	db_close(d);
	return t_done();
}
