/*
 * media: text and voice come to a running conference, or go (S008;
 * ARCHITECTURE.md 7).
 *
 *   text added     each membership's q joins an MTCU; INFO with its address
 *                  and a new hop key when that says ok
 *   text removed   INFO `media=-`; the MTCU ends it
 *   voice added    an MCU is dealt the conference; devices join as ever
 *   voice removed  BYE to each voice device; the MCU ends it
 */

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "focus.h"

static const char *const media_order[] = { "text", "voice" };
#define NMEDIA (sizeof media_order / sizeof media_order[0])

int
media_parse(const char *list, char *out, size_t n)
{
	int has[NMEDIA] = { 0 };
	struct buf b = BUF_INIT;
	const char *p;
	size_t i, len;

	for (p = list; *p != '\0'; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		for (i = 0; i < NMEDIA; i++)
			if (strlen(media_order[i]) == len &&
			    strncmp(p, media_order[i], len) == 0)
				break;
		if (i == NMEDIA)
			return SEC_ERR_FORMAT;
		has[i] = 1;
	}
	for (i = 0; i < NMEDIA; i++)
		if (has[i])
			buf_putf(&b, "%s%s", buf_len(&b) > 0 ? "," : "",
			    media_order[i]);
	len = buf_len(&b);
	text_copy(out, buf_cstr(&b), n);
	buf_free(&b);
	return len > 0 && len < n ? 0 : SEC_ERR_FORMAT;
}

/* --- text --- */

static void
text_given(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct device *d = device_of(ctx, cookie);

	if (reply != NULL && strcmp(reply->verb, "row") == 0)
		return;
	if (reply == NULL || strcmp(reply->verb, "ok") != 0) {
		/* Its MTCU is lost; it will hear where the next one is. */
		log_warn("media.text", "status=%d",
		    ctl_reply_status(reply, err));
		return;
	}
	if (d != NULL && d->server != 0)
		epoch_tell_wrap(d);
}

/* A membership becomes the text device too. */
static void
text_give(struct device *d)
{
	struct focus *f = d->conf->focus;
	struct ctl_peer *p;
	struct buf *b;

	text_copy(d->medium, "text", sizeof d->medium);
	d->server = conf_server(d->conf, "text");
	d->speaks = may_speak(d->conf, d->member->user);
	device_new_hop(d);
	(void)device_store(d);
	if ((b = deal_call(f, d->server, "join", &p)) != NULL) {
		deal_join_fields(d, b, DEAL_KEY);
		ctl_call_end(p, LINK_DEADLINE, text_given, f, d->number);
	}
	deal_roster(d);
	member_tell(d->member);
}

static void
text_take(struct device *d)
{
	d->medium[0] = '\0';
	d->server = 0;
	d->lost = 0;
	(void)device_store(d);
	deal_roster(d);
	member_tell(d->member);
	epoch_tell_cut(d);
	d->cut = 0;
}

void
media_joined(struct device *d)
{
	if (d->medium[0] == '\0' && d->takes_text &&
	    conf_server(d->conf, "text") != 0)
		text_give(d);
}

/* --- both --- */

static void
medium_add(struct conference *c, const char *medium, int server)
{
	struct device *d;

	if (c->nmedia == MEDIA_MAX)
		return;
	text_copy(c->media[c->nmedia].medium, medium,
	    sizeof c->media[0].medium);
	pick_set(c->focus, &c->media[c->nmedia++], server);
	(void)medium_store(c, medium, server);
	pick_assigned(c->focus, server);
	deal_room(c, server);
	if (strcmp(medium, "text") == 0)
		TAILQ_FOREACH(d, &c->device_list, entry)
			if (d->joined)
				media_joined(d);
	/* Nobody speaks past those who were not dealt yet. */
	deal_dealt(c, server);
}

static void
medium_remove(struct conference *c, const char *medium)
{
	int i, server = conf_server(c, medium), text;
	struct device *d, *next;

	for (i = 0; strcmp(c->media[i].medium, medium) != 0; i++)
		;
	pick_set(c->focus, &c->media[i], 0);
	c->media[i] = c->media[--c->nmedia];
	memset(&c->media[c->nmedia], 0, sizeof c->media[0]);
	(void)medium_store(c, medium, 0);
	text = strcmp(medium, "text") == 0;
	for (d = TAILQ_FIRST(&c->device_list); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (strcmp(d->medium, medium) != 0)
			continue;
		if (text) {
			text_take(d);
		} else {
			device_bye(d);
			device_leave(d, "media");
		}
	}
	deal_end_at(c, server);
	conf_check_soon(c); /* some were there for it alone */
}

static int
by_medium(const void *a, const void *b)
{
	const struct conf_medium *x = a, *y = b;

	return strcmp(x->medium, y->medium);
}

/* What media_set() has stored, until it is on the disk. */
struct media_change {
	char media[64];
	int server[NMEDIA]; /* of those that come, 0 */
};

static void
media_change(struct conference *c, const struct media_change *g)
{
	size_t i;

	for (i = 0; i < NMEDIA; i++)
		if (g->server[i] != 0 && conf_server(c, media_order[i]) == 0)
			medium_add(c, media_order[i], g->server[i]);
	for (i = 0; i < NMEDIA; i++)
		if (strstr(g->media, media_order[i]) == NULL &&
		    conf_server(c, media_order[i]) != 0)
			medium_remove(c, media_order[i]);
	/* In the usual order, whichever came first. */
	qsort(c->media, (size_t)c->nmedia, sizeof c->media[0], by_medium);
	deal_policy(c);
}

static void
media_committed(struct focus *f, uint64_t conf, int err)
{
	struct conference *c = conf_find_id(f, conf);
	struct media_change *g;

	if (c == NULL || (g = c->change) == NULL)
		return;
	c->change = NULL;
	if (err == 0)
		media_change(c, g);
	free(g);
}

int
media_set(struct conference *c, const char *media)
{
	struct focus *f = c->focus;
	struct media_change *g;
	size_t i;
	int r = 0;

	/* One thing after another: the next one may come in a moment. */
	if (c->change != NULL || (g = calloc(1, sizeof *g)) == NULL)
		return 503;
	text_copy(g->media, media, sizeof g->media);
	for (i = 0; i < NMEDIA && r == 0; i++)
		if (strstr(media, media_order[i]) != NULL &&
		    conf_server(c, media_order[i]) == 0 &&
		    (g->server[i] = pick_server(f, media_order[i], 0)) == 0)
			r = 503;
	if (r == 0 && commit_begin(f) != 0)
		r = 503;
	if (r != 0) {
		free(g);
		return r;
	}
	for (i = 0; i < NMEDIA; i++)
		if (g->server[i] != 0 || strstr(media, media_order[i]) == NULL)
			(void)medium_store(c, media_order[i], g->server[i]);
	c->change = g;
	commit_then(f, media_committed, c->row.id);
	return 0;
}
