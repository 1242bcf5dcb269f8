/* sec-mtcu: text routing (126). A table of contents. */

#include <stdlib.h>

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/ids.h"
#include "wire/uri.h"

#include "mtcu.h"

/* How an agent names itself on a plain connection. */
static void
on_options(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	(void)ctx;
	(void)req;
	sip_answer_status(txn, 200);
}

static const struct sip_method methods[] = {
	{ "MESSAGE", NEED_DEVICE, on_message }, /* relay.c */
	{ "OPTIONS", NEED_DEVICE, on_options },
	{ NULL, 0, NULL },
};

static int
mtcu_open(struct service *s)
{
	struct mtcu *m;

	m = calloc(1, sizeof *m);
	if (m == NULL)
		return SEC_ERR_SYS;
	m->s = s;
	m->hops = holders_new();
	m->deliveries = map_new();
	TAILQ_INIT(&m->spare);
	s->priv = m;
	members_open(m); /* members.c */
	ctl_add_verbs(s->ctl, keep_verbs, s);
	return 0;
}

static void
mtcu_close(struct service *s)
{
	struct mtcu *m = s->priv;

	if (m == NULL)
		return;
	deliveries_free(m);
	dealt_free(s->dealt);
	holders_free(m->hops);
	map_free(m->deliveries);
	free(m);
	s->priv = NULL;
}

static int
mtcu_busy(struct service *s)
{
	return (int)dealt_rooms(s->dealt);
}

static void
mtcu_drain(struct service *s, int on)
{
	(void)on;
	dealt_load(s->dealt);
}

static int
mtcu_health(struct service *s, struct buf *words)
{
	size_t rooms = dealt_rooms(s->dealt);
	unsigned members = dealt_devices(s->dealt);

	buf_putf(words, "%zu conference%s, %u member%s", rooms,
	    text_plural(rooms), members, text_plural(members));
	return 0;
}

static int
mtcu_hello_key(struct service *s, const struct hello_c1 *c1,
    struct hello_key *out)
{
	struct mtcu *m = s->priv;
	const struct holder_key *k;
	struct member *mb;

	mb = holders_find_key(m->hops, holder_key_name(c1->by, c1->keyid), &k);
	if (mb == NULL)
		return SEC_ERR_SUBKEY;
	/* Who spoke now would speak past those who are not dealt yet. */
	if (!mb->dealt.room->is_dealt)
		return SEC_ERR_NOTHING;
	out->base = k->secret;
	hello_id_device(&out->from, mb->dealt.room->cid, mb->dealt.q);
	hello_id_server(&out->to, s->self->number);
	out->peer.proof = NEED_DEVICE;
	out->peer.keyid = c1->keyid;
	out->peer.conf = mb->dealt.room->cid;
	out->peer.q = mb->dealt.q;
	return 0;
}

/* Plain mode (S081, S096): From and the conference in the Request-URI name
 * the device; `;q=` when the user has several. */
static int
mtcu_plain_peer(struct service *s, const struct sip_msg *req,
    struct sip_peer *peer)
{
	struct mtcu *m = s->priv;
	struct member *mb;
	struct room *r;
	struct uri conf, from;
	uint32_t q;

	if (uri_parse(&conf, req->uri, s->conf.domain) != 0 ||
	    uri_parse(&from, req->from, s->conf.domain) != 0)
		return SEC_ERR_DATA;
	if ((r = room_find(m, conf.full)) == NULL)
		return SEC_ERR_NOTHING;
	if (conf.q[0] != '\0' && q_parse(&q, conf.q) != 0)
		return SEC_ERR_DATA;
	for (mb = member_first(r); mb != NULL; mb = member_next(mb)) {
		if (strcmp(mb->dealt.person->uri, from.full) != 0 ||
		    (conf.q[0] != '\0' && mb->dealt.q != q))
			continue;
		peer->proof = NEED_DEVICE;
		peer->keyid = mb->held.key.id;
		peer->conf = r->dealt.cid;
		peer->q = mb->dealt.q;
		return 0;
	}
	return SEC_ERR_DENIED;
}

static void
mtcu_conn_up(struct service *s, struct sip_conn *c)
{
	struct member *mb = member_of_conn(s->priv, c);

	if (mb == NULL)
		sip_conn_finish(c);
	else
		member_connected(mb, c);
}

static void
mtcu_conn_down(struct service *s, struct sip_conn *c, int err)
{
	struct member *mb = sip_conn_owner(c);

	(void)s;
	(void)err;
	if (mb != NULL)
		member_disconnected(mb);
}

static void
mtcu_link_up(struct service *s, int number, struct ctl_peer *p)
{
	(void)p;
	if (number == 1)
		dealt_link_up(s->dealt);
}

static const char *const asks[] = { "conferences", NULL };

static const struct service_def def = {
	.prog = "sec-mtcu",
	.role = "mtcu",
	.port = 7322,
	.methods = methods,
	.open = mtcu_open,
	.close = mtcu_close,
	.busy = mtcu_busy,
	.drain = mtcu_drain,
	.health = mtcu_health,
	.hello_key = mtcu_hello_key,
	.plain_peer = mtcu_plain_peer,
	.conn_up = mtcu_conn_up,
	.conn_down = mtcu_conn_down,
	.link_up = mtcu_link_up,
	.asks = asks,
};

int
main(int argc, char **argv)
{
	return service_main(&def, argc, argv);
}
