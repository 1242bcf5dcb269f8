/*
 * People of the directory as fields of a line, there and back (S031).
 */
#include "../test.h"

#include "base/err.h"
#include "base/text.h"
#include "server/person.h"

static int
take(struct dir_person *p, const char *text)
{
	struct line l;
	int r;

	if (line_parse(&l, text, strlen(text)) != 0) {
		printf("Bail out! bad line\n");
		exit(1);
	}
	r = person_take(p, &l);
	line_free(&l);
	return r;
}

int
main(void)
{
	static const char text[] = "person\tuser=bob\tname=Bob Field"
				   "\tmail=a%09b\tgroups=x\tgroups.2=y\n";
	static const char good[] = "person\tuser=bob\tname=Bob 100%25"
				   "\tmail=a\tmail.2=b\tgroups=x"
				   "\tgroups.2=y\n";
	struct buf b = BUF_INIT;
	struct dir_person p;
	char user[200];

	T_INT(take(&p, good), 0);
	T_STR(p.user, "bob");
	T_INT(p.n, 5);
	T_STR(dir_person_attr(&p, "name"), "Bob 100%");
	T_STR(dir_person_attr(&p, "mail"), "a");
	line_begin(&b, "person");
	person_put(&b, &p);
	line_end(&b);
	T_STR(buf_cstr(&b), good);
	dir_person_free(&p);
	buf_free(&b);
	/* Where it stands in a file, and the number of the call, are not his.
	 */
	T_INT(take(&p, "person\tid=7\tuser=bob\tat=f:1\n"), 0);
	T_INT(p.n, 0);
	dir_person_free(&p);
	T_INT(take(&p, text), SEC_ERR_FORMAT);
	T_INT(take(&p, "person\tuser=a\tstatus=x\n"), SEC_ERR_FORMAT);
	T_INT(take(&p,
		  "person\tuser=a\taname.that.is.longer.than.it.may.be=x\n"),
	    0);
	dir_person_free(&p);
	T_INT(take(&p, "person\tuser=a\tabcdefghijklmnopqrstuvwxyz0123456=x\n"),
	    SEC_ERR_FORMAT);
	memset(user, 'u', sizeof(user));
	memcpy(user, "person\tuser=", 12);
	user[sizeof(user) - 1] = '\0';
	T_INT(take(&p, user), SEC_ERR_FORMAT);
	return t_done();
}
