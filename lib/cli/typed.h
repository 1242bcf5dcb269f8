#ifndef CLI_TYPED_H
#define CLI_TYPED_H

#include "cli/args.h"

/*
 * Words that people typed, looked at before anybody is asked: 0, or a usage
 * error (2) was told that names what is allowed. NULL is always good.
 */
/* available busy away offline, or a word of one's own. */
int	typed_status(struct cli *c, const char *s);
/* The class of a word of one's own, --as: one of the four; a status that is
 * one of them has itself. */
int	typed_class(struct cli *c, const char *status, const char *s);
/* -t: 45m, 10, 1h30m; at least a second, at most a year. */
int	typed_time(struct cli *c, const char *s);
/* A note: at most 255 bytes of UTF-8. */
int	typed_note(struct cli *c, const char *s);
/* text voice app, with commas. */
int	typed_media(struct cli *c, const char *s);
/* +15551234567 or tel:+1-555-123-4567. */
int	typed_tel(struct cli *c, const char *s);
/* The name of a new conference. */
int	typed_conf_name(struct cli *c, const char *s);
/* A conference that there may be: a name, conf:NAME, or a URI, of which the
 * agent knows more. */
int	typed_conf(struct cli *c, const char *s);
/* A user as USER, USER@DOMAIN or sip:USER@DOMAIN, or whoever else can be
 * invited (tel:, TYPE:NAME). */
int	typed_who(struct cli *c, const char *s);
/* What may stand in a PAL: USER, tel:NUMBER, conf:NAME, TYPE:NAME. */
int	typed_entry(struct cli *c, const char *s);
/* TYPE:NAME, a thing. */
int	typed_object(struct cli *c, const char *s);
/* ATTR=VALUE of one. */
int	typed_value(struct cli *c, const char *s);
/* Names of attributes with commas between, or *. */
int	typed_attrs(struct cli *c, const char *s);
/* USER,USER,... */
int	typed_who_list(struct cli *c, const char *s);

#endif
