/*
 * device: who is in a conference, and with what: members, and their devices
 * with hop keys, which are in memory only (S057).
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "crypto/random.h"
#include "sip/event.h"

#include "focus.h"

/* --- members --- */

static void
member_grace_over(void *arg)
{
	struct member *m = arg;
	struct conference *c = m->conf;

	if (m->state == MEMBER_AWAITED) {
		member_unreachable(m);
		return;
	}
	member_leave(m, "grace");
	conf_check_empty(c);
}

static struct member *
member_take(struct conference *c, const char *user)
{
	struct member *m = conf_member(c, user);

	if (m == NULL) {
		if ((m = calloc(1, sizeof *m)) == NULL)
			return NULL;
		if ((m->person = person_take(c->focus, user)) == NULL) {
			free(m);
			return NULL;
		}
		TAILQ_INSERT_TAIL(&m->person->places, m, place);
		TAILQ_INIT(&m->own);
		text_copy(m->user, user, sizeof m->user);
		m->conf = c;
		m->since = clock_real();
		m->told = "active"; /* as its first join says */
		m->marks = conf_list_bits(c, user) & LIST_MARKS;
		timer_init(&m->grace, c->focus->s->loop, member_grace_over, m);
		map_put_str(c->members, m->user, m);
		TAILQ_INSERT_TAIL(&c->member_list, m, entry);
	}
	m->devices++;
	return m;
}

static void
member_drop(struct member *m)
{
	if (--m->devices > 0)
		return;
	timer_cancel(&m->grace);
	map_del_str(m->conf->members, m->user);
	TAILQ_REMOVE(&m->conf->member_list, m, entry);
	TAILQ_REMOVE(&m->person->places, m, place);
	person_done(m->person);
	free(m);
}

/* --- hop keys --- */

uint32_t
hop_new(struct focus *f, struct secret **key)
{
	*key = crypto_random_key(32, 0);
	if (f->next_hop == 0)
		crypto_random(&f->next_hop, sizeof f->next_hop);
	if (++f->next_hop == 0)
		++f->next_hop;
	return f->next_hop;
}

void
device_new_hop(struct device *d)
{
	secret_free(d->hop);
	d->hopid = hop_new(d->conf->focus, &d->hop);
	d->wants_hop = 1;
}

/* --- devices --- */

struct device *
device_of(struct focus *f, uint64_t number)
{
	return map_get_u64(f->devices, number);
}

struct device *
device_by_dialog(struct focus *f, const char *call_id, const char *local_tag)
{
	char key[176];

	if (call_id == NULL || local_tag == NULL || strlen(call_id) > 127 ||
	    strlen(local_tag) > 39)
		return NULL;
	return map_get_str(f->dialogs, dialog_key(key, call_id, local_tag));
}

int
device_is_voice(const struct device *d)
{
	return strcmp(d->medium, "voice") == 0;
}

struct device *
device_main(struct conference *c, const char *user, const char *instance)
{
	struct member *m = conf_member(c, user);
	struct device *d;

	if (m != NULL)
		TAILQ_FOREACH(d, &m->own, own)
			if (d->main && strcmp(d->instance, instance) == 0)
				return d;
	return NULL;
}

/* One of an agent's devices holds its membership: not a voice device, if
 * there is another. */
static void
main_choose(const struct member *m, const char *instance)
{
	struct device *d, *best = NULL;

	TAILQ_FOREACH(d, &m->own, own) {
		if (strcmp(d->instance, instance) != 0)
			continue;
		d->main = 0;
		if (best == NULL ||
		    (device_is_voice(best) && !device_is_voice(d)))
			best = d;
	}
	if (best != NULL)
		best->main = 1;
}

struct device *
device_new(struct conference *c, uint32_t q, const char *user,
    const char *instance, const char *medium)
{
	struct device *d;

	if ((d = calloc(1, sizeof *d)) == NULL)
		return NULL;
	d->conf = c;
	d->number = ++c->focus->next_op;
	d->q = q;
	text_copy(d->instance, instance, sizeof d->instance);
	text_copy(d->medium, medium, sizeof d->medium);
	if ((d->member = member_take(c, user)) == NULL) {
		free(d);
		return NULL;
	}
	map_put_u64(c->devices, q, d);
	map_put_u64(c->focus->devices, d->number, d);
	TAILQ_INSERT_TAIL(&c->device_list, d, entry);
	TAILQ_INSERT_TAIL(&d->member->own, d, own);
	text_copy(d->via, "voip", sizeof d->via);
	if (d->member->devices == 1)
		d->main = 1;
	else
		main_choose(d->member, d->instance);
	return d;
}

void
device_index(struct device *d)
{
	char key[176];

	if (d->dialog.call_id[0] != '\0')
		map_put_str(d->conf->focus->dialogs,
		    dialog_key(key, d->dialog.call_id, d->dialog.local_tag), d);
}

void
device_free(struct device *d)
{
	struct map *dialogs = d->conf->focus->dialogs;
	char key[176];

	if (d->dialog.call_id[0] != '\0') {
		dialog_key(key, d->dialog.call_id, d->dialog.local_tag);
		if (map_get_str(dialogs, key) == d)
			map_del_str(dialogs, key);
	}
	map_del_u64(d->conf->devices, d->q);
	map_del_u64(d->conf->focus->devices, d->number);
	TAILQ_REMOVE(&d->conf->device_list, d, entry);
	TAILQ_REMOVE(&d->member->own, d, own);
	if (d->main && d->member->devices > 1)
		main_choose(d->member, d->instance);
	secret_free(d->hop);
	member_drop(d->member);
	free(d);
}

void
device_bye(struct device *d)
{
	device_bye_why(d, NULL);
}

void
device_bye_why(struct device *d, const char *why)
{
	struct focus *f = d->conf->focus;
	struct sip_conn *conn =
	    session_conn(f, session_find(f, d->member->user, d->instance));
	struct sip_msg m;

	if (conn == NULL || d->dialog.call_id[0] == '\0')
		return;
	sip_msg_init(&m);
	dialog_request(&d->dialog, &m, "BYE");
	m.note = why;
	sip_tell(conn, &m, 0, NULL, NULL, 0);
}

static void
device_row(const struct device *d, struct conf_device_row *row)
{
	memset(row, 0, sizeof *row);
	row->conf = d->conf->row.id;
	row->q = d->q;
	text_copy(row->user, d->member->user, sizeof row->user);
	text_copy(row->instance, d->instance, sizeof row->instance);
	text_copy(row->medium, d->medium, sizeof row->medium);
	row->server = d->server;
	text_copy(row->call_id, d->dialog.call_id, sizeof row->call_id);
	text_copy(row->local_tag, d->dialog.local_tag, sizeof row->local_tag);
	text_copy(row->remote_tag, d->dialog.remote_tag,
	    sizeof row->remote_tag);
	text_copy(row->remote_uri, d->dialog.target, sizeof row->remote_uri);
	row->local_cseq = d->dialog.local_cseq;
	row->remote_cseq = d->dialog.remote_cseq;
	text_copy(row->address, d->address, sizeof row->address);
	text_copy(row->via, d->via, sizeof row->via);
}

int
device_store(const struct device *d)
{
	struct focus *f = d->conf->focus;
	struct conf_device_row row;
	int r;

	if ((r = commit_begin(f)) != 0)
		return r;
	device_row(d, &row);
	return conf_device_put(f->s->db, &row);
}

void
device_tell(struct device *d, const char *package, const struct buf *line)
{
	struct focus *f = d->conf->focus;
	struct sip_conn *conn =
	    session_conn(f, session_find(f, d->member->user, d->instance));
	struct sip_msg m;

	if (conn == NULL || !d->joined || !d->main)
		return;
	sip_msg_init(&m);
	dialog_request(&d->dialog, &m, "INFO");
	m.info_package = package;
	m.content_type = EVENT_LINE_TYPE;
	m.body = buf_data(line);
	m.bodylen = buf_len(line);
	sip_tell(conn, &m, 0, NULL, NULL, 0);
}
