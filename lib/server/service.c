/*
 * service_main(): what every daemon does alike, in this order. What is
 * opened later is closed earlier.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sock.h"
#include "crypto/random.h"
#include "server/state.h"

#define CTL_CONNECTIONS 256
#define OWNER_MAX	192

/* --- connections of clients --- */

/* Whose connection it is: an instance of a user, or a device; 0: nobody
 * can have only one (foreign SIP tools). */
static size_t
owner_of(const struct sip_peer *p, uint8_t out[OWNER_MAX])
{
	int n;

	if (p->proof & NEED_DEVICE) {
		put_be64(out, p->conf);
		put_be32(out + 8, p->q);
		return 12;
	}
	if (p->instance[0] == '\0')
		return 0;
	n = snprintf((char *)out, OWNER_MAX, "%s %s", p->user, p->instance);
	return n > 0 && n < OWNER_MAX ? (size_t)n : 0;
}

/* The newer connection replaces the older, now that it counts. */
static void
replace_older(struct service *s, struct sip_conn *c)
{
	uint8_t key[OWNER_MAX];
	struct sip_conn *old;
	uintptr_t id;
	size_t n;

	if ((n = owner_of(sip_conn_peer(c), key)) == 0)
		return;
	id = (uintptr_t)map_put(s->state->live, key, n,
	    (void *)(uintptr_t)sip_conn_id(c));
	if (id == 0 || id == sip_conn_id(c))
		return;
	if ((old = sip_conn_find(s->sip, id)) == NULL)
		return;
	/* The stack says down() at the end of the turn, after our up(): the
	 * daemon hears of the end first, and once. */
	if (door_conn_forget(s, old) && s->def->conn_down != NULL)
		s->def->conn_down(s, old, SEC_ERR_CLOSED);
	sip_conn_close(old, SEC_ERR_CLOSED);
}

static void
on_conn_up(void *ctx, struct sip_conn *c)
{
	struct service *s = ctx;

	if (!door_conn_up(s, c) || s->state->closing)
		return;
	service_touch(s);
	replace_older(s, c);
	if (s->def->conn_up != NULL)
		s->def->conn_up(s, c);
}

static void
on_conn_down(void *ctx, struct sip_conn *c, int err)
{
	struct service *s = ctx;
	uint8_t key[OWNER_MAX];
	size_t n;

	if ((n = owner_of(sip_conn_peer(c), key)) > 0 &&
	    (uintptr_t)map_get(s->state->live, key, n) == sip_conn_id(c))
		(void)map_del(s->state->live, key, n);
	if (!door_conn_down(s, c) || s->state->closing)
		return;
	service_touch(s);
	if (s->def->conn_down != NULL)
		s->def->conn_down(s, c, err);
}

static const struct sip_stack_ops stack_ops = {
	.up = on_conn_up,
	.down = on_conn_down,
};

/* --- links --- */

static void
on_link_up(void *ctx, int number, struct ctl_peer *p)
{
	struct service *s = ctx;

	if (!s->state->closing && s->def->link_up != NULL)
		s->def->link_up(s, number, p);
}

static void
on_link_down(void *ctx, int number)
{
	struct service *s = ctx;

	if (!s->state->closing && s->def->link_down != NULL)
		s->def->link_down(s, number);
}

void
service_want_links(struct service *s)
{
	int number;
	size_t i;

	for (i = 0; i < s->servers.n; i++) {
		number = s->servers.server[i].number;
		if (number != s->self->number &&
		    (number == 1 || s->self->number == 1))
			links_want(s->links, number);
	}
}

/* --- the steps of a start --- */

static void
open_config(struct service *s)
{
	char why[400];
	int r;

	conf_defaults(&s->conf);
	if ((r = conf_load(&s->conf, s->state->opt.config, why, sizeof(why))) !=
		0 ||
	    (r = reload_servers(s, why, sizeof(why))) != 0 ||
	    (r = reload_find_self(s, why, sizeof(why))) != 0)
		die(r == SEC_ERR_USAGE ? 2 : 11, "%s", why);
}

static void
open_sockets(struct service *s)
{
	char file[80];

	snprintf(file, sizeof(file), "%s.sock", s->self->name);
	(void)path_run(s->state->sock, file);
	if (s->state->opt.check)
		return;
	activate_check_running(s);
	activate_sockets(s);
}

static void
open_store(struct service *s)
{
	char why[1500];
	int r;

	if (s->def->db != NULL &&
	    (r = db_open(&s->db, s->def->db, DB_WRITER, why, sizeof(why))) != 0)
		die(sec_err_exit(r), "%s", why);
	r = epochs_open(&s->epochs, s->self->name, why, sizeof(why));
	if (r != 0 && !(r == SEC_ERR_NOTHING && s->conf.plain))
		die(r == SEC_ERR_NOTHING ? 11 : sec_err_exit(r), "%s", why);
	if (!s->conf.plain &&
	    epochs_check_line(s->epochs, s->self, why, sizeof(why)) != 0)
		die(11, "%s", why);
}

static void
open_control(struct service *s)
{
	int fd;

	s->ctl = ctl_new(s->loop);
	ctl_add_verbs(s->ctl, health_verbs, s);
	ctl_add_verbs(s->ctl, rotate_verbs, s);
	ctl_add_verbs(s->ctl, s->def->verbs, s);
	if (s->state->opt.check)
		return;
	if ((fd = sock_unix_listen(s->state->sock, 0666)) < 0) {
		if (fd == SEC_ERR_NO)
			activate_check_running(s);
		die(10, "%s: %s", s->state->sock, sec_strerror(fd));
	}
	if (ctl_listen(s->ctl, fd, CTL_CONNECTIONS) != 0)
		die(10, "%s: cannot listen", s->state->sock);
}

static void
open_links(struct service *s)
{
	struct links_def d;

	s->sip = sip_stack_new(s->loop, s->def->methods, &stack_ops, s);
	memset(&d, 0, sizeof(d));
	d.loop = s->loop;
	d.ctl = s->ctl;
	d.servers = &s->servers;
	d.epochs = s->epochs;
	d.own = s->self->number;
	d.plain = s->conf.plain;
	d.up = on_link_up;
	d.down = on_link_down;
	d.ctx = s;
	s->links = links_new(&d);
}

static void
open_daemon(struct service *s)
{
	int r;

	if (s->def->open != NULL && (r = s->def->open(s)) != 0)
		exit(sec_err_exit(r));
}

static void
say_ready(struct service *s)
{
	struct service_state *st = s->state;
	size_t i;

	for (i = 0; i < st->nfd; i++)
		st->door[st->ndoor++] = door_new(s, st->fd[i]);
	st->nfd = 0;
	if (s->conf.plain)
		log_warn("plain", "name=%s reason=%s", s->self->name,
		    log_quote("security = plain: connections are not sealed"));
	leave_init(s);
	service_want_links(s);
	st->ready = 1;
	if (!proc_notify("READY=1") && !st->opt.inetd)
		(void)dprintf(STDERR_FILENO, "ready\n");
	health_notify(s, "");
	if (s->def->started != NULL)
		s->def->started(s);
}

static void
service_close(struct service *s)
{
	struct service_state *st = s->state;
	size_t i;

	st->closing = 1;
	ctl_stop(s->ctl);
	rotate_close(s);
	if (s->def->close != NULL)
		s->def->close(s);
	links_free(s->links);
	sip_stack_free(s->sip);
	for (i = 0; i < st->ndoor; i++)
		door_free(st->door[i]);
	if (s->udp != -1)
		close(s->udp);
	if (!st->opt.check)
		(void)unlink(st->sock);
	ctl_free(s->ctl);
	epochs_close(s->epochs);
	db_close(s->db);
	map_free(st->live);
	map_free(st->talking);
	limits_free(st->limits);
	loop_free(s->loop);
	free(st);
	free(s);
}

static struct service *
service_new(const struct service_def *def, const struct service_options *o)
{
	struct service *s;

	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->state = calloc(1, sizeof(*s->state))) == NULL)
		die(10, "no memory");
	s->def = def;
	s->udp = -1;
	s->max = o->max > 0 ? o->max : def->max;
	s->state->opt = *o;
	s->state->live = map_new();
	s->state->talking = map_new();
	s->state->limits = limits_new();
	s->started = clock_real();
	return s;
}

static int
serve(const struct service_def *def, const struct service_options *o)
{
	struct service *s;
	int r = 0;

	proc_harden();
	proc_reuse_memory();
	log_open(def->prog,
	    o->verbose > 1     ? LOG_L_TRACE :
		o->verbose > 0 ? LOG_L_DEBUG :
				 LOG_L_INFO);
	s = service_new(def, o);
	activate_inetd(s);
	crypto_init();
	if (geteuid() == 0 && getenv("SEC_DIR") == NULL)
		die(11, "runs as its own user, never as root");
	open_config(s);
	s->loop = loop_new();
	open_sockets(s);
	open_store(s);
	open_control(s);
	open_links(s);
	open_daemon(s);
	if (!o->check) {
		say_ready(s);
		r = loop_run(s->loop);
	}
	service_close(s);
	return r;
}

int
service_main(const struct service_def *def, int argc, char **argv)
{
	struct service_options o;
	int r;

	if ((r = options_parse(&o, def, argc, argv)) != -1)
		return r;
	if (strcmp(o.verb, "serve") == 0)
		return serve(def, &o);
	return query_main(def, &o);
}

int
service_verb(int argc, char **argv)
{
	return options_verb(argc, argv) != NULL;
}

void
service_keys_changed(struct service *s)
{
	size_t i;

	for (i = 0; i < s->state->ndoor; i++)
		door_retry(s->state->door[i]);
}

const struct server *
service_peer(const struct service *s, const char *role)
{
	return servers_by_role(&s->servers, role, 0);
}
