/*
 * Users, bindings, preferences, status, subscriptions (S021, S022, S056,
 * S091, S092, S109), also across closing and opening.
 */
#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "base/text.h"
#include "db/pal_store.h"

static struct db *d;
static char why[512];

static int
on_user(void *arg, const struct pal_user *u)
{
	(void)arg;
	note("%s=%s ", u->user, u->title);
	return 0;
}

static int
on_binding(void *arg, const char *user, const struct pal_binding *b)
{
	(void)arg;
	note("%s/%.4s ", user, b->instance);
	return 0;
}

static int
on_reach(void *arg, const struct pal_reach *r)
{
	(void)arg;
	note("%s:%s ", r->media, r->by);
	return 0;
}

static int
on_subscription(void *arg, const struct pal_subscription *s)
{
	(void)arg;
	note("%s:%s ", s->id, s->target);
	return 0;
}

static int
on_stop(void *arg, const struct pal_user *u)
{
	(void)arg;
	note("%s ", u->user);
	return SEC_ERR_BUSY;
}

static void
on_gone(void *arg, const char *user, const char *instance)
{
	(void)arg;
	note("%s/%.4s ", user, instance);
}

static const char *
bindings(const char *user)
{
	seen[0] = '\0';
	pal_binding_each(d, user, on_binding, NULL);
	return seen;
}

static void
open_it(void)
{
	T_INT(db_open(&d, "pal.db", DB_WRITER, why, sizeof(why)), 0);
}

int
main(void)
{
	struct pal_status away = { "coffee", "away", "back soon", 5, 0 }, st;
	struct pal_reach reach[] = { { "voice", "phone", "+15550101", 2 },
		{ "voice", "voip", "", 1 }, { "text", "voip", "", 1 } };
	struct pal_registration r = { .user = "alice",
		.nreach = -1,
		.now = 1000,
		.binding = { .via = "voip",
		    .contact = "127.0.0.1:5070",
		    .media = "text",
		    .until = 9000,
		    .instance = "aaaa0000000000000000000000000000" } };
	struct pal_subscription sub = { "d1", "alice", "aaaa", "conference",
		"sip:hello@conf.lab.test", "participant", 5000 };
	struct pal_user u;

	scratch_make();
	open_it();
	T_INT(pal_user_get(d, "alice", &u), SEC_ERR_NOTHING);
	T_INT(pal_register(d, &r), 0);
	T_INT(pal_user_get(d, "alice", &u), 0);
	T(u.created == 1000 && u.seen == 1000 && !u.known && !u.disabled);
	T_INT(pal_status_get(d, "alice", &st), SEC_ERR_NOTHING);

	/* A refresh with preferences and a status. */
	r.now = 2000;
	r.binding.until = 12000;
	r.reach = reach;
	r.nreach = 3;
	r.status = &away;
	T_INT(pal_register(d, &r), 0);
	T_STR(bindings("alice"), "alice/aaaa ");
	seen[0] = '\0';
	T_INT(pal_reach_each(d, "alice", on_reach, NULL), 0);
	T_STR(seen, "text:voip voice:voip voice:phone ");
	T_INT(pal_status_get(d, "alice", &st), 0);
	T_STR(st.value, "coffee");
	T_STR(st.class_, "away");
	T_STR(st.note, "back soon");

	/* A second agent; preferences left alone, then emptied. */
	text_copy(r.binding.instance, "bbbb0000000000000000000000000000",
	    PAL_INSTANCE);
	r.nreach = -1;
	r.status = NULL;
	r.now = 3000;
	T_INT(pal_register(d, &r), 0);
	T_STR(bindings("alice"), "alice/aaaa alice/bbbb ");
	seen[0] = '\0';
	pal_reach_each(d, "alice", on_reach, NULL);
	T_STR(seen, "text:voip voice:voip voice:phone ");
	r.nreach = 0;
	T_INT(pal_register(d, &r), 0);
	seen[0] = '\0';
	pal_reach_each(d, "alice", on_reach, NULL);
	T_STR(seen, "");

	r.user = "bob";
	r.binding.until = 4000;
	T_INT(pal_register(d, &r), 0);
	T_INT(pal_subscription_put(d, &sub), 0);
	sub.until = 6000;
	T_INT(pal_subscription_put(d, &sub), 0);

	/* All of it is there again after a restart. */
	db_close(d);
	open_it();
	T_STR(bindings(NULL), "alice/aaaa alice/bbbb bob/bbbb ");
	seen[0] = '\0';
	T_INT(pal_subscription_each(d, on_subscription, NULL), 0);
	T_STR(seen, "d1:sip:hello@conf.lab.test ");
	seen[0] = '\0';
	T_INT(pal_expire(d, 3999, on_gone, NULL), 0);
	T_STR(seen, "");
	T_INT(pal_expire(d, 4000, on_gone, NULL), 0);
	T_STR(seen, "bob/bbbb ");
	T_STR(bindings(NULL), "alice/aaaa alice/bbbb ");
	T_INT(pal_unregister(d, "alice", "bbbb0000000000000000000000000000", 1),
	    0);
	T_INT(pal_unregister(d, "alice", "bbbb0000000000000000000000000000", 1),
	    SEC_ERR_NOTHING);
	T_STR(bindings("alice"), "alice/aaaa ");

	/* sec-admin's side. */
	memset(&u, 0, sizeof(u));
	text_copy(u.user, "carol", sizeof(u.user));
	text_copy(u.title, "Carol 'Q' \"X\"; DROP TABLE user", PAL_NAME);
	u.known = 1;
	T_INT(pal_user_put(d, &u), 0);
	u.disabled = 1;
	T_INT(pal_user_put(d, &u), 0);
	T_INT(pal_user_get(d, "carol", &u), 0);
	T(u.known && u.disabled);
	seen[0] = '\0';
	T_INT(pal_user_each(d, on_user, NULL), 0);
	T_STR(seen, "alice= bob= carol=Carol 'Q' \"X\"; DROP TABLE user ");
	seen[0] = '\0';
	T_INT(pal_user_each(d, on_stop, NULL), SEC_ERR_BUSY);
	T_STR(seen, "alice ");
	T_INT(pal_user_rm(d, "alice"), 0);
	T_INT(pal_user_rm(d, "alice"), SEC_ERR_NOTHING);
	T_STR(bindings("alice"), "");
	T_INT(pal_status_get(d, "alice", &st), SEC_ERR_NOTHING);
	seen[0] = '\0';
	T_INT(pal_subscription_each(d, on_subscription, NULL), 0);
	T_STR(seen, "");
	T_INT(pal_subscription_rm(d, "d1"), SEC_ERR_NOTHING);
	T_INT(db_check(d), 0);
	db_close(d);
	return t_done();
}
