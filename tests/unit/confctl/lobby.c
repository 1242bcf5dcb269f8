/*
 * Who waits to be let in for 600 s is answered 408, and those who could let
 * him in see him no longer (S132). The rest of the controller is played by
 * what stands here; the wait is cut short at the timer it has set.
 */
#define sip_txn_id	   txn_id
#define sip_txn_find	   txn_find
#define sip_txn_conn	   txn_conn
#define sip_txn_cookie	   txn_cookie
#define sip_txn_set_cookie txn_set_cookie
#define sip_answer	   txn_answer
#define sip_answer_status  txn_answer_status
#include "../../../cmd/sec-confctl/lobby.c"
#include "base/clock.h"
#include "../test.h"

#define CREATOR "sip:alice@lab.test"

struct sip_txn {
	uint64_t cookie;
	int status;
};
static struct sip_txn txn[2]; /* by id - 1 */
static struct service service;
static struct focus focus = { .s = &service };
static struct conference conf = { .focus = &focus };
static struct member creator = { .user = CREATOR, .conf = &conf };
static struct device phone;
static char told[512]; /* the creator, lately */

/* --- the SIP stack --- */

uint64_t
txn_id(const struct sip_txn *t)
{
	return (uint64_t)(t - txn) + 1;
}

struct sip_txn *
txn_find(struct sip_stack *s, uint64_t id)
{
	(void)s;
	return &txn[id - 1];
}

struct sip_conn *
txn_conn(struct sip_txn *t)
{
	(void)t;
	return NULL;
}

uint64_t
txn_cookie(const struct sip_txn *t)
{
	return t->cookie;
}

void
txn_set_cookie(struct sip_txn *t, uint64_t cookie)
{
	t->cookie = cookie;
}

void
txn_answer_status(struct sip_txn *t, int status)
{
	t->status = status;
}

void
txn_answer(struct sip_txn *t, const struct sip_msg *a)
{
	txn_answer_status(t, a->status);
}

void
policy_refuse(struct sip_txn *t, int status, const char *why)
{
	(void)why;
	txn_answer_status(t, status);
}

/* --- the controller --- */

struct conference *
conf_find_id(struct focus *f, uint64_t id)
{
	(void)f;
	return id == conf.row.id ? &conf : NULL;
}

struct member *
conf_member(const struct conference *c, const char *user)
{
	(void)c;
	return strcmp(user, CREATOR) == 0 ? &creator : NULL;
}

enum rank
rank_of(struct conference *c, const char *user)
{
	return conf_member(c, user) != NULL ? RANK_OWNER : RANK_ANYBODY;
}

int
conf_may_join(const struct conference *c, const char *user)
{
	(void)c, (void)user;
	return 1;
}

int
conf_admits(const struct conference *c, const char *user)
{
	return conf_may_join(c, user);
}

void
join_start(struct focus *f, const struct join_def *def)
{
	(void)f;
	txn_answer_status(txn_find(NULL, def->cookie), 200);
}

void
device_tell(struct device *d, const char *package, const struct buf *line)
{
	(void)d, (void)package;
	snprintf(told, sizeof told, "%.*s", (int)buf_len(line),
	    (const char *)buf_data(line));
}

const char *
lists_next_user(const struct focus *f, const char *users, struct uri *u)
{
	(void)f, (void)users, (void)u;
	return NULL;
}

int
commit_begin(struct focus *f)
{
	(void)f;
	return SEC_ERR_SYS;
}

void
conf_changed(struct conference *c, const struct conf_row *before)
{
	(void)c, (void)before;
}

void
invites_end(struct conference *c)
{
	(void)c;
}

void
deal_policy(struct conference *c)
{
	(void)c;
}

/* --- */

/* He comes to the door, by that transaction. */
static void
comes(const char *user, uint64_t id)
{
	struct join_def def = { .conf = &conf,
		.user = user,
		.instance = "0123",
		.via = "voip",
		.cookie = id };

	T_INT(lobby_holds(&focus, &txn[id - 1], &def), 1);
	T_INT(txn[id - 1].status, 182);
}

static void
test_late(void)
{
	int64_t before = clock_mono(), after;
	struct waiting *w;

	comes("sip:carol@lab.test", 1);
	after = clock_mono();
	comes("sip:dave@lab.test", 2);
	T(strstr(told, "sip:carol@lab.test") != NULL);
	T(strstr(told, "sip:dave@lab.test") != NULL);
	w = waiting_of(&conf, "sip:carol@lab.test");
	T(w != NULL && timer_is_set(&w->deadline));
	T(w->deadline.at >= before + 600000);
	T(w->deadline.at <= after + 600000);
	loop_turn(service.loop, 0);
	T_INT(txn[0].status, 182);
	/* 600 s later, for her alone. */
	timer_set(&w->deadline, 0);
	while (txn[0].status == 182)
		loop_turn(service.loop, 1000);
	T_INT(txn[0].status, 408);
	T(waiting_of(&conf, "sip:carol@lab.test") == NULL);
	T_STR(told,
	    "lobby\twaiting=sip:dave@lab.test"
	    "\tleft=sip:carol@lab.test\n");
	T_INT(txn[1].status, 182);
}

/* Nobody's time runs on who has come in. */
static void
test_in_time(void)
{
	conf.row.lobby = 0;
	lobby_open(&conf);
	T_INT(txn[1].status, 200);
	T(waiting_of(&conf, NULL) == NULL);
	loop_turn(service.loop, 0);
	T_INT(txn[1].status, 200);
}

int
main(void)
{
	service.loop = loop_new();
	focus.waitings = map_new();
	conf.row.id = 7;
	conf.row.lobby = 1;
	TAILQ_INIT(&conf.member_list);
	TAILQ_INIT(&creator.own);
	TAILQ_INSERT_TAIL(&conf.member_list, &creator, entry);
	TAILQ_INSERT_TAIL(&creator.own, &phone, own);
	test_late();
	test_in_time();
	lobby_free(&focus);
	loop_free(service.loop);
	return t_done();
}
