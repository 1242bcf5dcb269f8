/* sec-confctl: conferences. `serve` is the controller (114), the focus of
 * RFC 4353; the other verbs are its client. */

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#include "client.h"
#include "focus.h"
#include "policy.h"
#include "download.h"
#include "upload.h"

static const struct sip_method methods[] = {
	{ "INVITE", NEED_SESSION, on_invite }, /* create join invite */
	{ "ACK", NEED_SESSION, on_ack },
	{ "CANCEL", NEED_SESSION, on_cancel },
	{ "BYE", NEED_SESSION, on_bye }, /* leave.c */
	{ "PUBLISH", NEED_SESSION, on_publish }, /* policy.c */
	{ "OPTIONS", NEED_SESSION, on_options },
	{ NULL, 0, NULL },
};

static int
focus_open(struct service *s)
{
	const struct server *pal;
	struct focus *f;
	int i, r;

	if ((f = calloc(1, sizeof *f)) == NULL)
		return SEC_ERR_SYS;
	f->s = s;
	s->priv = f;
	f->commits = 1;
	f->confs = map_new();
	f->ids = map_new();
	f->dialogs = map_new();
	f->devices = map_new();
	f->sessions = holders_new();
	f->persons = map_new();
	f->creates = map_new();
	f->joins = map_new();
	f->invites = map_new();
	f->invite_txn = map_new();
	f->detached = map_new();
	f->groups = map_new();
	f->known = map_new();
	f->answers = map_new();
	f->waitings = map_new();
	for (i = 0; i < 256; i++)
		f->capacity[i] = -1; /* not heard of yet */
	if ((pal = service_peer(s, "pal")) != NULL)
		f->pal = pal->number;
	ctl_add_verbs(s->ctl, pick_verbs, s);
	ctl_add_verbs(s->ctl, talk_verbs, s);
	ctl_add_verbs(s->ctl, history_verbs, s);
	TAILQ_INIT(&f->stored);
	uploads_init(f);
	downloads_init(f);
	if ((r = confs_load(f)) != 0)
		return r;
	attachments_sweep(f);
	moves_load(f);
	return 0;
}

static void
focus_close(struct service *s)
{
	struct focus *f = s->priv;

	if (f == NULL)
		return;
	while (f->commit_hook.armed)
		commit_now(f);
	lobby_free(f);
	invites_free(f);
	groups_free(f);
	known_free_all(f);
	joins_free(f);
	creates_free(f);
	moves_free(f);
	history_close(f);
	uploads_free(f);
	downloads_free(f);
	confs_free(f);
	sessions_free(f);
	map_free(f->confs);
	map_free(f->ids);
	map_free(f->dialogs);
	map_free(f->devices);
	holders_free(f->sessions);
	map_free(f->persons);
	map_free(f->creates);
	map_free(f->joins);
	map_free(f->invites);
	map_free(f->invite_txn);
	map_free(f->groups);
	map_free(f->known);
	map_free(f->detached);
	answers_free(f);
	secret_free(f->dbk);
	free(f->waits);
	free(f);
	s->priv = NULL;
}

static int
focus_busy(struct service *s)
{
	struct focus *f = s->priv;
	struct conference *c;
	size_t i;
	int n = 0;

	for (i = 0; (c = map_next(f->confs, &i)) != NULL;)
		n += !TAILQ_EMPTY(&c->member_list);
	return n + (int)holders_count(f->sessions);
}

static int
focus_health(struct service *s, struct buf *words)
{
	struct focus *f = s->priv;
	struct conference *c;
	size_t i, members = 0;

	for (i = 0; (c = map_next(f->confs, &i)) != NULL;)
		members += map_count(c->members);
	buf_putf(words, "%zu conference%s, %zu member%s", map_count(f->confs),
	    text_plural(map_count(f->confs)), members, text_plural(members));
	return 0;
}

static void
focus_link_up(struct service *s, int number, struct ctl_peer *p)
{
	(void)p;
	deal_link_up(s->priv, number);
}

static void
focus_link_down(struct service *s, int number)
{
	move_link_down(s->priv, number);
}

static const struct service_def def = {
	.prog = "sec-confctl",
	.role = "confctl",
	.port = 7320,
	.db = "conf.db",
	.methods = methods,
	.verbs = session_verbs, /* session.c */
	.open = focus_open,
	.close = focus_close,
	.busy = focus_busy,
	.health = focus_health,
	.hello_key = session_hello_key,
	.plain_peer = session_plain_peer,
	.conn_up = session_conn_up,
	.conn_down = session_conn_down,
	.link_up = focus_link_up,
	.link_down = focus_link_down,
};

int
main(int argc, char **argv)
{
	if (service_verb(argc, argv))
		return service_main(&def, argc, argv);
	return client_main(argc, argv);
}
