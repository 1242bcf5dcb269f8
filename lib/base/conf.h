#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stddef.h>

/* As whom sec-pal reads an LDAP directory. */
enum conf_bind { CONF_ANONYMOUS, CONF_GSSAPI, CONF_SIMPLE };

/*
 * sec.conf(5): `key = value`, `#` comments, nothing else. Unknown or
 * duplicate keys and bad values are refused with file, line and a
 * suggestion.
 */
struct conf {
	char	domain[256];           /* "" = not set: loopback only */
	char	realm[256];            /* default: domain in upper case */
	char	pal[320];              /* [NAME@]HOST:PORT as written */
	int	users_known;           /* users = known */
	int	register_rate;         /* REGISTER/s per address, 20 */
	int	user_conferences;      /* that one user owns, 4096 */
	int	conference_files;      /* MiB attached to one, 1024 */
	int	user_subscriptions;    /* that he holds, 16384 */
	char	gateway[256];
	char	directory[512];        /* LDAP URL; "": dir.db */
	char	directory_groups[256]; /* base of groups; "": the same */
	char	directory_attributes[512];     /* more that are shown */
	int	directory_starttls;    /* yes */
	char	directory_ca[512];     /* "" = the system's */
	enum conf_bind directory_bind;
	char	directory_dn[256];     /* both for CONF_SIMPLE */
	char	directory_password[512];
	int	streams;               /* 3 */
	char	suite[64];
	int	allow_insecure_fig9;
	int	plain;                 /* security = plain */
	int	key_life;              /* s; a day */
	int	register_life;         /* s; the longest granted, a day */
};

void	conf_defaults(struct conf *c);
/* The values of `suite`; the ones that begin with "fig9" need
 * allow-insecure-fig9 = yes in this file or one read before. */
extern const char *const conf_suites[];
extern const size_t conf_suites_n;

/*
 * Read path into c (which holds defaults or an earlier file's values). On an
 * error returns SEC_ERR_CONFIG and writes one line for people, `FILE:LINE:
 * ...`, into why, and leaves c as it was. A missing file is 0 unless must is
 * set.
 */
int	conf_read(struct conf *c, const char *path, int must, char *why,
	    size_t whylen);
/* The same from memory, for fuzzing. */
int	conf_parse(struct conf *c, const char *name, const char *text,
	    size_t n, char *why, size_t whylen);
/* Built-in defaults, then the system file, then the user's (base/path);
 * with --config FILE only that. Fills realm from domain. */
int	conf_load(struct conf *c, const char *file, char *why, size_t whylen);
/* Closest of n words by edit distance, or NULL when none is near: for
 * "did you mean". words: array of strings. */
const char *conf_suggest(const char *word, const char *const *words,
	    size_t n);

#endif
