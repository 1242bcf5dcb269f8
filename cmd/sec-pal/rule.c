/*
 * rule: who may watch whom (S160): the rules in force, and the
 * administrator's verbs. A change is in force at once: pals_recheck().
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/text.h"
#include "db/pal_rule.h"
#include "wire/types.h"

#include "ldap.h"
#include "ldap_copy.h"
#include "pal.h"
#include "recheck.h"
#include "rule.h"

/* --- the set --- */

/* As a column: nothing for anybody. */
static void
put_column(char *out, size_t size, const struct subject *s)
{
	struct buf b = BUF_INIT;

	out[0] = '\0';
	if (s->kind != SUBJECT_ANY) {
		subject_put(&b, s);
		text_copy(out, buf_cstr(&b), size);
	}
	buf_free(&b);
}

static void
rule_to_row(const struct rule *r, struct pal_rule *row)
{
	memset(row, 0, sizeof *row);
	text_copy(row->name, r->name, sizeof row->name);
	row->allow = r->allow;
	put_column(row->who, sizeof row->who, &r->who);
	put_column(row->whom, sizeof row->whom, &r->whom);
	row->same_org = r->same_org;
	if (strcmp(r->attrs, "*") != 0)
		text_copy(row->attrs, r->attrs, sizeof row->attrs);
}

static int
rule_of_row(struct rule *r, const struct pal_rule *row)
{
	memset(r, 0, sizeof *r);
	text_copy(r->name, row->name, sizeof r->name);
	r->allow = row->allow;
	r->same_org = row->same_org;
	text_copy(r->attrs, row->attrs[0] != '\0' ? row->attrs : "*",
	    sizeof r->attrs);
	if ((row->who[0] != '\0' && subject_parse(&r->who, row->who) != 0) ||
	    (row->whom[0] != '\0' && subject_parse(&r->whom, row->whom) != 0))
		return SEC_ERR_DATA;
	return 0;
}

static int
load_rule(void *arg, const struct pal_rule *row)
{
	struct rules *s = arg;
	struct rule r;
	int e;

	if ((e = rule_of_row(&r, row)) != 0)
		return e;
	return rules_insert(s, s->n, &r);
}

static int
given_read(struct rules *out, char *why, size_t whylen)
{
	char path[PATH_LEN];
	int r = rules_read(out, path_rules(path), why, whylen);

	return r == SEC_ERR_NOTHING ? 0 : r;
}

static void
on_chart(void *arg)
{
	struct pal *p = arg;

	p->rules->rechecked = loop_now(p->s->loop);
	pals_recheck(p);
}

static int
on_need(void *arg, const char *user)
{
	return ldap_needed(arg, user);
}

int
rules_open(struct pal *p, char *why, size_t whylen)
{
	int r;

	if ((p->rules = calloc(1, sizeof *p->rules)) == NULL ||
	    (p->rules->standing = standing_new(p->dir)) == NULL)
		return SEC_ERR_SYS;
	standing_on_need(p->rules->standing, on_need, p);
	timer_init(&p->rules->timer, p->s->loop, on_chart, p);
	if ((r = pal_rule_each(p->s->db, load_rule, &p->rules->added)) != 0) {
		snprintf(why, whylen, "rules of pal.db: %s",
		    r == SEC_ERR_DATA ? sec_strerror(r) : db_why(p->s->db));
		return r;
	}
	return given_read(&p->rules->given, why, whylen);
}

int
rules_reload(struct pal *p, char *why, size_t whylen)
{
	struct rules new = { 0 };
	int r;

	if ((r = given_read(&new, why, whylen)) != 0)
		return r;
	rules_free(&p->rules->given);
	p->rules->given = new;
	pals_recheck(p);
	return 0;
}

void
rules_close(struct pal *p)
{
	if (p->rules == NULL)
		return;
	timer_cancel(&p->rules->timer);
	standing_free(p->rules->standing);
	rules_free(&p->rules->added);
	rules_free(&p->rules->given);
	free(p->rules);
	p->rules = NULL;
}

static int
asks_chart(const struct rules *s)
{
	const struct rule *r;

	for (r = s->rule; r < s->rule + s->n; r++)
		if (r->same_org || r->who.kind == SUBJECT_GROUP ||
		    r->who.kind == SUBJECT_ORG ||
		    r->whom.kind == SUBJECT_GROUP ||
		    r->whom.kind == SUBJECT_ORG)
			return 1;
	return 0;
}

void
rules_chart_changed(struct pal *p)
{
	struct rulebook *b = p->rules;
	int64_t wait;

	standing_forget(b->standing);
	if (timer_is_set(&b->timer) ||
	    (!asks_chart(&b->added) && !asks_chart(&b->given)))
		return;
	wait = b->rechecked + CHART_MS - loop_now(p->s->loop);
	timer_set(&b->timer, b->rechecked != 0 && wait > 0 ? wait : 0);
}

void
rules_moved(struct pal *p, const char *user)
{
	struct rulebook *b = p->rules;

	standing_forget_user(b->standing, user);
	if (asks_chart(&b->added) || asks_chart(&b->given))
		pals_recheck_user(p, user);
}

void
rule_check(struct pal *p, const char *watcher, const struct uri *whom,
    struct verdict *v)
{
	const struct rules *const both[] = { &p->rules->added,
		&p->rules->given };

	verdict_find(v, both, 2, p->rules->standing, watcher, whom);
}

/* --- control lines --- */

/* A rule about a type that there is not would never match: a slip. */
static int
knows_type(const struct pal *p, const struct rule *r, char *why, size_t n)
{
	const char *type = r->whom.type;

	if (r->whom.kind != SUBJECT_TYPE && r->whom.kind != SUBJECT_THING)
		return 1;
	if (strcmp(type, "user") == 0 || strcmp(type, "conference") == 0 ||
	    strcmp(type, "phone") == 0 || types_find(p->types, type) != NULL)
		return 1;
	types_unknown(p->types, type, why, n);
	return 0;
}

static void
on_rule_add(void *ctx, struct ctl_req *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *name = line_get_or(req->line, "name", "");
	const char *before = line_get(req->line, "before");
	struct rules *s = &p->rules->added;
	struct pal_rule row;
	struct rule r;
	char why[300];
	int at = before != NULL ? rules_find(s, before) : (int)s->n;

	memset(&r, 0, sizeof r);
	if (!text_is_name(name)) {
		ctl_error(req, 400, "not a rule's name");
		return;
	}
	text_copy(r.name, name, sizeof r.name);
	if (rule_parse(&r, line_get_or(req->line, "text", ""), why,
		sizeof why) != 0 ||
	    !knows_type(p, &r, why, sizeof why)) {
		ctl_error(req, 400, why);
		return;
	}
	if (rules_find(s, name) >= 0 ||
	    rules_find(&p->rules->given, name) >= 0) {
		ctl_error(req, 409, "there is a rule of that name");
		return;
	}
	if (at < 0) {
		ctl_error(req, 404, "there is no such rule to be before");
		return;
	}
	rule_to_row(&r, &row);
	if (pal_rule_add(p->s->db, &row, before) != 0) {
		ctl_error(req, 503, db_why(p->s->db));
		return;
	}
	if (rules_insert(s, (size_t)at, &r) != 0) {
		(void)pal_rule_rm(p->s->db, name);
		ctl_error(req, 503, "too many rules");
		return;
	}
	pals_recheck(p);
	ctl_ok(req);
}

static void
on_rule_rm(void *ctx, struct ctl_req *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *name = line_get_or(req->line, "name", "");
	char why[PATH_LEN + 40], path[PATH_LEN];
	int at = rules_find(&p->rules->added, name);

	if (at < 0 && rules_find(&p->rules->given, name) >= 0) {
		snprintf(why, sizeof why, "that rule stands in %s",
		    path_rules(path));
		ctl_error(req, 409, why);
		return;
	}
	if (at < 0) {
		ctl_error(req, 404, "no such rule");
		return;
	}
	if (pal_rule_rm(p->s->db, name) != 0) {
		ctl_error(req, 503, db_why(p->s->db));
		return;
	}
	rules_remove(&p->rules->added, (size_t)at);
	pals_recheck(p);
	ctl_ok(req);
}

static void
put_rules(struct ctl_req *req, const struct rules *s, const char *from)
{
	struct buf text = BUF_INIT, *b;
	size_t i;

	for (i = 0; i < s->n; i++) {
		buf_reset(&text);
		rule_put(&text, &s->rule[i]);
		b = ctl_row(req);
		line_put(b, "name", s->rule[i].name);
		line_put(b, "text", buf_cstr(&text));
		line_put(b, "from", from);
		ctl_end(req);
	}
	buf_free(&text);
}

static void
on_rule_list(void *ctx, struct ctl_req *req)
{
	struct pal *p = ((struct service *)ctx)->priv;

	put_rules(req, &p->rules->added, "added");
	put_rules(req, &p->rules->given, "file");
	ctl_ok(req);
}

/* --- rule-test --- */

/* A question, which may wait for the LDAP directory. */
struct question {
	struct pal *p;
	struct ctl_handle from;
	char who[PAL_NAME];
	struct uri whom;
};

static void
put_verdict(struct ctl_req *req, const struct verdict *v)
{
	struct buf *b = ctl_ok_begin(req);

	line_put(b, "result", v->allow ? "allow" : "deny");
	line_put(b, "rule", v->rule[0] != '\0' ? v->rule : NULL);
	line_put(b, "why", v->why[0] != '\0' ? v->why : NULL);
	line_put(b, "attrs", v->attrs[0] != '\0' ? v->attrs : NULL);
	ctl_end(req);
}

static void
question_ask(void *arg, int late)
{
	struct question *q = arg;
	struct ctl_req req;
	struct verdict v;

	rule_check(q->p, q->who, &q->whom, &v);
	if (!late && v.awaits[0] != '\0') {
		ldap_copy_await(q->p, v.awaits, question_ask, q);
		return;
	}
	if (ctl_again(q->p->s->ctl, q->from, &req) == 0)
		put_verdict(&req, &v);
	free(q);
}

static void
on_rule_test(void *ctx, struct ctl_req *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *domain = p->s->conf.domain;
	struct question *q;
	struct uri who, whom;

	if (uri_from_name(&who, line_get_or(req->line, "who", ""), domain, 0) !=
		0 ||
	    who.kind != URI_USER) {
		ctl_error(req, 400, "who is not a user");
		return;
	}
	if (uri_from_name(&whom, line_get_or(req->line, "whom", ""), domain,
		0) != 0 ||
	    uri_type(&whom) == NULL) {
		ctl_error(req, 400, "whom is nothing that can be watched");
		return;
	}
	if ((q = calloc(1, sizeof *q)) == NULL) {
		ctl_error(req, 503, "no memory");
		return;
	}
	q->p = p;
	q->from = ctl_keep(req);
	text_copy(q->who, who.name, sizeof q->who);
	q->whom = whom;
	question_ask(q, 0);
}

const struct ctl_verb rule_verbs[] = {
	{ "rule-add", CTL_ADMIN, on_rule_add },
	{ "rule-rm", CTL_ADMIN, on_rule_rm },
	{ "rule-list", CTL_ADMIN, on_rule_list },
	{ "rule-test", CTL_ADMIN, on_rule_test },
	{ NULL, 0, NULL },
};
