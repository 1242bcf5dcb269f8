#ifndef SEC_CONFCTL_FOCUS_H
#define SEC_CONFCTL_FOCUS_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/secret.h"
#include "db/conf_store.h"
#include "server/holder.h"
#include "server/service.h"
#include "sip/dialog.h"
#include "sip/offer.h"
#include "wire/grant.h"
#include "wire/uri.h"

/*
 * sec-confctl serve, the focus (S021): conferences, their members and
 * devices, their keys. Operations that wait hold ids, never pointers.
 */
#define MEDIA_MAX     3
#define DEVICES_MAX   128              /* of a user in a conference */
#define GRACE_MS      30000            /* without a connection */
#define AWAIT_MS      10000            /* of them after our start */
#define FIRST_MS      10000            /* from the 302 to a first member */
#define REKEY_MS      200              /* joins and leaves share an epoch */
#define MOVE_MS       2000             /* a lost media server's link */
#define MOVE_VOICE_MS 300              /* that of an MCU */
#define LINK_DEADLINE 5000
#define AGAIN_MS      1000             /* until a refused deal is repeated */

/* --- session.c: who is registered, as sec-pal says (step 70) --- */
struct session {
	struct focus		*focus;
	struct person		*person;
	struct timer		 expiry;
	char			 user[URI_MAX];
	char			 principal[256];
	char			 instance[33];
	struct holder		 held;         /* Kc, connection */
	int64_t			 until;
	char			 media[32];    /* what its devices take */
	char			 text_by[8];   /* preference: voip phone */
	char			 voice_by[8], tel[64]; /* the same for voice */
	char			 contact[128]; /* IP:port as registered */
	TAILQ_ENTRY(session)	 entry;        /* of the same user */
};
TAILQ_HEAD(session_list, session);

struct focus;
struct conference;
struct member;
struct join_def;

/* --- person.c: a user, with what he has here --- */
struct person {
	struct focus		*focus;
	char			 user[URI_MAX];
	struct session_list	 sessions;
	TAILQ_HEAD(, member)	 places;       /* one per conference */
	unsigned		 owns;         /* conferences */
};

struct person *person_find(struct focus *f, const char *user);
/* The same, made if need be; NULL: no memory. */
struct person *person_take(struct focus *f, const char *user);
/* Something of his has gone: was it the last? */
void	person_done(struct person *p);

extern const struct ctl_verb session_verbs[];
int	session_hello_key(struct service *s, const struct hello_c1 *c1,
	    struct hello_key *out);
int	session_plain_peer(struct service *s, const struct sip_msg *req,
	    struct sip_peer *peer);
void	session_conn_up(struct service *s, struct sip_conn *c);
void	session_conn_down(struct service *s, struct sip_conn *c, int err);
struct session *session_find(struct focus *f, const char *user,
	    const char *instance);
struct session *session_of_conn(struct focus *f, struct sip_conn *c);
struct session_list *session_of_user(struct focus *f, const char *user);
struct sip_conn *session_conn(struct focus *f, const struct session *s);
/* Has this agent no device for any medium of the conference, by what it has
 * registered and its user prefers (S104)? 0, 488, or 503: it would be a
 * telephone, and no gateway is there. */
int	session_refuses(const struct session *s, const struct conference *c);
/* Plain mode: dial the Contact of a session without a connection (loopback
 * only); 1 if a connection is under way. */
int	session_dial(struct focus *f, struct session *s);
void	sessions_free(struct focus *f);

/* --- conf.c: conferences, members, devices --- */
enum list_bit {
	LIST_INVITED = 1,
	LIST_ALLOW = 2,
	LIST_BLOCK = 4,
	LIST_WATCH = 8,                /* sees it without taking part */
	LIST_MODERATOR = 16,
	LIST_MUTE = 32,                /* its media are not sent on */
	LIST_HAND = 64,                /* wants to speak */
	LIST_FLOOR = 128,              /* asked, and was given leave to */
};
/* What the roster shows of them. */
#define LIST_MARKS (LIST_MODERATOR | LIST_MUTE | LIST_HAND | LIST_FLOOR)
#define WATCH_MAX      100             /* on that list */
#define MODERATORS_MAX 100

/* AWAITED: since our own start, of which the others need not know. */
enum member_state { MEMBER_ACTIVE, MEMBER_AWAITED, MEMBER_UNREACHABLE };

struct device;

struct member {                        /* a user in a conference */
	char			 user[URI_MAX];
	struct conference		*conf;
	struct person		*person;
	TAILQ_HEAD(, device)	 own;          /* his devices in it */
	TAILQ_ENTRY(member)	 place;        /* of the person */
	enum member_state	 state;
	unsigned		 devices;
	struct timer		 grace;
	int64_t			 since;
	const char		*told;         /* status that sec-pal has */
	unsigned		 marks;        /* the same: LIST_MARKS */
	uint64_t		 read;         /* up to this line; 0: he does
						* not say */
	uint64_t		 reading;      /* once that is on the disk */
	TAILQ_ENTRY(member)	 entry;
};

struct device {
	uint64_t		 number;       /* cookie of its requests */
	struct conference		*conf;
	struct member		*member;
	uint32_t		 q;
	char			 instance[33];
	char			 medium[8];    /* "" = membership only */
	char			 via[12];      /* voip recorder */
	int			 server;
	struct dialog		 dialog;
	char			 address[64];
	struct secret		*hop;          /* NULL after our restart */
	uint32_t		 hopid;
	int			 returned;     /* his user was in it before */
	int			 joined;       /* its 200 or ACK has gone out */
	int			 stale;        /* missed key news: one wrap */
	int			 wants_hop;    /* the next wrap carries H_q */
	int			 lost;         /* his media server says so */
	int			 speaks;       /* it was told: sent on */
	int			 main;         /* its dialog is the membership
						* of its agent */
	int			 takes_text;   /* its offer had m=message */
	int			 hold;         /* the user listens elsewhere */
	int			 cut;          /* told that it has no server */
	int			 undealt;      /* nor has a server said ok */
	uint64_t		 told_on;      /* connection of the last INFO */
	TAILQ_ENTRY(device)	 entry, own;   /* of conference, member */
};

struct conf_medium {
	char	medium[8];
	int	server;                /* number, 0: none */
	int	next;                  /* it moves there, once that is on the
					* disk; 0 */
	int	from;                  /* it was there */
	int64_t	moved;                 /* until then: mono ms */
};

struct conference {
	struct focus		*focus;
	struct conf_row		 row;
	char			 uri[URI_MAX];
	char			 cid[20];
	struct secret		*key;          /* K_e of row.epoch */
	int64_t			 ratcheted;    /* mono ms of that epoch */
	uint64_t		 advanced;     /* commit that stores it */
	uint64_t		 fresh;        /* it was made for this link of
						* an MCU (focus.ups) */
	uint64_t		 awaited;      /* by stale devices: commit */
	uint32_t		 next_client;
	struct conf_medium	 media[MEDIA_MAX];
	int			 nmedia;
	struct media_change	*change;       /* waits for its commit */
	struct conf_row		 before;       /* settings, if that commit */
	uint64_t		 changed;      /* should fail */
	struct map		*lists;        /* user -> bits */
	struct map		*members;      /* by user */
	struct map		*devices;      /* by q */
	TAILQ_HEAD(, member)	 member_list;
	TAILQ_HEAD(, device)	 device_list;
	uint32_t		 creator_q;    /* dealt in the 302, unused */
	char			 creator[33];  /* to this instance */
	struct secret		*creator_hop;
	uint32_t		 creator_hopid;
	struct timer		 rekey;        /* random epoch is due */
	struct timer		 age;          /* the running one is old */
	struct timer		 first;        /* no first member yet */
	struct timer		 again;        /* servers refused some */
	int			 talk;         /* sec-pal asks who talks */
	uint64_t		 deleted;      /* its row, by this commit */
	int			 ending;
	int			 untrimmed;    /* lines since the last trim */
	uint64_t		 newest;       /* line, 0: not known */
	struct person		*owner;
	struct conference	*parent;       /* NULL: none, or it ended */
	unsigned		 nchildren;
	TAILQ_HEAD(, conference) children;
	TAILQ_ENTRY(conference)	 sibling;
};

struct conference *conf_find(struct focus *f, const char *uri);
struct conference *conf_find_id(struct focus *f, uint64_t id);
struct conference *conf_new(struct focus *f, const struct conf_row *row);
void	conf_free(struct conference *c);
int	confs_load(struct focus *f);
void	confs_free(struct focus *f);
struct member *conf_member(const struct conference *c, const char *user);
struct device *conf_device(struct conference *c, uint32_t q);
/* Where that medium is; server 0: nowhere any more. Its row, in this turn's
 * commit. 0 or SEC_ERR_*. */
int	medium_store(struct conference *c, const char *medium, int server);
/* Has the conference this medium; its server's number or 0. */
int	conf_server(const struct conference *c, const char *medium);
void	conf_media(const struct conference *c, char *out, size_t n);  /* a,b */
/* Settings are about to be stored: what they were, for setting_undo. */
void	conf_changed(struct conference *c, const struct conf_row *before);
/* The suite of its voice. */
uint16_t conf_suite(const struct conference *c);
/* Fields of SEC-Conference about c, into b. */
void	conf_words(const struct conference *c, struct buf *b);
/* Next q, reserved in blocks of 64 (written in the running commit). */
int	conf_next_q(struct conference *c, uint32_t *q);
/* This turn's commit has failed: q numbers that it reserved are reserved
 * again before use, and a key whose epoch it held is never told. */
void	confs_rolled_back(struct focus *f);
/* Its row is deleted by the running commit: nothing of it is stored now. */
int	conf_is_deleted(const struct conference *c);
/* The conference is over: BYE to all, `end` to servers, rows deleted. */
void	conf_end(struct conference *c, const char *why);
/* The last member has gone, or nobody came. */
void	conf_check_empty(struct conference *c);
/* The same in a moment, for who still needs c. */
void	conf_check_soon(struct conference *c);

/* --- lists.c: its people by name --- */
unsigned conf_list_bits(const struct conference *c, const char *user);
void	conf_list_set(struct conference *c, const char *user, unsigned bit);
void	conf_list_clear(struct conference *c, const char *user, unsigned bit);
/* How many are on it. */
size_t	conf_list_count(const struct conference *c, unsigned bit);
/* Iterate: i = 0 at first; NULL at the end. Who was just returned may be taken
 * off a list, and is gone then with his last one. */
const char *conf_list_next(const struct conference *c, size_t *i,
	    unsigned *bits);
/* All lists of all conferences, at the start; 0 or SEC_ERR_*. */
int	lists_load(struct focus *f);
/* Those of c, as they are stored. */
void	lists_reload(struct conference *c);
void	lists_free(struct conference *c);
/* The next of users with commas, what follows it; NULL: it is no user. */
const char *lists_next_user(const struct focus *f, const char *users,
	    struct uri *u);
/* key=USER,... of the list. */
void	lists_tell(const struct conference *c, enum list_bit bit,
	    const char *key, struct buf *b);
/* May these users be put on that list, or taken off? 0 or SEC_ERR_FORMAT
 * with a sentence. */
int	lists_check(const struct conference *c, const char *users,
	    enum list_bit bit, int on, const char **why);
/* Do so, in this turn's commit (users NULL: nothing). 0 or SEC_ERR_*. */
int	lists_change(struct conference *c, const char *users,
	    enum list_bit bit, int on);

/* One user on or off it, in this turn's commit. 0 or SEC_ERR_*. */
int	lists_put(struct conference *c, const char *user, enum list_bit bit,
	    int on);

/* --- policy.c --- */
/* A media server has taken what answering.id counts, or not: err. */
void	policy_dealt(struct focus *f, uint64_t id, int err);
void	answers_free(struct focus *f);

/* --- rights.c: who may do what --- */
enum rank { RANK_ANYBODY, RANK_MEMBER, RANK_MODERATOR, RANK_OWNER };
int	is_owner(const struct conference *c, const char *user);
enum rank rank_of(struct conference *c, const char *user);
/* "only alice (owner) may do that", perhaps in out. */
const char *rank_refusal(const struct conference *c, enum rank wanted,
	    char *out, size_t n);

/* --- speak.c: whose media are sent on (S132) --- */
int	may_speak(const struct conference *c, const char *user);
/* Lists or policy have changed: servers are told of every device that may
 * speak now, or may not any more, and sec-pal of every member's marks. */
void	speak_deal(struct conference *c);
/* The same of one member. */
void	speak_tell(struct member *m);
/* It goes by another rule from now on: nobody has the floor. 0 or
 * SEC_ERR_*. */
int	speak_over(struct conference *c);
/* His hand and his floor go with his last device. */
void	speak_left(struct conference *c, const char *user);

/* --- lobby.c: who is new, and waits or may not come (S132) --- */
/* Is the device of somebody new held up by a lock or the lobby? Then txn is
 * answered, now or later. */
int	lobby_holds(struct focus *f, struct sip_txn *txn,
	    const struct join_def *def);
/* Why `by` may not invite now; NULL: he may. */
const char *lobby_no_invite(struct conference *c, const char *by);
/* A member who may let people in is told who waits; who may not any more,
 * that nobody does. */
void	lobby_tell(struct member *m);
/* The same of all members: who may is another one now. */
void	lobby_tell_all(struct conference *c);
/* Whoever waits comes in, if the lobby is off now. */
void	lobby_open(struct conference *c);
/* A user who waits, or (NULL) all, need not wait any longer. */
void	lobby_drop(struct conference *c, const char *user, int status);
void	lobby_cancelled(struct focus *f, struct sip_txn *txn);
void	lobby_conn_down(struct focus *f, struct sip_conn *conn);
void	lobby_free(struct focus *f);

/* --- device.c: members and devices --- */
struct device *device_of(struct focus *f, uint64_t number);
/* A random hop key; its id is never 0, and never the same twice. */
uint32_t hop_new(struct focus *f, struct secret **key);
/* Another one, which the device gets in a wrap. */
void	device_new_hop(struct device *d);
struct device *device_by_dialog(struct focus *f, const char *call_id,
	    const char *local_tag);
struct device *device_new(struct conference *c, uint32_t q, const char *user,
	    const char *instance, const char *medium);
void	device_index(struct device *d);        /* after its dialog is set */
void	device_free(struct device *d);
/* The membership of a user's agent, NULL: it is not in. */
struct device *device_main(struct conference *c, const char *user,
	    const char *instance);
/* BYE; its answer does not matter. */
void	device_bye(struct device *d);
/* The same, and what its user is told. */
void	device_bye_why(struct device *d, const char *why);
/* INFO with that line, if it is a membership whose agent is there; its answer
 * does not matter. */
void	device_tell(struct device *d, const char *package,
	    const struct buf *line);
int	device_is_voice(const struct device *d);
/* Its row, in this turn's commit. 0 or SEC_ERR_*. */
int	device_store(const struct device *d);

/* --- commit.c: one turn of the loop, one commit --- */
typedef void (*commit_h)(struct focus *f, uint64_t id, int err);
int	commit_begin(struct focus *f);
/* One of several rows that belong together could not be written: nothing of
 * this turn is. Returns r. */
int	commit_fail(struct focus *f, int r);
/* cb when this turn's commit is done (0) or has failed. */
void	commit_then(struct focus *f, commit_h cb, uint64_t id);
/* A commit_h: 200 to the transaction of this id, or the error. */
void	commit_answer(struct focus *f, uint64_t id, int err);
void	commit_now(struct focus *f);

/* --- attachment.c: files of persistent conferences --- */
/* What no row of the database has is removed, at the start. */
void	attachments_sweep(struct focus *f);
/* The conference is over, and its files with it. */
void	attachments_end(struct conference *c);

/* --- storage.c --- */
/* f->dbk, made or read at first need. 0 or SEC_ERR_*, logged. */
int	dbk_need(struct focus *f);

/* --- pick.c: a media server by spare capacity (S099) --- */
int	pick_server(struct focus *f, const char *medium, int not_this);
/* Is a server for this medium being dialled, which had left by --idle? */
int	pick_wakes(struct focus *f, const char *medium);
/* Is there a medium of the list for which all servers are draining? */
int	pick_drains(struct focus *f, const char *media);
void	pick_assigned(struct focus *f, int server);
/* This server routes the medium from now on; 0: nobody. */
void	pick_set(struct focus *f, struct conf_medium *m, int server);
/* It will move there; 0: it will not. */
void	pick_next(struct focus *f, struct conf_medium *m, int server);
extern const struct ctl_verb pick_verbs[];

/* --- epoch.c: keys of a conference (SECURITY.md 3.5) --- */
/* A user's first device joins: the next epoch by ratchet, unless one was
 * made within 200 ms. Writes the number in the running commit. Returns 1 if
 * the epoch is new, 0 if shared, or SEC_ERR_*. */
int	epoch_ratchet(struct conference *c);
/* A user left: a random epoch in 200 ms for whoever is left then. */
void	epoch_rekey_soon(struct conference *c);
/* ms that one key is used. */
int64_t	epoch_life(const struct focus *f);
/* A random epoch now, for all, by wraps. */
int	epoch_rekey(struct conference *c);
/* The same, once for each time that this media server's link came up: its
 * devices have new hop keys. */
void	epoch_fresh(struct conference *c, int server);
/* The running epoch could not be stored. */
void	epoch_lost(struct conference *c);
/* Ratchet news to every membership but the device `except` (0: none). */
void	epoch_tell_ratchet(struct conference *c, uint32_t except);
/* By INFO in its dialog: a membership gets one wrap of the running epoch;
 * any device where its media go, and its hop key if that is new. */
void	epoch_tell_wrap(struct device *d);
/* `media=-`: nowhere now. */
void	epoch_tell_cut(struct device *d);
/* base64 of the wrap for a user's session; hop: with the hop key. */
int	epoch_wrap(struct conference *c, const struct session *s, uint32_t q,
	    const struct secret *hop, uint32_t hopid, struct buf *out);
/* An agent's connection is back: what it missed. */
void	epoch_catch_up(struct session *s);

/* --- operations --- */
void	on_invite(void *ctx, struct sip_txn *txn, const struct sip_msg *req);
void	on_ack(void *ctx, struct sip_txn *txn, const struct sip_msg *req);
void	on_cancel(void *ctx, struct sip_txn *txn, const struct sip_msg *req);
void	on_bye(void *ctx, struct sip_txn *txn, const struct sip_msg *req);
void	on_publish(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
void	on_options(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);

/* create.c */
void	create_start(struct focus *f, struct sip_txn *txn,
	    const struct sip_msg *req, const char *user);
void	creates_free(struct focus *f);
/* Of a new conference of his: all but its name; a name that is free. */
void	create_row_begin(struct focus *f, const char *user,
	    struct conf_row *row);
void	create_name(struct focus *f, struct conf_row *row);

/* spawn.c: conferences out of others (S134-S138) */
/* Into the family of its parent, when it is made; all, at the start. */
void	spawn_link(struct conference *c);
void	spawns_load(struct focus *f);
/* It goes. */
void	spawn_unlink(struct conference *c);
/* It is about to end: who is blocked in it stays so in its children. In this
 * turn's commit; 0 or SEC_ERR_*. */
int	spawn_bequeath(struct conference *c);
/* It has ended: its children are told of. */
void	spawn_orphan(struct conference *c);
/* May whoever may join the parent join this child? */
int	spawn_is_open(const struct conference *c);
/* `children=`: which of them this agent may join, has a device for, and is
 * not in. */
void	spawn_words(struct conference *c, const struct session *s,
	    struct buf *words);
/* The row of what a line with parent= wants; 0, or a status and perhaps in
 * why a sentence. */
int	spawn_row(struct focus *f, const struct line *l, const char *user,
	    struct conf_row *row, char *why, size_t n);
/* Who is to be asked, in this turn's commit; who NULL: all of the parent. */
int	spawn_store(struct conference *c, const char *who);
/* Ask them, in the name of its owner. */
void	spawn_ask(struct conference *c, int64_t expires);
/* An invitee has come: he is asked into the children too (S138). */
void	spawn_invited(struct conference *c, const char *by, const char *who,
	    int64_t expires);

/* join.c */
struct join;
typedef void (*join_done_h)(struct focus *f, uint64_t cookie, int status,
	    const char *reason, struct conference *c, struct device *d,
	    const char *addr);
struct join_def {
	struct conference		*conf;
	const char		*user;
	const char		*instance;
	const struct offer	*offer;
	const char		*via;          /* NULL: voip */
	join_done_h		 done;         /* exactly once */
	uint64_t		 cookie;
	/* The dialog of the device: known at the end of an own join, from
	 * B's 200 for an invited one. */
	struct dialog		 dialog;
};
void	join_start(struct focus *f, const struct join_def *def);
void	join_own(struct focus *f, struct sip_txn *txn,
	    const struct sip_msg *req, struct conference *c, const char *user);
void	joins_free(struct focus *f);
int	conf_may_join(const struct conference *c, const char *user);
/* May he by its own lists and access, not asking who is blocked, nor the
 * parent? */
int	conf_admits(const struct conference *c, const char *user);
/* Is he on the block list of it, or of what it was spawned from? */
int	conf_blocks(const struct conference *c, const char *user);
/* 200 or ACK: the answer's SDP into b. */
void	join_answer_sdp(struct conference *c, const struct device *d,
	    const char *addr, struct buf *b);

/* setting.c */
/* The commit that stored its settings has failed. */
void	setting_undo(struct conference *c);
/* A line of text; 0 or SEC_ERR_FORMAT. */
int	setting_title(struct conf_row *row, const char *title);

/* invite.c */
struct invite_def {
	struct conference	*conf;
	const char		*by, *who;     /* URIs */
	int64_t			 expires;      /* s */
	int			 anyway;       /* ring him though he is busy */
	uint64_t		 txn;          /* the inviter's, or */
	uint64_t		 group;        /* of group.c, told, or */
	int			 spawned;      /* the roster tells */
};
/* How long one may ring, s. */
int64_t	invite_expires(const struct sip_msg *req);
void	invite_start(struct focus *f, struct sip_txn *txn,
	    const struct sip_msg *req, struct conference *c, const char *user);
/* One user, who is not blocked. */
void	invite_begin(struct focus *f, const struct invite_def *def);
void	invite_cancelled(struct focus *f, uint64_t txn_id);
/* Those of a group that nobody has answered. */
void	invites_cancel(struct focus *f, uint64_t group);
/* sec-pal is told again whom c waits for. */
void	invites_deal(struct conference *c);
/* The agent of an invitee whom we dialled is there. */
void	invites_connected(struct focus *f, const struct session *s);
/* The conference ends: who is still asked need not answer. */
/* Who rings him for it is told that he may not come. */
void	invites_withdraw(struct conference *c, const char *user);
void	invites_end(struct conference *c);
void	invites_free(struct focus *f);

/* group.c: whomever the directory finds, invited together */
void	group_start(struct focus *f, struct sip_txn *txn,
	    const struct sip_msg *req, const struct invite_def *def);
/* One of them rings (180), or this has become of him. */
void	group_told(struct focus *f, uint64_t id, const char *user, int status,
	    const char *note);
void	group_cancelled(struct focus *f, struct sip_txn *txn);
void	groups_free(struct focus *f);

/* leave.c */
/* A device goes: media servers drop its q first. why: for the log. */
void	device_leave(struct device *d, const char *why);
void	member_leave(struct member *m, const char *why);
/* He must go, now: BYE to his devices. The caller makes a new key when all
 * who must are gone. */
void	member_expel(struct member *m, const char *why);
void	member_unreachable(struct member *m);
void	member_back(struct member *m);
/* sec-pal is told his status if it is another than it has: unreachable;
 * busy, all his voice devices are held; active. */
void	member_tell(struct member *m);
/* Its media server hears nothing of it, or again. Who is lost with all his
 * devices shows as unreachable, but his membership stands on the agent's
 * connection to us. */
void	device_lost(struct device *d, int lost);
int	member_is_lost(const struct member *m);

/* media.c: text and voice of a running conference (S008) */
/* A list as people write it in the usual order, "text,voice"; 0 or
 * SEC_ERR_FORMAT. */
int	media_parse(const char *list, char *out, size_t n);
/* Store it, and when that is done make it so: servers, devices, dialogs. 0 or
 * a status; nothing is changed then. */
int	media_set(struct conference *c, const char *media);
/* A membership that joined while text was added. */
void	media_joined(struct device *d);

/* talk.c: who talks, for those who watch from outside */
extern const struct ctl_verb talk_verbs[];
/* To sec-pal, if it asks; user NULL and "off": nobody. */
void	talk_tell(struct conference *c, const char *user, const char *on);

/* --- history.c: the text that it keeps */
extern const struct ctl_verb history_verbs[];
/* Values of the settings history and history-from; 0 or SEC_ERR_FORMAT. */
int	history_lines(struct conf_row *row, const char *value);
int	history_whence(struct conf_row *row, const char *value);
/* How much, as people write it: off or a number. */
#define HISTORY_WORDS 12
const char *history_words(const struct conference *c, char out[HISTORY_WORDS]);
/* It kept so many lines before. In this turn's commit; 0 or SEC_ERR_*. */
int	history_set(struct conference *c, int before);
/* The text key of the running epoch goes with it to the disk. */
int	history_epoch(struct conference *c);
/* He was removed: his next joining counts as his first. */
void	history_forgets(struct conference *c, const char *user);
void	history_close(struct focus *f);

/* --- receipt.c: how far members have read it --- */
/* His last device goes, and his mark with it. */
void	receipt_left(struct member *m);
/* So do all marks, if this turn's commit drops the lines. */
void	receipts_drop(struct conference *c);
/* At the start, of those who are in; 0 or SEC_ERR_*. */
int	receipts_load(struct focus *f);

/* deal.c: lines to media servers and sec-pal */
void	deal_link_up(struct focus *f, int number);
/* Fields of the verbs conference and policy, as this server gets them. */
void	deal_conference(struct conference *c, int server, struct buf *b);
/* All of a conference to a server that is in it; moved: it never had any of
 * its devices. */
void	deal_all(struct conference *c, int number, int moved);
int	conf_is_at(const struct conference *c, int number);
/* The verb conference to one of them. */
void	deal_room(struct conference *c, int server);
/* That is all of it: who waited for the others may speak. */
void	deal_dealt(struct conference *c, int server);
void	deal_end_at(struct conference *c, int server);
/* The device's join to sec-pal: what it is has changed. */
void	deal_roster(struct device *d);
/* What a policy says now, to all. */
void	deal_policy(struct conference *c);
/* Who talks is wanted by sec-pal, or not any more: to the voice router. */
void	deal_talk(struct conference *c, int wanted);
void	deal_hold(const struct device *d);
void	deal_speak(const struct device *d);
void	deal_member(struct conference *c, const char *user, const char *status);
/* An invitation is over: this was the answer. */
void	deal_refused(struct conference *c, const char *user, int status);
/* His status, with his marks. */
void	deal_marks(struct member *m);
/* The fields role, hand, muted and floor of a user. */
void	deal_put_marks(const struct conference *c, const char *user,
	    struct buf *b);
void	deal_leave(struct conference *c, uint32_t q, int server);
void	deal_end(struct conference *c);
/* To sec-pal; to a media server that has its hop key; with the hop key. */
enum deal_to { DEAL_ROSTER, DEAL_HELD, DEAL_KEY };
void	deal_join_fields(const struct device *d, struct buf *b,
	    enum deal_to to);
/* Begin a call to a server, dialling one that left by --idle; NULL when
 * there is no link. */
struct buf *deal_call(struct focus *f, int server, const char *verb,
	    struct ctl_peer **p);

/* move.c: media servers that are lost, and where their conferences go */
/* It is lost, or drains. */
void	move_link_down(struct focus *f, int number);
/* It is there: nothing moves from it. */
void	move_off(struct focus *f, int number);
/* A server has refused some of its devices: another one, or once more. */
void	move_again(void *conference);
/* Whose media servers are there after our start? The others' move. */
void	moves_load(struct focus *f);
void	moves_free(struct focus *f);

struct server_move {                   /* a media server's link is lost */
	struct focus	*focus;
	int		 number;
	struct timer	 timer;
};

struct focus {
	struct service		*s;
	struct map		*confs;        /* by URI */
	struct map		*ids;          /* by id */
	struct map		*dialogs;      /* device by dialog key */
	struct map		*devices;      /* by number */
	struct holders		*sessions;
	struct map		*persons;      /* by user */
	struct map		*creates, *joins, *invites;    /* by id */
	struct map		*groups, *waitings, *known;    /* the same */
	struct map		*invite_txn;   /* invite by txn id */
	struct map		*answers;      /* of policy.c, by id */
	struct {
		uint64_t	 id;           /* of what is asked now, 0 */
		unsigned	 open;         /* calls it has to wait for */
	} answering;
	uint64_t		 ups;          /* links that came up */
	uint64_t		 up_of[256];   /* by server */
	uint64_t		 next_op;
	uint32_t		 next_hop;     /* key id */
	int64_t			 capacity[256];        /* spare, by server */
	unsigned		 uses[256];    /* media of conferences */
	struct server_move	 moves[256];
	int			 pal;          /* its number */
	struct secret		*dbk;          /* NULL: not needed yet */
	TAILQ_HEAD(, stored)	 stored;       /* lines of this turn */
	const char		*by;           /* whose PUBLISH is worked off,
						* or NULL */
	struct uploads		*uploads;
	struct downloads		*downloads;
	struct map		*detached;     /* files to remove */
	/* commit.c */
	struct hook		 commit_hook;
	int			 in_commit;
	int			 commit_failed; /* this turn's error */
	uint64_t		 commits;      /* number of the next */
	struct commit_wait	*waits;
	size_t			 nwaits, capwaits;
};

#endif
