/* Local copies of documents: full, partial, in parts, out of turn. */
#include "base/err.h"
#include "ua/mirror.h"
#include "../test.h"

static char seen[1000];

static void
changed(void *ctx, const struct pal_entry *was, const struct pal_entry *is)
{
	const char *a = was != NULL ? pal_entry_attr(was, "status") : "";
	const char *b = is != NULL ? pal_entry_attr(is, "status") : "";
	const char *uri = is != NULL ? is->uri : was->uri;
	size_t n = strlen(seen);

	T_STR((const char *)ctx, "me");
	snprintf(seen + n, sizeof(seen) - n, "%.1s:%s>%s ", uri + 4, a, b);
}

static const char *
take(void)
{
	static char out[1000];

	memcpy(out, seen, sizeof(out));
	seen[0] = '\0';
	return out;
}

static int
apply(struct mirror *m, const char *text)
{
	struct pal_doc d;
	int r;

	if (!T(pal_doc_decode(&d, text, strlen(text)) == 0))
		return -1000;
	r = mirror_apply(m, &d);
	pal_doc_free(&d);
	return r;
}

#define DOC   "doc\turi=sip:x@lab.test\t"
#define ALONE DOC "version=1\tstate=partial\nentry\tsip:f@x\tstatus=up\n"

int
main(void)
{
	static char me[] = "me";
	struct pal_doc one;
	struct mirror *m = mirror_new(changed, me);
	size_t i = 0;

	T(!mirror_is_complete(m));
	T_INT(apply(m, DOC "version=5\tstate=partial\n"), SEC_ERR_NOTHING);
	T_INT(apply(m,
		  DOC "version=5\tstate=full\tmedia=text\n"
		      "entry\tsip:a@x\tstatus=up\nentry\tsip:b@x\tstatus=up\n"),
	    0);
	T(mirror_is_complete(m));
	T_STR(take(), "a:>up b:>up ");
	T_STR(mirror_attr(m, "media"), "text");
	T(mirror_attr(m, "title") == NULL);
	T_STR(pal_entry_attr(mirror_find(m, "sip:b@x"), "status"), "up");
	/* The next version, the same again, one too far. */
	T_INT(apply(m,
		  DOC
		  "version=6\tstate=partial\n"
		  "entry\tsip:b@x\tstatus=busy\nentry\tsip:c@x\tstatus=up\n"),
	    0);
	T_STR(take(), "b:up>busy c:>up ");
	T_STR(mirror_attr(m, "media"), "text");
	T_INT(apply(m,
		  DOC "version=6\tstate=partial\n"
		      "entry\tsip:a@x\t-\n"),
	    SEC_ERR_REPLAY);
	T_INT(apply(m,
		  DOC "version=8\tstate=partial\n"
		      "entry\tsip:a@x\t-\n"),
	    SEC_ERR_NOTHING);
	T_INT(apply(m,
		  DOC "version=7\tstate=partial\n"
		      "entry\tsip:a@x\t-\nentry\tsip:nobody@x\t-\n"),
	    0);
	T_STR(take(), "a:up> ");
	T(mirror_find(m, "sip:a@x") == NULL);
	T_STR(mirror_next(m, &i)->uri, "sip:b@x");
	T_STR(mirror_next(m, &i)->uri, "sip:c@x");
	T(mirror_next(m, &i) == NULL);
	/* Full: who is not in it is gone; an older one is not believed. */
	T_INT(apply(m, DOC "version=6\tstate=full\n"), SEC_ERR_REPLAY);
	T_INT(apply(m,
		  DOC "version=7\tstate=full\n"
		      "entry\tsip:c@x\tstatus=up\n"),
	    0);
	T_STR(take(), "b:busy> ");
	/* In parts: gone is who is in none of them. */
	T_INT(apply(m,
		  DOC "version=9\tstate=full\tpart=1/2\n"
		      "entry\tsip:d@x\tstatus=up\n"),
	    1);
	T_INT(apply(m,
		  DOC "version=9\tstate=full\tpart=2/2\n"
		      "entry\tsip:e@x\tstatus=up\n"),
	    0);
	T_STR(take(), "d:>up e:>up c:up> ");
	T_INT(apply(m, DOC "version=10\tstate=full\tpart=2/2\n"),
	    SEC_ERR_NOTHING);
	/* An entry by itself, and then in its document: one change. */
	T_INT(pal_doc_decode(&one, ALONE, strlen(ALONE)), 0);
	mirror_put(m, &one.entry[0]);
	pal_doc_free(&one);
	T_STR(take(), "f:>up ");
	T_INT(apply(m,
		  DOC "version=10\tstate=partial\n"
		      "entry\tsip:f@x\tstatus=up\n"),
	    0);
	T_STR(take(), "");
	T_STR(pal_entry_attr(mirror_find(m, "sip:f@x"), "status"), "up");
	/* Another document under the same name, of lower versions. */
	mirror_renew(m);
	T(mirror_is_complete(m));
	T_INT(apply(m,
		  DOC "version=1\tstate=partial\n"
		      "entry\tsip:d@x\tstatus=busy\n"),
	    SEC_ERR_NOTHING);
	T_INT(apply(m,
		  DOC "version=3\tstate=full\n"
		      "entry\tsip:d@x\tstatus=up\n"),
	    0);
	T_STR(take(), "e:up> f:up> ");
	T_INT(apply(m,
		  DOC "version=4\tstate=partial\n"
		      "entry\tsip:d@x\tstatus=busy\n"),
	    0);
	T_STR(take(), "d:up>busy ");
	mirror_free(m);
	mirror_free(NULL);
	return t_done();
}
