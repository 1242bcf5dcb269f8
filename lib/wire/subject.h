#ifndef WIRE_SUBJECT_H
#define WIRE_SUBJECT_H

#include "base/buf.h"
#include "wire/uri.h"

/*
 * Who or what a rule, a type or an object names (sec-admin(8)):
 *   USER  group:G  org:O  TYPE:*  TYPE:NAME  tel:NUMBER   * = anybody
 * `conf` and `conference` are one type, `tel` and `phone` too, and user:bob
 * is bob.
 */
enum subject_kind { SUBJECT_ANY, SUBJECT_USER, SUBJECT_GROUP, SUBJECT_ORG,
	SUBJECT_TYPE, SUBJECT_THING };

struct subject {
	enum subject_kind kind;
	char	type[33];              /* of TYPE and THING: conference, lamp */
	char	name[128];             /* bob, G, O, bedroom */
};

/* 0 or SEC_ERR_FORMAT, *s then untouched. */
int	subject_parse(struct subject *s, const char *text);
/* As it is typed. */
void	subject_put(struct buf *b, const struct subject *s);
/* 1 if it is a user or a group: what can own and publish. */
int	subject_is_publisher(const struct subject *s);
/* Does TYPE, THING, USER or ANY name this one? Groups and organisations are
 * a question for the directory: 0. */
int	subject_names(const struct subject *s, const struct uri *u);

#endif
