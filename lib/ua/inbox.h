#ifndef UA_INBOX_H
#define UA_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "ua/keyring.h"
#include "wire/message.h"

/*
 * Texts of one conference as they come from its MTCU (SECURITY.md 3.6):
 * opened, checked against the roster, in order for each q, each once. What
 * cannot be judged yet is held for INBOX_HOLD_MS. No I/O: the owner feeds
 * it, tells it when roster or keys have changed, and shows what comes out.
 */
struct inbox;

#define INBOX_HOLD_MS 2000             /* for a key */
/* For the roster only; such a text will be shown in any case, while its
 * router still waits for our answer. */
#define INBOX_ROSTER_MS 1500
/*
 * A hostile router can make up texts, but not ours of time or memory: so
 * much is held at most, of all and of one q; of so many q that the roster
 * does not know; so many q are remembered; so many false names are shown in
 * INBOX_TELL_MS. What is beyond is dropped, counted, and told as a gap, as
 * is what cannot be read: of one q once in INBOX_TELL_MS, and together for
 * all that the roster does not know (q 0, no author).
 */
#define INBOX_HELD       1024
#define INBOX_BYTES      16777216
#define INBOX_HELD_Q     512
#define INBOX_BYTES_Q    8388608
#define INBOX_STRANGERS  128
#define INBOX_SOURCES    65536
#define INBOX_FALSE_MAX  16
#define INBOX_TELL_MS    2000

enum inbox_kind {
	INBOX_TEXT,
	INBOX_GAP,                     /* `missing` texts of q were lost */
	INBOX_FALSE,                   /* author and q do not agree */
};

struct inbox_item {
	enum inbox_kind	 kind;
	uint32_t	 q;
	const char	*author;       /* URI; of a gap it may be NULL */
	uint64_t	 seq, missing;
	int64_t		 time;         /* the author's T */
	int		 verified;     /* the roster knows q as the author */
	int		 missed;       /* SEC-Missed of an own echo, -1 */
	int64_t		 line;         /* SEC-Line where text is kept, -1 */
	struct message	 m;
};

struct inbox_ops {
	/* Who has q by the roster; NULL: not known (yet). */
	const char	*(*user)(void *ctx, uint32_t q);
	void		(*show)(void *ctx, const struct inbox_item *i);
	/* A text that was put with a number is done with: it was read (if it
	 * was new, it has been shown), or could not be. NULL allowed. */
	void		(*done)(void *ctx, uint64_t number, int was_read);
};

/* keys is borrowed. */
struct inbox *inbox_new(uint32_t own_q, struct keyring *keys,
	    const struct inbox_ops *ops, void *ctx);
void	inbox_free(struct inbox *in);
/* The user was in the conference before this device of his, so that texts
 * of epochs before its first were for him, too: they count as not read. */
void	inbox_returned(struct inbox *in);

#define INBOX_WANT_ROSTER 1            /* fetch it: a q is unknown */
#define INBOX_WANT_GRANT  2            /* ask: an epoch is unknown */

/*
 * A text came: outer author and q, body. now: ms since 1970 by the server's
 * clock. Returns INBOX_WANT_* bits, or SEC_ERR_FORMAT (no text at all),
 * SEC_ERR_LIMIT (dropped, and counted as missing).
 */
int	inbox_put(struct inbox *in, const char *author, uint32_t q,
	    int missed, const uint8_t *body, size_t n, int64_t now);
/* The same, with what came beside it; number: for done(), if this returns no
 * error. */
struct inbox_letter {
	const char	*author;
	uint32_t	 q;
	int		 missed;       /* -1: none */
	int64_t		 line;         /* -1: none */
	const uint8_t	*body;
	size_t		 n;
	uint64_t	 number;
};
int	inbox_put_letter(struct inbox *in, const struct inbox_letter *l,
	    int64_t now);
/* Roster or keys have changed, or time has passed. Old keys are wiped. */
int	inbox_run(struct inbox *in, int64_t now);
/* ms until inbox_run() should be called, -1: no need. */
int64_t	inbox_wait(const struct inbox *in, int64_t now);

#endif
