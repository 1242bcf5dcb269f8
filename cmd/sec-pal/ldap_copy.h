#ifndef SEC_PAL_LDAP_COPY_H
#define SEC_PAL_LDAP_COPY_H

struct pal;
struct dir_person;

/*
 * Name, organisation and groups of a user, as the LDAP directory has them,
 * take the place of what dir.db has: when he registers, and when a rule asks
 * where he stands, be he there or not; once an hour. COPIES_ASKED are asked
 * for at once, the others wait their turn. A failure leaves what is there,
 * and is made good after COPY_AGAIN_MS.
 */
#define COPY_MS	      3600000
#define COPY_AGAIN_MS 10000
#define COPIES_ASKED  4
#define COPIES_WAIT   4096             /* more come when rules ask again */
#define COPIES_KNOWN  200000           /* then they are all due */

void	ldap_copies_open(struct pal *p);
void	ldap_copies_close(struct pal *p);
/* Everybody's copy is due again. */
void	ldap_copies_forget(struct pal *p);
/* He has registered; if he was asked for in vain, he is so again. */
void	ldap_copy(struct pal *p, const char *user);
/* A rule asks about him: 1 while the answer is under way. Nothing happens
 * before the next turn of the loop. */
int	ldap_copy_needed(struct pal *p, const char *user);
/* A search has found him, with his attributes: 1 if they were asked for. */
int	ldap_copy_take(struct pal *p, const struct dir_person *who);

/* cb, once, when the answer about this user has come, or come to nothing, or
 * with late when it has not come in COPY_AWAIT_MS. */
#define COPY_AWAIT_MS 6000
void	ldap_copy_await(struct pal *p, const char *user,
	    void (*cb)(void *arg, int late), void *arg);

#endif
