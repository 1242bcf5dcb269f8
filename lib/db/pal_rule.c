/* pal.db: rules of who may watch whom. */
#include "base/err.h"
#include "db/pal_rule.h"
#include "db/stmt.h"

static const char sql_rule_last[] = "SELECT ifnull(max(ord), 0) FROM rule";
static const char sql_rule_place[] = "SELECT ord FROM rule WHERE name = ?1";
/* Places are unique at every moment: by way of numbers below 0. */
static const char sql_rule_lift[] =
    "UPDATE rule SET ord = -ord - 1 WHERE ord >= ?1";
static const char sql_rule_settle[] =
    "UPDATE rule SET ord = -ord WHERE ord < 0";
static const char sql_rule_put[] =
    "INSERT INTO rule (name, ord, allow, who, whom, same_org, attrs)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char sql_rule_rm[] = "DELETE FROM rule WHERE name = ?1";
static const char sql_rule_each[] =
    "SELECT name, allow, who, whom, same_org, attrs FROM rule ORDER BY ord";

/* The place to take, made free. */
static int
rule_place(struct db *d, const char *before, int *out)
{
	sqlite3_stmt *s;
	int r, place = 0;

	r = before == NULL ? stmt_open(d, &s, sql_rule_last, "") :
			     stmt_open(d, &s, sql_rule_place, "t", before);
	if (r != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		place = sqlite3_column_int(s, 0);
	stmt_close(s);
	if (r != 1)
		return r == 0 ? SEC_ERR_NOTHING : r;
	if (before == NULL)
		place++;
	else if ((r = stmt_run(d, sql_rule_lift, "i", place)) != 0 ||
	    (r = stmt_run(d, sql_rule_settle, "")) != 0)
		return r;
	*out = place;
	return 0;
}

int
pal_rule_add(struct db *d, const struct pal_rule *rule, const char *before)
{
	int r, place;

	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = rule_place(d, before, &place)) == 0)
		r = stmt_run(d, sql_rule_put, "tiittit", rule->name, place,
		    rule->allow, rule->who, rule->whom, rule->same_org,
		    rule->attrs);
	return db_finish(d, r);
}

int
pal_rule_rm(struct db *d, const char *name)
{
	int r;

	if ((r = stmt_run(d, sql_rule_rm, "t", name)) != 0)
		return r;
	return stmt_changes(d) > 0 ? 0 : SEC_ERR_NOTHING;
}

int
pal_rule_each(struct db *d, int (*cb)(void *arg, const struct pal_rule *r),
    void *arg)
{
	struct pal_rule rule;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_rule_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, rule.name, sizeof(rule.name));
		rule.allow = sqlite3_column_int(s, 1);
		stmt_text(s, 2, rule.who, sizeof(rule.who));
		stmt_text(s, 3, rule.whom, sizeof(rule.whom));
		rule.same_org = sqlite3_column_int(s, 4);
		stmt_text(s, 5, rule.attrs, sizeof(rule.attrs));
		if ((r = cb(arg, &rule)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}
