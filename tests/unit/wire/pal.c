#include "base/err.h"
#include "wire/pal.h"
#include "../test.h"

#define DOC "doc\turi=sip:alice@example.org\tversion=7\tstate=full"

static struct pal_doc d;

static int
decode(const char *s)
{
	return pal_doc_decode(&d, s, strlen(s));
}

static void
test_decode(void)
{
	T_INT(decode(DOC "\tpart=2/3\ttitle=a%09b\n"
			 "entry\tsip:bob@example.org\tstatus=busy\tnote=\n"
			 "entry\tsip:x@lamp.example.org;a%3D1\n"
			 "entry\tsip:carol@example.org\t-\n"),
	    0);
	T_STR(d.uri, "sip:alice@example.org");
	T(d.version == 7 && d.full && d.part == 2 && d.parts == 3);
	T_STR(pal_doc_attr(&d, "title"), "a\tb");
	T(pal_doc_attr(&d, "uri") == NULL && d.nattr == 1);
	T_INT(d.n, 3);
	T_STR(d.entry[0].uri, "sip:bob@example.org");
	T_STR(pal_entry_attr(&d.entry[0], "status"), "busy");
	T_STR(pal_entry_attr(&d.entry[0], "note"), "");
	T(pal_entry_attr(&d.entry[0], "via") == NULL);
	T(!d.entry[0].removed && d.entry[0].n == 2);
	T_STR(d.entry[1].uri, "sip:x@lamp.example.org;a=1");
	T(d.entry[1].n == 0 && d.entry[2].removed);
	pal_doc_free(&d);
	pal_doc_free(&d);

	/* A roster: the devices in one q=. */
	T_INT(decode("doc\tversion=18446744073709551615\tstate=partial\t"
		     "uri=sip:ops@conf.example.org\n"
		     "entry\tsip:bob@example.org\tq=1.1,1.2\tstatus=active\n"),
	    0);
	T(!d.full && d.part == 1 && d.parts == 1 && d.version == UINT64_MAX);
	T_INT(d.entry[0].n, 2);
	T_STR(pal_entry_attr(&d.entry[0], "q"), "1.1,1.2");
	pal_doc_free(&d);
	T_INT(decode(DOC "\n"), 0);
	T_INT(d.n, 0);
	pal_doc_free(&d);
}

static const char *const bad[] = {
	"",
	"\n",
	DOC,
	"entry\tsip:b@x\n",
	DOC "\n" DOC "\n",
	DOC "\n\n",
	DOC "\nrow\ta=1\n",
	DOC "\nentry\n",
	DOC "\nentry\t\n",
	DOC "\nentry\ta=1\n",
	DOC "\nentry\ta=1\tsip:b@x\n",
	DOC "\nentry\tsip:b@x\t-\ta=1\n",
	DOC "\nentry\tsip:b@x\tx\n",
	DOC "\nentry\tsip:b@x\ta=1\t-\n",
	DOC "\nentry\tsip:b@x\t-\t-\n",
	DOC "\nentry\tsip:b@x\ta=1\ta=2\n",
	DOC "\nentry\tsip:b@x\tA=1\n",
	DOC "\nentry\tsip:b@x\ta-b=1\n",
	DOC "\nentry\tsip:b@x\ta=1",
	DOC "\nentry\tsip:b@x\ta=%00\n",
	DOC "\tsip:x\n",
	DOC "\turi=b\n",
	DOC "\tpart=0/1\n",
	DOC "\tpart=2/1\n",
	DOC "\tpart=1\n",
	DOC "\tpart=1/\n",
	DOC "\tpart=/1\n",
	DOC "\tpart=1/10000\n",
	DOC "\tpart=00000001/1\n",
	DOC "\r\n",
	"doc\tversion=7\tstate=full\n",
	"doc\turi=a\tstate=full\n",
	"doc\turi=a\tversion=7\n",
	"doc\turi=a\tversion=x\tstate=full\n",
	"doc\turi=\tversion=7\tstate=full\n",
	"doc\turi=a\tversion=7\tstate=half\n",
};

static void
test_refuse(void)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		T_OK(decode(bad[i]) == SEC_ERR_FORMAT && d.uri == NULL,
		    "refused: row %zu", i);
	buf_put_str(&b, DOC "\n");
	for (i = 0; buf_len(&b) <= PAL_DOC_MAX - 32; i++)
		buf_putf(&b, "entry\tsip:u%zu@x\ta=1\n", i);
	T_INT(pal_doc_decode(&d, buf_cstr(&b), buf_len(&b)), 0);
	T_INT(d.n, i);
	pal_doc_free(&d);
	while (buf_len(&b) <= PAL_DOC_MAX)
		buf_put_str(&b, "entry\tsip:x@x\n");
	T_INT(pal_doc_decode(&d, buf_cstr(&b), buf_len(&b)), SEC_ERR_LIMIT);
	buf_free(&b);
}

static void
test_allowed(void)
{
	static const char *const no[] = {
		"",
		"1a",
		"_a",
		"Temp",
		"a-b",
		"a.b",
		"user",
		"event",
		"seq",
		"path",
		"v",
		"to",
		"abcdefghijklmnopqrstuvwxyzabcdefg",
	};
	size_t i;

	T(pal_attr_allowed("temperature"));
	T(pal_attr_allowed("x"));
	T(pal_attr_allowed("a1_b"));
	T(pal_attr_allowed("abcdefghijklmnopqrstuvwxyzabcdef"));
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		T_OK(!pal_attr_allowed(no[i]), "not allowed: %s", no[i]);
}

static void
test_lists(void)
{
	char long_[PAL_ATTRS + 1];

	T(pal_attrs_is_list("*") && pal_attrs_is_list("status"));
	T(pal_attrs_is_list("status,note,since"));
	T(!pal_attrs_is_list("") && !pal_attrs_is_list("a,"));
	T(!pal_attrs_is_list(",a") && !pal_attrs_is_list("a, b"));
	T(!pal_attrs_is_list("a,*") && !pal_attrs_is_list("Status"));
	memset(long_, 'a', sizeof(long_) - 1);
	long_[sizeof(long_) - 1] = '\0';
	T(!pal_attrs_is_list(long_));
	T(pal_attrs_has("*", "note") && pal_attrs_has("note", "note"));
	T(pal_attrs_has("a,note", "note") && pal_attrs_has("note,a", "note"));
	T(!pal_attrs_has("notes,a", "note") && !pal_attrs_has("", "note"));
	T(!pal_attrs_has("a,not", "note"));
}

int
main(void)
{
	test_decode();
	test_refuse();
	test_allowed();
	test_lists();
	return t_done();
}
