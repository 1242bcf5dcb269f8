#ifndef SEC_AGENT_AGENT_H
#define SEC_AGENT_AGENT_H

#include <sys/queue.h>

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/path.h"
#include "base/secret.h"
#include "ctl/serve.h"
#include "sip/dialog.h"
#include "ua/flow.h"
#include "ua/inbox.h"
#include "ua/keyring.h"
#include "ua/mirror.h"
#include "ua/register.h"
#include "ua/ring.h"
#include "ua/subscribe.h"
#include "wire/grant.h"
#include "wire/uri.h"

#include "voice.h"

/*
 * sec-agent: the SEC client 170 and the text device. One process, one loop;
 * each noun has its file. What waits holds ids or URIs and looks up again.
 */
struct agent;
struct conf_in;                        /* a conference that I am in */

#define ANSWER_MS  15000               /* an INVITE of ours */
#define SHORT_MS   10000               /* any other request */
#define WAIT_MS    10000               /* for a controller that is away */

/* --- session.c: registration, the connections to PAL and controller */
#define SESSION_KEYS 4

struct session_key {
	uint32_t	 keyid;
	struct secret	*kc;
	int64_t		 until;        /* mono ms, 0: the present one */
};

/* What sec-login asked for. */
struct login {
	int		 fd;           /* -1: none (any more) */
	struct io	 io;
	struct buf	 in;
	char		 source[16], keytab[512];
	char		 status[64], class_word[16], note[256];
	char		 media[64], tel[64], policy[300];
	struct secret	*password;
};

struct session {
	char			 principal[256], realm[256];
	char			 instance[33];
	char			 service_name[400];    /* sip/pal.lab.test */
	struct addr		 pal_addr;
	char			 pal_host[256];
	struct buf		 tgt, service;         /* marshalled */
	int64_t			 until, renew_till;    /* of the ticket */
	int64_t			 offset;               /* server - own, ms */
	int			 pal_number, controller_number;
	char			 controller[256];      /* host:port */
	struct addr		 controller_addr;
	struct session_key	 key[SESSION_KEYS];    /* newest first */
	int			 registered, ending;
	int64_t			 last_try;             /* mono ms */
	struct registering	*registering;
	struct flow		*pal, *confctl;
	int			 pal_seen, confctl_seen;       /* are up */
	int64_t			 confctl_lost;         /* mono ms, 0: never */
	int64_t			 got, asked;           /* ticket: real ms */
	int64_t			 retry;                /* ms */
	int			 refused_once;
	int			 refusals;     /* 403, one after the other */
	struct timer		 refresh, again, warn, settle, end;
	int			 warned;               /* warnings given */
	int			 child;                /* pid, 0: none */
	int			 child_fd;
	struct io		 child_io;
	struct buf		 child_in;
	struct ctl_handle	 renew;                /* who waits for it */
	int			 renewing, first;
};

void	session_init(struct agent *a);
void	session_close(struct agent *a);
/* The line from sec-login has come. */
void	session_login(struct agent *a);
/* The first ticket is there: our socket, then the registration. */
void	session_begin(struct agent *a, const char *principal);
/* REGISTER now (jitter and the 5 s rule apply when `refused`). */
void	session_register(struct agent *a, int refused);
/* Leave, log out, end the process. */
void	session_end(struct agent *a, const char *why);
/* ms since 1970 by the servers' clock. */
int64_t	session_now(const struct agent *a);
/* Kc of a key id, NULL: not (any more) held. */
const struct secret *session_kc(const struct agent *a, uint32_t keyid);
/* A wrap in base64 that the controller made for us; w->kc is found. 0, and
 * plain is the caller's; SEC_ERR_SUBKEY, _EXPIRED, _AUTH, _FORMAT. */
struct wrap;
int	session_unwrap(const struct agent *a, const char *b64, struct wrap *w,
	    struct secret **plain);

/* --- login.c: sec-login's end */
void	login_open(struct agent *a);
void	login_close(struct agent *a);
/* Wipe the password. */
void	login_forget(struct agent *a);
/* The login has failed: say why and end. */
void	login_fail(struct agent *a, int err, const char *reason);
void	login_ok(struct agent *a);

/* --- ticket.c */
void	ticket_open(struct agent *a);
void	ticket_close(struct agent *a);
/* Start the child. 0, or SEC_ERR_SYS. */
int	ticket_fetch(struct agent *a);
/* Is a child about to bring one? */
int	ticket_is_awaited(const struct agent *a);
/* What it is time for: a warning, a renewal, the end. */
void	ticket_look(struct agent *a);
/* A new one now, then a registration with it; who (NULL: nobody) waits. */
void	ticket_renew(struct agent *a, const struct ctl_handle *who);
/* The renewal has ended: tell who waits. */
void	ticket_renewed(struct agent *a, int status, const char *reason);

/* --- presence.c: my PAL and my status */
struct presence {
	struct mirror		*pal;
	struct subscription	*sub;
	char			 status[64], class_word[16], note[256];
	struct timer		 timed;        /* the status ends */
};

void	presence_init(struct agent *a);
void	presence_close(struct agent *a);
/* What the PAL manager holds as my status. */
void	presence_take(struct agent *a, const struct registered *g);
void	presence_up(struct agent *a);
void	presence_doc(struct agent *a, const void *p, size_t n);
void	presence_set(struct agent *a, struct ctl_req *r);
/* available busy away offline, or the class given with a custom word. */
const char *presence_class(const char *status, const char *class_word);
void	presence_rows(struct agent *a, struct ctl_req *r);
/* All attributes of an entry as fields; `id`, which a control line has for
 * itself, as cid. */
void	presence_put(struct buf *b, const struct pal_entry *e);
/* Event `pal`: what has changed of an entry. was or is may be NULL. */
void	presence_event(struct agent *a, const struct pal_entry *was,
	    const struct pal_entry *is);

/* --- watcher.c: who watches me, as sec-pal tells by subscribing to me */
void	watchers_init(struct agent *a);
void	watchers_close(struct agent *a);
void	on_subscribe(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
/* Who they are now, each as an event built in b, then put. */
void	watchers_state(struct agent *a, struct buf *b,
	    void (*put)(struct agent *, struct ctl_req *, struct buf *),
	    struct ctl_req *r);

/* --- watched.c: what tools follow that my PAL and my conferences do not
 * tell of */
void	watched_init(struct agent *a);
void	watched_close(struct agent *a);
/* `events` with watch=: dialogs begin. 1: the call is kept until the first
 * document of each is there, and then goes on with events_go(). */
int	watched_begin(struct agent *a, struct ctl_req *r);
void	watched_pal_up(struct agent *a);
/* I am in this conference now, or no longer: its roster is mine. */
void	watched_member(struct agent *a, const char *conf, int in);
int	watched_notify(struct agent *a, const struct sip_msg *req);
void	watched_peer_gone(struct agent *a, uint64_t peer);
/* The present of all of them as events, each built in b, then put. */
void	watched_state(struct agent *a, struct buf *b,
	    void (*put)(struct agent *, struct ctl_req *, struct buf *),
	    struct ctl_req *r);

/* --- confs.c: the conferences that I am in */
enum conf_state { CONF_JOINING, CONF_OPENING, CONF_OPEN };

struct hold {
	uint64_t		 peer;
	TAILQ_ENTRY(hold)	 entry;
};

struct waiter {                        /* a tool that waits for the join */
	struct ctl_handle	 who;
	int			 joined;       /* it was the reason */
	char			 invite[16];   /* reply: its id, else "" */
	uint64_t		 create;       /* operation, 0: none */
	uint64_t		 family;       /* of a parent's join */
	int			 children;     /* join them as well */
	TAILQ_ENTRY(waiter)	 entry;
};

struct listener {
	struct ctl_handle	 who;
	TAILQ_ENTRY(listener)	 entry;
};

struct conf_in {
	struct agent		*a;
	uint64_t		 number;       /* cookie of its requests */
	char			 uri[URI_MAX], name[65];
	char			 cid[20];
	uint64_t		 id;
	char			 title[256], media[32], access[16];
	char			 creator[URI_MAX];
	char			 parent[URI_MAX];      /* "": none */
	char			*children;     /* to be joined, NULL */
	int64_t			 created;
	int			 persistent;
	int			 returned;     /* with this device */
	enum conf_state		 state;
	uint64_t		 invite;       /* transaction of the join */
	struct timer		 deadline;     /* of the join */
	int			 temporary;    /* ends with its last hold */
	struct dialog		 dialog;
	uint32_t		 q;
	struct keyring		*keys;
	uint16_t		 suite, voice_suite;
	char			 codec[8], streams[8], select[12];
	char			 level[4];     /* off: devices tell none */
	char			 record[4], speak[12], lobby[4], locked[4];
	char			 inviters[12]; /* all moderators */
	char			 directory[4]; /* yes: searches show it */
	int			 in_lobby;     /* JOINING: 182 has come */
	struct lobby		*door;         /* who waits, as far as I am
						* told (lobby.c) */
	char			 history[12];  /* off, or lines of text kept */
	char			 history_from[8];
	uint64_t		 text_seq;     /* texts of q so far */
	uint64_t		 text_last;    /* that was not refused */
	int			 held;         /* the controller is told that I
						* listen elsewhere */
	struct secret		*hop;
	uint32_t		 hopid;
	struct mirror		*roster;
	struct map		*by_q;         /* q -> strdup'ed URI */
	struct subscription	*sub;
	struct text		*text;         /* text.c; NULL: no text */
	int64_t			 asked;        /* for a grant, mono ms */
	int			 unsure;       /* am I in it still? It was away
						* since it said so */
	int			 asking;       /* a tool waits for that */
	char			 refused[128]; /* why we get no roster */
	struct timer		 behind, over, sure;
	TAILQ_HEAD(, hold)	 holds;
	TAILQ_HEAD(, waiter)	 waiters;
	TAILQ_HEAD(, listener)	 listeners;
};

/* Keys and addresses that came with a 302, 200, ACK or INFO. */
struct conf_news {
	const char	*key;          /* base64 wrap, NULL: none */
	const char	*words;        /* SEC-Conference, NULL */
	const void	*sdp;
	size_t		 sdplen;
};

void	confs_init(struct agent *a);
void	confs_close(struct agent *a);
struct conf_in *conf_find(struct agent *a, const char *uri);
struct conf_in *conf_of(struct agent *a, uint64_t number);
struct conf_in *conf_next(struct agent *a, size_t *i);
size_t	confs_count(const struct agent *a);
struct conf_in *conf_new(struct agent *a, const char *uri);
/* A control line to the controller, about a conference that need not be mine
 * (PUBLISH). 0, or SEC_ERR_UNREACHABLE: cb will not be called. */
int	conf_publish(struct agent *a, const char *uri, const struct buf *line,
	    sip_answer_h cb, void *ctx, uint64_t cookie);
/* The same, with its own deadline (ms). */
int	conf_publish_within(struct agent *a, int64_t deadline,
	    const char *uri, const struct buf *line, sip_answer_h cb,
	    void *ctx, uint64_t cookie);
/* INVITE to the conference. */
void	conf_invite(struct conf_in *c);
/* The dialog and the keys stand: get the roster, wait for text. */
void	conf_opening(struct conf_in *c);
/* Our SDP: one text device. */
void	agent_offer(struct agent *a, struct buf *out);
void	conf_wait(struct conf_in *c, const struct waiter *w);
/* Tell one who waited that it is open, or that it will not be. */
void	conf_answer_waiter(struct conf_in *c, const struct waiter *w);
void	conf_refuse_waiter(struct agent *a, const char *conf,
	    const struct waiter *w, int status, const char *reason);
/* The join failed: tell who waits, and forget it. */
void	conf_fail(struct conf_in *c, int status, const char *reason);
/* I am in it: say so to all who wait. */
void	conf_answer_all(struct conf_in *c);
/* Is it complete now? Then answer who waits. */
void	conf_check_open(struct conf_in *c);
/* What a 503 of the controller, or for want of one, means. */
const char *conf_unavailable(struct agent *a);
/* The same, of an answer, which may have more to say. */
const char *conf_unavailable_by(struct agent *a,
	    const struct sip_msg *answer);
/* why: for who listens. */
void	conf_leave(struct conf_in *c, const char *why);
/* The same, because somebody asked for it; 1 if cb will hear how the BYE was
 * answered. */
/* BYE in a dialog that the controller shares. The transaction, 0: there is
 * none. cb may be NULL. */
uint64_t bye_send(struct agent *a, struct dialog *d, sip_answer_h cb,
	    void *ctx, uint64_t cookie);
int	conf_bye(struct conf_in *c, sip_answer_h cb, void *ctx,
	    uint64_t cookie);
/* Over: kind is "end" (BYE from the controller) or "leave" (our own). */
void	conf_gone(struct conf_in *c, const char *kind, const char *why);
void	conf_hold(struct conf_in *c, uint64_t peer);
void	conf_notice(struct conf_in *c, const char *kind, const char *user,
	    const char *text);
/* The same, and who has done it; NULL. */
void	conf_notice_by(struct conf_in *c, const char *kind,
	    const char *user, const char *text, const char *by);
/* Rows of `listen`. */
void	conf_listen(struct conf_in *c, struct ctl_req *r);
void	confs_peer_gone(struct agent *a, uint64_t peer);
void	confs_pal_up(struct agent *a);
void	confs_confctl_up(struct agent *a, int64_t down_ms);
void	confs_confctl_down(struct agent *a);
int	confs_notify(struct agent *a, const struct sip_msg *req);
/* `conf` rows of a registration of a new instance. */
void	confs_rejoin(struct agent *a, const char *uri);
/* The membership that a request of the controller belongs to, in the order
 * of its dialog; without one it is answered. ctx: the handler's. */
struct conf_in *conf_of_request(const void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
void	on_bye(void *ctx, struct sip_txn *txn, const struct sip_msg *req);

/* --- roster.c */
void	roster_open(struct conf_in *c);
void	roster_subscribe(struct conf_in *c);
void	roster_close(struct conf_in *c);
/* A roster document has come. */
void	conf_doc(struct conf_in *c, const void *p, size_t n);
/* Why I may not speak in it now, as its roster has it; NULL: I may. */
const char *conf_silenced(struct conf_in *c);
/* Who has q; NULL: unknown. */
const char *conf_user(struct conf_in *c, uint32_t q);
/* First q of a user who is in it, 0: none. */
uint32_t conf_q_of(struct conf_in *c, const char *uri);
size_t	conf_count_in(struct conf_in *c);
/* Comma-separated URIs of members whose status is `status`, NULL: all in. */
void	conf_list(struct conf_in *c, const char *status, struct buf *out);
void	conf_event(struct conf_in *c, const char *event, const char *user,
	    const char *status);
/* The same, of any conference. */
void	roster_event(struct agent *a, const char *conf, const char *event,
	    const char *user, const char *status);
/* A row of a roster has changed: its event, and its name; NULL: none. */
const char *roster_change(struct agent *a, const char *conf,
	    const struct pal_entry *was, const struct pal_entry *is);
/* The present of a roster as events, each built in b, then put. */
void	roster_state(struct agent *a, const char *conf,
	    const struct mirror *roster, struct buf *b,
	    void (*put)(struct agent *, struct ctl_req *, struct buf *),
	    struct ctl_req *r);
/* Rows of `show`. */
void	conf_show(struct conf_in *c, struct ctl_req *r);
/* Rows of members, in the order to be shown. */
void	conf_member_rows(struct ctl_req *r, const struct pal_entry **e,
	    size_t n);

/* --- lobby.c: waiting to be let in, and letting in */
void	lobby_init(struct conf_in *c);
void	lobby_close(struct conf_in *c);
/* INFO: who waits now. */
void	lobby_take(struct conf_in *c, const struct line *l);
/* The lobby is off: nobody does. */
void	lobby_check(struct conf_in *c);
/* 182: I do. */
void	lobby_enter(struct conf_in *c);
/* Why I was not let in; NULL: not for that. */
const char *lobby_reason(const struct conf_in *c, int status);
/* A tool that waited for my admission may have gone. */
void	lobby_peer_gone(struct conf_in *c, uint64_t peer);
/* Rows of `show`: members who wait. */
void	lobby_rows(struct conf_in *c, struct ctl_req *r);
/* show, while I wait. */
void	lobby_show(struct conf_in *c, struct ctl_req *r);
/* Those who wait as events, each built in b, then put. */
void	lobby_state(struct conf_in *c, struct buf *b,
	    void (*put)(struct agent *, struct ctl_req *, struct buf *),
	    struct ctl_req *r);

/* --- grants.c */
void	grants_open(struct conf_in *c);
void	grants_close(struct conf_in *c);
/* 0, or an error: the key or the answer is unusable. */
int	conf_take(struct conf_in *c, const struct conf_news *n);
void	conf_key_event(struct conf_in *c);
/* A wrap for me: unsealed, of this conference, of now. The caller calls
 * grant_wipe(). */
int	conf_open_wrap(struct conf_in *c, const char *b64, struct grant *g);
/* Its epoch; devices are told. SEC_ERR_REPLAY: an older one. */
int	conf_take_epoch(struct conf_in *c, const struct grant *g);
void	conf_want(struct conf_in *c, int wants);       /* INBOX_WANT_* */
/* PUBLISH `grant`: send the INFO again. */
void	conf_ask_grant(struct conf_in *c);
/* Am I in it still? 1: that is asked, and who waits is answered then; 0:
 * I am, as far as can be known. */
int	conf_ask_sure(struct conf_in *c);
void	on_info(void *ctx, struct sip_txn *txn, const struct sip_msg *req);

/* --- text.c: the text device of one conference */
struct text *text_new(struct conf_in *c, const struct addr *mtcu,
	    int server);
void	text_free(struct text *t);
void	text_move(struct text *t, const struct addr *mtcu, int server);
/* The hop key is new: connect anew. */
void	text_rekey(struct text *t);
int	text_is_up(const struct text *t);
/* A field text= of what may hold a NUL. */
void	text_put(struct buf *b, const char *p, size_t n);
/* Keys or roster have changed. */
void	text_news(struct text *t);                     /* NULL allowed */
void	text_say(struct text *t, struct ctl_req *r, const char *text,
	    uint32_t to);

/* --- invite.c: being invited */
void	invites_init(struct agent *a);
void	invites_close(struct agent *a);
void	on_invite(void *ctx, struct sip_txn *txn, const struct sip_msg *req);
void	on_ack(void *ctx, struct sip_txn *txn, const struct sip_msg *req);
void	on_cancel(void *ctx, struct sip_txn *txn, const struct sip_msg *req);
void	invites_rows(struct agent *a, struct ctl_req *r);
void	invite_reply(struct agent *a, struct ctl_req *r);
void	invite_policy(struct agent *a, struct ctl_req *r);
/* "ask", "accept", "accept:alice,bob" ... 0, SEC_ERR_USAGE, or
 * SEC_ERR_NOTHING: bad is no user, and nothing was changed. */
int	invite_set_policy(struct agent *a, const char *what,
	    const char *who, char bad[URI_MAX]);
const char *invite_policy_text(struct agent *a);
/* The controller's connection is lost. */
void	invites_lost(struct agent *a);
/* Pending invitations as invite.in, each built in b, then put. */
void	invites_state(struct agent *a, struct buf *b,
	    void (*put)(struct agent *, struct ctl_req *, struct buf *),
	    struct ctl_req *r);

/* --- order.c: what a tool asks of a conference */
/* The line goes to the controller as it is, but for `conf` and `id`. */
void	order_start(struct agent *a, struct ctl_req *r);
void	order_line(const struct line *l, struct buf *out);
/* Why the controller has refused, in out if need be. */
const char *order_refusal(struct agent *a, const struct uri *conf,
	    const struct sip_msg *answer, char *out, size_t n);

/* --- spawn.c: conferences out of others */
void	spawns_init(struct agent *a);
void	spawns_close(struct agent *a);
/* c was spawned, and is open: tell who of its members come, then ok; timeout
 * 0: ok now. */
void	spawn_follow(struct agent *a, struct ctl_handle who,
	    struct conf_in *c, int timeout);
/* The roster of c has changed; I am no longer in it. */
void	spawn_roster(struct agent *a, struct conf_in *c);
void	spawn_conf_gone(struct conf_in *c);
void	spawn_peer_gone(struct agent *a, uint64_t peer);
/* Join the children of c, and answer w then; 0: there are none. */
int	family_join(struct conf_in *c, const struct waiter *w);
/* One of them is open (200), or will not be. */
void	family_told(struct agent *a, uint64_t number, const char *conf,
	    int status, const char *reason);

/* --- create.c: conferences by the factory */
void	create_init(struct agent *a);
void	create_close(struct agent *a);
void	create_start(struct agent *a, struct ctl_req *r);
void	create_spawn(struct agent *a, struct ctl_req *r);
/* Its conference is open (or failed: status, reason). */
void	create_joined(struct agent *a, uint64_t number, struct conf_in *c,
	    int status, const char *reason);
void	create_confctl_up(struct agent *a);

/* --- inviting.c: inviting others */
struct invite_wish { /* what `create` and `invite` share */
	const char *conf; /* whereto */
	const char *who;  /* names, by commas */
	int timeout;      /* s */
	int wait;         /* answer when all have */
	int anyway;       /* though he is busy */
};

void	invitings_init(struct agent *a);
void	invitings_close(struct agent *a);
/* All but conf, as the line has it, which w->who points into. */
void	invite_wish_take(struct invite_wish *w, const struct line *l);
/* Rows for who, and the `ok`. */
void	inviting_all(struct agent *a, struct ctl_handle who,
	    const struct invite_wish *w);
void	inviting_start(struct agent *a, struct ctl_req *r);
void	inviting_cancel(struct agent *a, struct ctl_req *r);
void	inviting_peer_gone(struct agent *a, uint64_t peer);
/* The roster of c has changed. */
void	inviting_roster(struct agent *a, struct conf_in *c);
/* What became of an invitation, by its status: accepted, declined ... */
const char *invite_state(int status);
/* invite.out, invite.done */
void	invite_event(struct agent *a, const char *conf, const char *event,
	    const char *user, const char *result, int code,
	    const char *note);

/* --- events.c */
void	events_init(struct agent *a);
void	events_close(struct agent *a);
/* Begin an event: add fields to the buffer, then event_end(). */
struct buf *event_begin(struct agent *a, const char *name);
void	event_end(struct agent *a);
void	events_follow(struct agent *a, struct ctl_req *r);
/* Its second half, when what it follows has been told. */
void	events_go(struct agent *a, struct ctl_req *r);
const char *events_ring(const struct agent *a);
uint64_t events_last(const struct agent *a);
void	events_peer_gone(struct agent *a, uint64_t peer);

/* --- fresh.c: what the tool asks for as of now */
typedef void (*fresh_h)(struct agent *a, struct ctl_req *r);
/* rows answers, when my PAL is that of this moment, if it can be had. */
void	fresh_pal(struct agent *a, struct ctl_req *r, fresh_h rows);
/* Rows of `show` of a conference that I am in. */
void	fresh_show(struct conf_in *c, struct ctl_req *r);

/* --- pal.c: what tools do with my PAL */
extern const struct ctl_verb pal_verbs[];

/* --- dir.c: dir [what=] [status=] [limit=] m1=ATTR:VALUE m2=:WORD ... */
void	dir_start(struct agent *a, struct ctl_req *r);

/* --- files.c: files of conferences, sealed and opened here */
void	files_init(struct agent *a);
void	files_close(struct agent *a);
void	files_peer_gone(struct agent *a, uint64_t peer);

/* --- file_news.c: INFO: what others have attached or detached */
void	file_news(struct conf_in *c, const struct line *l);
extern const struct ctl_verb file_verbs[];

/* --- show.c: conferences, mine and others */
extern const struct ctl_verb show_verbs[];
/* I am not in it: answer that it is unknown, if so, else 403. */
void	show_absent(struct agent *a, struct ctl_req *r,
	    const struct uri *conf);

/* --- tools.c */
extern const struct ctl_verb tool_verbs[];
/* A conference as typed: full URI into u. 0, or answered with an error. */
int	tool_conf(struct agent *a, struct ctl_req *r, struct uri *u);
/* The same, one that I am in, open; NULL: answered. */
struct conf_in *tool_my_conf(struct agent *a, struct ctl_req *r);

struct agent {
	struct loop	*loop;
	struct conf	 conf;
	struct ctl	*ctl;
	char		 user[128], uri[URI_MAX];
	char		 socket[512];
	int		 foreground, exit_code;
	struct login	 login;
	struct session	 session;
	struct presence	 presence;
	struct map	*confs;        /* conf_in by URI */
	struct map	*conf_numbers; /* by number */
	uint64_t	 next_number;
	struct invites	*invites;
	struct creates	*creates;
	struct invitings *invitings;
	struct spawns	*spawns;
	struct events	*events;
	struct watchers	*watchers;
	struct watching	*watching;
	struct voice	 voice;
	struct mix	*mix;
	struct changes	*changes;
	struct histories *histories;
	struct files	*files;
	struct timer	 alive;        /* is our socket still there? */
};

/* SIP from PAL and controller. */
extern const struct sip_method agent_methods[];
void	on_notify(void *ctx, struct sip_txn *txn, const struct sip_msg *req);
void	*agent_alloc(size_t n);

#endif
