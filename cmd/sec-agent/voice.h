#ifndef SEC_AGENT_VOICE_H
#define SEC_AGENT_VOICE_H

#include <sys/queue.h>

#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/secret.h"
#include "ctl/serve.h"
#include "sip/dialog.h"
#include "wire/uri.h"

/*
 * Voice at the agent: devices attach over the control socket (sec-control(7)),
 * one connection and one INVITE dialog each; tools say which of them is heard
 * and how, and whose mic is on.
 */
struct agent;
struct conf_in;

/* --- voice.c, attach.c, voice_news.c, voice_info.c: attachments */
enum attach_state { ATTACH_ASKING, ATTACH_ON };

struct attachment {
	struct agent		*a;
	uint64_t		 number;       /* cookie of its requests */
	struct ctl_handle	 who;
	char			 conf[URI_MAX];
	uint64_t		 conf_number;
	enum attach_state	 state;
	uint64_t		 txn;          /* the INVITE under way */
	struct timer		 deadline;
	struct addr		 at;
	int			 recorder;
	int			 card;         /* captures from a sound card */
	int			 mic;          /* is on, as it says */
	struct dialog		 dialog;
	uint32_t		 q;
	struct secret		*hop;
	uint32_t		 hopid;
	uint16_t		 suite;
	char			 media[ADDR_STRLEN];
	int			 server;
	int64_t			 cut;          /* no MCU since, mono ms */
	struct map		*peers;        /* by q */
	TAILQ_ENTRY(attachment)	 entry;
};
TAILQ_HEAD(attachments, attachment);

struct voice {
	struct attachments	 list;         /* oldest first */
	struct talks		*talks;        /* talk.c */
};

void	voice_init(struct agent *a);
void	voice_close(struct agent *a);
/* attach conf= at= [media=voice] [via=] [capture=] [mic=] */
void	voice_attach(struct agent *a, struct ctl_req *r);
/* Whose connection; NULL: none. */
struct attachment *voice_of_peer(struct agent *a, uint64_t peer);
/* A row to it; NULL: it is gone. ctl_end(r) follows. */
struct buf *voice_row(struct attachment *v, const char *what,
	    struct ctl_req *r);
void	voice_peer_gone(struct agent *a, uint64_t peer);
/* I leave the conference, or it has ended: BYE for each if bye. */
void	voice_conf_gone(struct conf_in *c, const char *why, int bye);
/* A new epoch; wait: ms until it is used for sending. */
void	voice_epoch(struct conf_in *c, int wait);
/* The roster has changed. */
void	voice_roster(struct conf_in *c);
void	voice_confctl_up(struct agent *a);
/* Requests in a device's dialog (ctx: the flow): 1 if it was one, answered. */
int	voice_bye(const void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
int	voice_info(const void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);
/* Its packets tell how loud they are, or no longer. */
void	voice_policy(struct conf_in *c);
/* A text was said here: rows `addressed` if it is to me. */
void	voice_addressed(struct conf_in *c, const char *user, const char *p,
	    size_t n, uint32_t to);

/* --- talk.c: who speaks, mics, levels */
void	talk_init(struct agent *a);
void	talk_close(struct agent *a);
/* It begins, perhaps with its mic on. */
void	talk_attached(struct attachment *v);
/* It will say no more. */
void	talk_detached(struct attachment *v);
/* Comma-separated URIs of who talks; ms since 1970 of the last one, 0. */
void	talk_list(struct agent *a, const char *conf, struct buf *out);
int64_t	talk_heard(struct agent *a, const char *conf);
/* Any mic open in it? */
int	mic_is_on(struct agent *a, const char *conf);
/* Does anybody look at levels? */
int	levels_wanted(const struct agent *a);
void	levels_peer_gone(struct agent *a, uint64_t peer);
extern const struct ctl_verb talk_verbs[];

/* --- mix.c: what is heard, and how */
void	mix_init(struct agent *a);
/* mix.json, once the user's name is known. */
void	mix_load(struct agent *a);
void	mix_close(struct agent *a);
/* mute what=on|off|toggle: all that I hear. */
void	mix_mute(struct agent *a, struct ctl_req *r);
/* Rows `hear`, `sound` for a device that has come. */
void	mix_tell(struct attachment *v);
const char *mix_mode(struct agent *a, const char *conf);
int	mix_volume(struct agent *a, const char *conf);
void	mix_conf_open(struct conf_in *c);
void	mix_conf_gone(struct conf_in *c);
void	mix_confctl_up(struct agent *a);
/* The conference that alone is listened to, "": none. */
const char *mix_focus(const struct agent *a);
extern const struct ctl_verb mix_verbs[];

/* --- history.c: history conf= n=: lines that it has kept --- */
void	history_start(struct agent *a, struct ctl_req *r);
void	history_init(struct agent *a);
void	history_close(struct agent *a);

/* --- change.c: set conf= NAME=VALUE ... */
void	change_start(struct agent *a, struct ctl_req *r);
/* Media or roster of c are new: who waits for that? */
void	change_check(struct conf_in *c);
void	change_init(struct agent *a);
void	change_close(struct agent *a);

#endif
