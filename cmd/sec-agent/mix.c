/*
 * What is heard and how (S172-S184): mode, volume and sounds of conferences
 * and people, kept in mix.json; focus, which the controller is told of, since
 * it makes the MCUs stop what is not listened to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "audio/mix.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "mixfile.h"
#include "voice.h"
#include "wire/ids.h"

#define LINES_MAX 4096
#define FILE_MAX  ((size_t)LINES_MAX * 4096)

struct setting {
	struct mix_line m;
	TAILQ_ENTRY(setting) entry;
};

struct mix {
	char path[PATH_LEN]; /* "" until the user is known */
	char focus[URI_MAX]; /* "": all are heard */
	int local; /* the focus is my own affair */
	int mute;
	size_t n;
	TAILQ_HEAD(, setting) list;
};

static struct setting *
setting_find(struct agent *a, const char *uri, int is_user)
{
	struct setting *s;

	TAILQ_FOREACH(s, &a->mix->list, entry)
		if (s->m.is_user == is_user && strcmp(s->m.uri, uri) == 0)
			return s;
	return NULL;
}

static struct setting *
setting_get(struct agent *a, const char *uri, int is_user)
{
	struct setting *s = setting_find(a, uri, is_user);

	if (s == NULL) {
		s = agent_alloc(sizeof(*s));
		text_copy(s->m.uri, uri, sizeof(s->m.uri));
		s->m.is_user = is_user;
		TAILQ_INSERT_TAIL(&a->mix->list, s, entry);
		a->mix->n++;
	}
	return s;
}

const char *
mix_mode(struct agent *a, const char *conf)
{
	const struct setting *s = setting_find(a, conf, 0);

	return mix_modes[s != NULL ? s->m.mode : MIX_HEAR];
}

int
mix_volume(struct agent *a, const char *conf)
{
	const struct setting *s = setting_find(a, conf, 0);

	return s != NULL ? s->m.vol : 0;
}

/* --- the file --- */

/* Nothing depends on it but comfort: a failure is told in the log. */
static void
mix_save(struct agent *a)
{
	struct buf b = BUF_INIT;
	struct setting *s;

	if (a->mix->path[0] == '\0')
		return;
	TAILQ_FOREACH(s, &a->mix->list, entry)
		mix_line_put(&s->m, &b);
	if (proc_write_file(a->mix->path, buf_data(&b), buf_len(&b), 0600) != 0)
		log_warn("mix.save", "file=%s reason=%s",
		    log_quote(a->mix->path), log_quote(strerror(errno)));
	buf_free(&b);
}

static void
mix_read(struct agent *a, const char *p, size_t n)
{
	const char *end = p + n, *nl;
	struct mix_line m;
	int bad = 0;

	for (; p < end && a->mix->n < LINES_MAX; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		if (mix_line_parse(&m, p, (size_t)(nl - p)) == 0)
			setting_get(a, m.uri, m.is_user)->m = m;
		else
			bad += nl > p;
	}
	if (bad > 0)
		log_warn("mix.load", "file=%s bad_lines=%d",
		    log_quote(a->mix->path), bad);
}

void
mix_load(struct agent *a)
{
	char dir[PATH_LEN], *text;
	size_t n;
	int r;

	if (a->mix->path[0] != '\0')
		return;
	/* Whose they are, where one directory holds several users' (tests). */
	(void)setenv("SEC_USER", a->user, 1);
	path_home_state(dir);
	if (proc_mkdirs(dir, 0700) != 0)
		return;
	if (snprintf(a->mix->path, sizeof(a->mix->path), "%s/mix.json", dir) >=
	    (int)sizeof(a->mix->path)) {
		a->mix->path[0] = '\0';
		return;
	}
	r = proc_read_file(a->mix->path, FILE_MAX, &text, &n);
	if (r == 0) {
		mix_read(a, text, n);
		free(text);
	} else if (r != SEC_ERR_NOTHING)
		log_warn("mix.load", "file=%s reason=%s",
		    log_quote(a->mix->path), log_quote(sec_strerror(r)));
}

/* --- rows for devices --- */

static void
hear_row(struct attachment *v)
{
	struct mix *x = v->a->mix;
	struct ctl_req r;
	struct buf *b;

	if (v->state != ATTACH_ON || (b = voice_row(v, "hear", &r)) == NULL)
		return;
	line_put(b, "mode", mix_mode(v->a, v->conf));
	line_putf(b, "vol", "%d", mix_volume(v->a, v->conf));
	line_put(b, "focus",
	    x->focus[0] == '\0' || strcmp(x->focus, v->conf) == 0 ? "on" :
		x->local					  ? "off" :
								    "held");
	line_put(b, "mute", x->mute ? "on" : "off");
	ctl_end(&r);
}

static void
sound_row(struct attachment *v, const struct mix_line *m)
{
	struct ctl_req r;
	struct buf *b;

	if (v->state != ATTACH_ON || (b = voice_row(v, "sound", &r)) == NULL)
		return;
	line_put(b, "user", m->is_user ? m->uri : "conf");
	line_put(b, "file", m->sound[0] != '\0' ? m->sound : "click");
	ctl_end(&r);
}

void
mix_tell(struct attachment *v)
{
	struct setting *s;
	struct ctl_req r;
	struct buf *b;

	hear_row(v);
	TAILQ_FOREACH(s, &v->a->mix->list, entry)
		if (s->m.sound[0] != '\0' &&
		    (s->m.is_user || strcmp(s->m.uri, v->conf) == 0))
			sound_row(v, &s->m);
	if (levels_wanted(v->a) && (b = voice_row(v, "levels", &r)) != NULL) {
		line_put(b, "on", "on");
		ctl_end(&r);
	}
}

/* conf NULL: to all. */
static void
hear_rows(struct agent *a, const char *conf)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (conf == NULL || strcmp(v->conf, conf) == 0)
			hear_row(v);
}

/* --- holds: what the controller knows of the focus --- */

/* A tool that waits for the controller's answers. */
struct holding {
	struct agent *a;
	struct ctl_handle who;
	int open, status;
};

static void
holding_end(struct holding *h)
{
	struct ctl_req r;

	if (h->open > 0)
		return;
	if (ctl_again(h->a->ctl, h->who, &r) == 0) {
		if (h->status != 0)
			ctl_error(&r, h->status,
			    h->status == 503 ? "controller unreachable" : NULL);
		else
			ctl_ok(&r);
	}
	free(h);
}

static void
on_held(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct holding *h = ctx;

	(void)cookie;
	if (h == NULL)
		return;
	/* Out of it meanwhile: then nothing is to be held. */
	if (answer->status / 100 != 2 && answer->status != 403 &&
	    answer->status != 404)
		h->status = answer->status;
	h->open--;
	holding_end(h);
}

/* h may be NULL: nobody waits. */
static void
hold_send(struct conf_in *c, struct holding *h)
{
	struct buf body = BUF_INIT;

	line_begin(&body, "hold");
	line_put(&body, "on", c->held ? "on" : "off");
	line_end(&body);
	if (conf_publish(c->a, c->uri, &body, on_held, h, 0) == 0) {
		if (h != NULL)
			h->open++;
	} else if (h != NULL)
		h->status = 503; /* told when it is back */
	buf_free(&body);
}

static int
is_elsewhere(const struct agent *a, const struct conf_in *c)
{
	return a->mix->focus[0] != '\0' && !a->mix->local &&
	    strcmp(a->mix->focus, c->uri) != 0;
}

/* Focus has moved: what follows for each conference. */
static void
holds_update(struct agent *a, struct holding *h)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL) {
		if (c->state == CONF_JOINING || c->held == is_elsewhere(a, c))
			continue;
		c->held = !c->held;
		hold_send(c, h);
	}
	hear_rows(a, NULL);
}

void
mix_conf_open(struct conf_in *c)
{
	if (!is_elsewhere(c->a, c))
		return;
	c->held = 1;
	hold_send(c, NULL);
}

void
mix_conf_gone(struct conf_in *c)
{
	struct agent *a = c->a;

	if (strcmp(a->mix->focus, c->uri) != 0)
		return;
	/* Nothing is left to listen to alone. */
	a->mix->focus[0] = '\0';
	c->held = 0;
	holds_update(a, NULL);
}

void
mix_confctl_up(struct agent *a)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL)
		if (c->state != CONF_JOINING && c->held)
			hold_send(c, NULL);
}

static void
focus_set(struct agent *a, struct ctl_req *r, const char *conf, int local)
{
	struct holding *h = agent_alloc(sizeof(*h));

	h->a = a;
	h->who = ctl_keep(r);
	text_copy(a->mix->focus, conf, sizeof(a->mix->focus));
	a->mix->local = local;
	holds_update(a, h);
	holding_end(h);
}

/* focus conf= [local=1] */
static void
on_focus(void *ctx, struct ctl_req *r)
{
	struct conf_in *c;
	char why[URI_MAX + 64];

	if ((c = tool_my_conf(ctx, r)) == NULL)
		return;
	if (strstr(c->media, "voice") == NULL) {
		snprintf(why, sizeof(why),
		    "%s has no voice; all others would be silent", c->name);
		ctl_error(r, 480, why);
		return;
	}
	focus_set(ctx, r, c->uri,
	    strcmp(line_get_or(r->line, "local", "0"), "1") == 0);
}

static void
on_all(void *ctx, struct ctl_req *r)
{
	focus_set(ctx, r, "", 0);
}

const char *
mix_focus(const struct agent *a)
{
	return a->mix->focus;
}

/* --- settings --- */

/* The setting of the conference that the line names; else answered. */
static struct setting *
conf_setting(struct agent *a, struct ctl_req *r)
{
	struct setting *s;
	struct conf_in *c;
	struct uri u;

	if (tool_conf(a, r, &u) != 0)
		return NULL;
	if (a->mix->n >= LINES_MAX && setting_find(a, u.full, 0) == NULL) {
		ctl_error(r, 503, "too many conferences have settings");
		return NULL;
	}
	s = setting_get(a, u.full, 0);
	if ((c = conf_find(a, u.full)) != NULL && c->id != 0)
		confid_format(c->id, s->m.cid);
	return s;
}

/* mode conf= what=hear|earcon|light|alert */
static void
on_mode(void *ctx, struct ctl_req *r)
{
	int mode = mix_mode_of(line_get_or(r->line, "what", ""));
	struct agent *a = ctx;
	struct setting *s;

	if (mode < 0) {
		ctl_error(r, 400, "hear, earcon, light or alert");
		return;
	}
	if ((s = conf_setting(a, r)) == NULL)
		return;
	s->m.mode = (enum mix_mode)mode;
	mix_save(a);
	hear_rows(a, s->m.uri);
	ctl_ok(r);
}

/* vol conf= db= */
static void
on_vol(void *ctx, struct ctl_req *r)
{
	const char *db = line_get_or(r->line, "db", "");
	struct agent *a = ctx;
	struct setting *s;
	char *end, why[40];
	long vol;

	errno = 0;
	vol = strtol(db, &end, 10);
	if (*db == '\0' || *end != '\0' || errno != 0 || vol < MIX_VOL_MIN ||
	    vol > MIX_VOL_MAX) {
		snprintf(why, sizeof(why), "a volume is %d to %d dB",
		    MIX_VOL_MIN, MIX_VOL_MAX);
		ctl_error(r, 400, why);
		return;
	}
	if ((s = conf_setting(a, r)) == NULL)
		return;
	s->m.vol = (int)vol;
	mix_save(a);
	hear_rows(a, s->m.uri);
	ctl_ok(r);
}

/* Has anybody here been heard of him? */
static int
is_known(struct agent *a, const char *user)
{
	struct conf_in *c;
	size_t i = 0;

	if (setting_find(a, user, 1) != NULL || strcmp(user, a->uri) == 0 ||
	    mirror_find(a->presence.pal, user) != NULL)
		return 1;
	while ((c = conf_next(a, &i)) != NULL)
		if (mirror_find(c->roster, user) != NULL)
			return 1;
	return 0;
}

/* The setting of the person that `who` names; else answered. A plain name
 * may be a slip; a whole address is meant. */
static struct setting *
user_setting(struct agent *a, struct ctl_req *r, const char *who)
{
	char why[320];
	struct uri u;

	if (uri_from_name(&u, who, a->conf.domain, 0) != 0 ||
	    (u.kind != URI_USER && u.kind != URI_PHONE)) {
		ctl_error(r, 404, "no such user");
		return NULL;
	}
	if (u.kind == URI_USER && strchr(who, '@') == NULL &&
	    !is_known(a, u.full)) {
		snprintf(why, sizeof(why),
		    "%.64s is no conference of mine, and nobody that I know; "
		    "%.64s@%.64s, if he is to come",
		    who, who, a->conf.domain);
		ctl_error(r, 404, why);
		return NULL;
	}
	if (a->mix->n >= LINES_MAX && setting_find(a, u.full, 1) == NULL) {
		ctl_error(r, 503, "too many people have sounds");
		return NULL;
	}
	return setting_get(a, u.full, 1);
}

/* sound who=|conf= file=PATH|click|none */
static void
on_sound(void *ctx, struct ctl_req *r)
{
	const char *who = line_get(r->line, "who");
	const char *file = line_get_or(r->line, "file", "");
	struct agent *a = ctx;
	struct attachment *v;
	struct setting *s;

	if (strcmp(file, "click") != 0 && strcmp(file, "none") != 0 &&
	    (file[0] != '/' || strlen(file) >= sizeof(s->m.sound))) {
		ctl_error(r, 400, "file= is a whole path, click or none");
		return;
	}
	s = who != NULL ? user_setting(a, r, who) : conf_setting(a, r);
	if (s == NULL)
		return;
	text_copy(s->m.sound, file, sizeof(s->m.sound));
	mix_save(a);
	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (s->m.is_user || strcmp(v->conf, s->m.uri) == 0)
			sound_row(v, &s->m);
	ctl_ok(r);
}

/* mute what=on|off|toggle */
void
mix_mute(struct agent *a, struct ctl_req *r)
{
	const char *what = line_get_or(r->line, "what", "toggle");

	if (strcmp(what, "toggle") == 0)
		a->mix->mute = !a->mix->mute;
	else if (strcmp(what, "on") == 0 || strcmp(what, "off") == 0)
		a->mix->mute = strcmp(what, "on") == 0;
	else {
		ctl_error(r, 400, "on, off or toggle");
		return;
	}
	hear_rows(a, NULL);
	line_put(ctl_ok_begin(r), "mute", a->mix->mute ? "on" : "off");
	ctl_end(r);
}

/* --- mix: all of it at one glance --- */

static void
mix_conf_row(struct conf_in *c, struct ctl_req *r)
{
	struct agent *a = c->a;
	struct buf talking = BUF_INIT, *b;
	int64_t heard = talk_heard(a, c->uri);

	talk_list(a, c->uri, &talking);
	b = ctl_row(r);
	line_put(b, "conf", c->uri);
	line_put(b, "name", c->name);
	line_put(b, "mode", mix_mode(a, c->uri));
	line_putf(b, "vol", "%d", mix_volume(a, c->uri));
	line_put(b, "mic", mic_is_on(a, c->uri) ? "on" : "off");
	line_put(b, "talking", buf_cstr(&talking));
	if (heard != 0)
		line_putf(b, "heard", "%lld", (long long)heard);
	line_put(b, "focus",
	    a->mix->focus[0] == '\0'		   ? "no" :
		strcmp(a->mix->focus, c->uri) != 0 ? "held" :
		a->mix->local			   ? "local" :
						     "yes");
	line_put(b, "mute", a->mix->mute ? "on" : "off");
	ctl_end(r);
	buf_free(&talking);
}

static void
on_mix(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL)
		if (c->state == CONF_OPEN && strstr(c->media, "voice") != NULL)
			mix_conf_row(c, r);
	ctl_ok(r);
}

void
mix_init(struct agent *a)
{
	a->mix = agent_alloc(sizeof(*a->mix));
	TAILQ_INIT(&a->mix->list);
}

void
mix_close(struct agent *a)
{
	struct setting *s;

	while ((s = TAILQ_FIRST(&a->mix->list)) != NULL) {
		TAILQ_REMOVE(&a->mix->list, s, entry);
		free(s);
	}
	free(a->mix);
}

const struct ctl_verb mix_verbs[] = {
	{ "mix", CTL_SAME, on_mix },
	{ "focus", CTL_SAME, on_focus },
	{ "all", CTL_SAME, on_all },
	{ "mode", CTL_SAME, on_mode },
	{ "sound", CTL_SAME, on_sound },
	{ "vol", CTL_SAME, on_vol },
	{ NULL, 0, NULL },
};
