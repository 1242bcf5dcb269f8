#ifndef WIRE_URI_H
#define WIRE_URI_H

#include <stddef.h>

/*
 * Names <-> URIs (COMMANDS.md 1, ARCHITECTURE.md 1).
 *   user        alice  alice@D  sip:alice@D       -> sip:alice@D
 *   conference  standup  conf:standup             -> sip:standup@conf.D
 *   object      lamp:bedroom                      -> sip:bedroom@lamp.D
 *   phone       tel:+1555...                      -> tel:+1555...
 *   factory     sip:conference@conf.D      PAL manager   sip:pal.D
 */
#define URI_MAX 256

enum uri_kind { URI_BAD, URI_USER, URI_CONF, URI_FACTORY, URI_OBJECT,
	URI_PHONE, URI_PALMGR, URI_FOREIGN };

struct uri {
	enum uri_kind	kind;
	char		name[128];     /* alice, standup, bedroom, +1555 */
	char		type[33];      /* of an object */
	char		full[URI_MAX]; /* without parameters, canonical */
	char		q[16];         /* parameter ;q= or "" */
};

/* A URI from the wire, in domain. 0 or SEC_ERR_FORMAT (kind URI_BAD). */
int	uri_parse(struct uri *u, const char *s, const char *domain);
/* A name as people type it; conf: a bare word is a conference. */
int	uri_from_name(struct uri *u, const char *s, const char *domain,
	    int conf);
/* The shortest form that can be typed back; out >= 160 bytes. For tables
 * where both kinds stand, mixed: conferences get "conf:". */
char	*uri_short(char *out, const char *full, const char *domain,
	    int mixed);
/* What its presence is called: user, conference, phone, or the object's type;
 * NULL for what has none. */
const char *uri_type(const struct uri *u);
/*
 * People in the directory, ATTR:VALUE as people write it, are an object too,
 * sip:VALUE@ATTR.D; what our URIs cannot hold, and ~, is written ~XX in it, as
 * in sip:Giovanni~20Di~20Crescenzo@name.D. Out of a value, and back: 0,
 * SEC_ERR_LIMIT, _FORMAT (control characters).
 */
int	uri_escape(char *out, size_t size, const char *value);
int	uri_unescape(char *out, size_t size, const char *name);
char	*uri_user(char *out, const char *name, const char *domain);
char	*uri_conf(char *out, const char *name, const char *domain);
char	*uri_factory(char *out, const char *domain);
char	*uri_palmgr(char *out, const char *domain);

#endif
