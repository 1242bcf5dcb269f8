#ifndef WIRE_RULE_H
#define WIRE_RULE_H

#include <stddef.h>

#include "base/buf.h"
#include "wire/pal.h"
#include "wire/subject.h"

/*
 * Rules of who may watch whom (S160, sec-admin(8)):
 *   allow|deny [who=WHO] [whom=WHOM] [org=org] [attrs=A,B]
 *     WHO   USER group:G org:O        WHOM the same, or TYPE:* TYPE:NAME
 * and the file `rules`, one per line, `NAME RULE`. What they say about
 * somebody is cmd/sec-pal/verdict.c's.
 */
#define RULE_NAME 65
#define RULES_MAX 1000

struct rule {
	char		name[RULE_NAME];
	int		allow;
	struct subject	who, whom;
	int		same_org;
	char		attrs[PAL_ATTRS];      /* "*": all */
};

struct rules {                         /* in their order; zeroed: none */
	size_t		 n;
	struct rule	*rule;
};

/* The text without the name. 0 or SEC_ERR_FORMAT with a reason. */
int	rule_parse(struct rule *r, const char *text, char *why,
	    size_t whylen);
/* The same text, in canonical form. */
void	rule_put(struct buf *b, const struct rule *r);
/* The type of what it is about: "user", "lamp"; "" any. */
const char *rule_type(const struct rule *r);

/* Insert at `at` (n: at the end). 0, SEC_ERR_LIMIT, SEC_ERR_SYS. */
int	rules_insert(struct rules *s, size_t at, const struct rule *r);
void	rules_remove(struct rules *s, size_t at);
/* Its place, or -1. */
int	rules_find(const struct rules *s, const char *name);
void	rules_free(struct rules *s);
/* A file's text into *s, which holds none. 0 or an error, with line and
 * reason in why; then it holds none again. */
int	rules_parse(struct rules *s, const char *text, size_t n, char *why,
	    size_t whylen);
/* SEC_ERR_NOTHING if there is no such file. */
int	rules_read(struct rules *s, const char *path, char *why,
	    size_t whylen);

#endif
