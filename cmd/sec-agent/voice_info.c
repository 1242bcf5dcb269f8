/* The controller's requests in a device's dialog: another key or router, or
 * its end. */
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "voice_priv.h"

static struct attachment *
voice_of_dialog(struct agent *a, const struct sip_msg *req, int *err)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &a->voice.list, entry) {
		if (v->state != ATTACH_ON)
			continue;
		*err = dialog_check(&v->dialog, req);
		if (*err != SEC_ERR_NOTHING)
			return v;
	}
	return NULL;
}

int
voice_bye(const void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	const struct conf_in *c;
	struct attachment *v;
	int err = 0;

	if (a == NULL || ctx != a->session.confctl ||
	    (v = voice_of_dialog(a, req, &err)) == NULL)
		return 0;
	sip_answer_status(txn, err != 0 ? 500 : 200);
	c = conf_find(a, v->conf);
	if (err == 0)
		attachment_over(v,
		    v->recorder && c != NULL &&
			    strstr(c->media, "voice") != NULL ?
			"recording is not allowed here any more" :
			"no voice in this conference any more");
	return 1;
}

static void
service(struct attachment *v, const char *event)
{
	struct buf *b;

	b = event_begin(v->a, event);
	line_put(b, "service", "mcu");
	line_put(b, "host", v->media);
	line_put(b, "conf", v->conf);
	event_end(v->a);
}

static void
attachment_cut(struct attachment *v)
{
	struct ctl_req r;
	struct buf *b;

	if (v->cut != 0)
		return;
	v->cut = clock_mono();
	if ((b = voice_row(v, "interrupted", &r)) != NULL) {
		line_putf(b, "server", "%d", v->server);
		ctl_end(&r);
	}
	service(v, "svc.down");
}

/* media=host:port server=, and the hop key if that is new. */
static void
attachment_move(struct attachment *v, const char *media, int server,
    int new_hop)
{
	char seconds[24];
	struct ctl_req r;
	struct buf *b;

	if (!new_hop && v->cut == 0 && v->server == server &&
	    strcmp(v->media, media) == 0)
		return;
	if (new_hop || v->server != server)
		attachment_cut(v);
	text_copy(v->media, media, sizeof(v->media));
	v->server = server;
	if ((b = voice_row(v, "media", &r)) != NULL) {
		line_put(b, "media", v->media);
		line_putf(b, "server", "%d", v->server);
		if (new_hop) {
			voice_put_key(b, "hop", v->hop);
			line_putf(b, "hopid", "%u", (unsigned)v->hopid);
		}
		ctl_end(&r);
	}
	if (v->cut == 0)
		return;
	snprintf(seconds, sizeof(seconds), "%.1f",
	    (double)(clock_mono() - v->cut) / 1000);
	v->cut = 0;
	if ((b = voice_row(v, "back", &r)) != NULL) {
		line_putf(b, "server", "%d", v->server);
		line_put(b, "seconds", seconds);
		ctl_end(&r);
	}
	service(v, "svc.up");
}

static void
attachment_grant(struct attachment *v, struct conf_in *c, const struct line *l)
{
	const char *key = line_get(l, "key"), *media = line_get(l, "media");
	struct addr to;
	uint64_t server;
	int r = 0;

	if (key != NULL && (r = attachment_take_key(v, c, key)) < 0) {
		if (r == SEC_ERR_SUBKEY)
			conf_ask_grant(c); /* sent under a key of before */
		return;
	}
	if (media != NULL && strcmp(media, "-") == 0)
		attachment_cut(v);
	else if (media != NULL && addr_parse(&to, media) == 0 &&
	    line_get_u64(l, "server", &server) == 0 && server > 0 &&
	    server < 256)
		attachment_move(v, media, (int)server, r == 1);
}

int
voice_info(const void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	const char *p, *end;
	struct attachment *v;
	struct conf_in *c;
	struct line l;
	int err = 0;

	if (a == NULL || ctx != a->session.confctl ||
	    (v = voice_of_dialog(a, req, &err)) == NULL)
		return 0;
	sip_answer_status(txn, err != 0 ? 500 : 200);
	c = conf_of(a, v->conf_number);
	if (err != 0 || c == NULL || req->body == NULL)
		return 1;
	p = req->body;
	end = p + req->bodylen;
	while (line_next(&l, &p, end)) {
		if (strcmp(l.verb, "grant") == 0)
			attachment_grant(v, c, &l);
		line_free(&l);
	}
	return 1;
}
