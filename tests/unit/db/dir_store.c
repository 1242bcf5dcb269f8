/*
 * The directory (S031, S073, S074, S168): people found by any attribute,
 * organisations below each other, groups.
 */
#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "base/text.h"
#include "db/dir_store.h"

static struct db *d;
static char why[512];

/* --- people --- */

/* NULL-terminated pairs. */
static int
put(const char *user, const char *const *fields)
{
	struct dir_person p;
	int r = 0, made = -1;

	memset(&p, 0, sizeof(p));
	text_copy(p.user, user, sizeof(p.user));
	for (; fields[0] != NULL && r == 0; fields += 2)
		r = dir_person_add(&p, fields[0], fields[1]);
	if (r == 0)
		r = dir_person_put(d, &p, 1000, &made);
	dir_person_free(&p);
	return r != 0 ? r : made;
}
#define PUT(user, ...) put(user, (const char *const[]) { __VA_ARGS__, NULL })

static const char *
person(const char *user)
{
	struct dir_person p;
	size_t i;
	int r;

	seen[0] = '\0';
	if ((r = dir_person_get(d, user, &p)) != 0) {
		note("%s", sec_strerror(r));
		return seen;
	}
	for (i = 0; i < p.n; i++)
		note("%s=%s|", p.attr[i].name, p.attr[i].value);
	dir_person_free(&p);
	return seen;
}

static int
on_user(void *arg, const char *user)
{
	int *left = arg;

	note("%s ", user);
	return left != NULL && --*left == 0 ? SEC_ERR_BUSY : 0;
}

/* "org=1256", "name=Gio*", "gio": as typed. */
static const char *
search(const char *const *words)
{
	struct dir_search q;
	struct dir_term *t;
	const char *value;
	size_t n;
	int r;

	memset(&q, 0, sizeof(q));
	for (; *words != NULL; words++) {
		t = &q.term[q.n++];
		value = *words;
		if ((n = strcspn(value, "=")) < strlen(value)) {
			memcpy(t->attr, value, n);
			value += n + 1;
		}
		n = text_copy(t->value, value, sizeof(t->value));
		if (n > 0 && t->attr[0] != '\0' && value[n - 1] == '*') {
			t->prefix = 1;
			t->value[n - 1] = '\0';
		}
	}
	seen[0] = '\0';
	if ((r = dir_search(d, &q, on_user, NULL)) != 0)
		note("%s", sec_strerror(r));
	return seen;
}
#define SEARCH(...) search((const char *const[]) { __VA_ARGS__, NULL })

static void
people(void)
{
	T_INT(PUT("giovanni", "name", "Giovanni Di Crescenzo", "first",
		  "Giovanni", "last", "Di Crescenzo", "org", "1256", "phone",
		  "+1 973 555 0147", "mail", "gio@lab.test", "location",
		  "Morristown", "groups", "crypto", "groups", "board"),
	    1);
	T_INT(PUT("zoe", "name",
		  "Zo\xc3\xab Stra\xc3\x9f"
		  "er",
		  "org", "1256", "phone", "+1-973-555-0199", "location",
		  "morristown", "title", "Engineer"),
	    1);
	T_INT(PUT("ann", "name", "ann  GIORDANO", "last", "Giordano", "org",
		  "0001", "desk", "4.12"),
	    1);
	T_INT(PUT("bare", NULL), 1);
	T_STR(person("giovanni"),
	    "name=Giovanni Di Crescenzo|first=Giovanni|last=Di Crescenzo|"
	    "org=1256|phone=+1 973 555 0147|mail=gio@lab.test|"
	    "location=Morristown|groups=crypto|groups=board|");
	T_STR(person("bare"), "name=bare|");
	T_STR(person("nobody"), sec_strerror(SEC_ERR_NOTHING));
	/* A change leaves what it does not name. */
	T_INT(PUT("bare", "phone", "12"), 0);
	T_STR(person("bare"), "phone=12|name=bare|");
	T_INT(PUT("bare", "phone", "13", "phone", "14", "name", "Bare"), 0);
	T_STR(person("bare"), "phone=13|phone=14|name=Bare|");
}

static void
refused(void)
{
	struct dir_person p;
	char big[DIR_VALUE + 1];
	int i, r = 0;

	T_INT(PUT("", "name", "x"), SEC_ERR_FORMAT);
	T_INT(PUT("a@b", "name", "x"), SEC_ERR_FORMAT);
	T_INT(PUT("a", "Name", "x"), SEC_ERR_FORMAT);
	T_INT(PUT("a", "user", "x"), SEC_ERR_FORMAT);
	T_INT(PUT("a", "status", "x"), SEC_ERR_FORMAT);
	T_INT(PUT("a", "name", ""), SEC_ERR_FORMAT);
	T_INT(PUT("a", "name", "  "), SEC_ERR_FORMAT);
	T_INT(PUT("a", "name", "x\ty"), SEC_ERR_FORMAT);
	T_INT(PUT("a", "name", "x\xff"), SEC_ERR_FORMAT);
	T_INT(PUT("a", "groups", "Not A Group"), SEC_ERR_FORMAT);
	memset(big, 'x', sizeof(big));
	big[DIR_VALUE] = '\0';
	T_INT(PUT("a", "name", big), SEC_ERR_FORMAT);
	big[DIR_VALUE - 1] = '\0';
	memset(&p, 0, sizeof(p));
	text_copy(p.user, "a", sizeof(p.user));
	for (i = 0; i < DIR_ATTRS && r == 0; i++)
		r = dir_person_add(&p, "x", i < 16 ? big : "x");
	T_INT(r, SEC_ERR_LIMIT);
	T_INT(i, 17);
	dir_person_free(&p);
	for (i = 0, r = 0; i < 2 * DIR_ATTRS && r == 0; i++)
		r = dir_person_add(&p, "x", "y");
	T_INT(r, SEC_ERR_LIMIT);
	T_INT(i, DIR_ATTRS);
	dir_person_free(&p);
	T_STR(person("a"), sec_strerror(SEC_ERR_NOTHING));
}

static void
searches(void)
{
	int left = 2;
	struct dir_search all = { .n = 0 };

	/* S074: by first name, last name, phone, location, anything. */
	T_STR(SEARCH("gio"), "ann giovanni ");
	T_STR(SEARCH("GIOV"), "giovanni ");
	T_STR(SEARCH("first=giovanni"), "giovanni ");
	T_STR(SEARCH("first=giov"), "");
	T_STR(SEARCH("first=giov*"), "giovanni ");
	T_STR(SEARCH("name=giovanni  di crescenzo"), "giovanni ");
	T_STR(SEARCH("phone=+19735550147"), "giovanni ");
	T_STR(SEARCH("+1 973 555"), "giovanni zoe ");
	T_STR(SEARCH("phone=+1(973)*"), "");
	T_STR(SEARCH("location=MORRISTOWN"), "giovanni zoe ");
	T_STR(SEARCH("desk=4*"), "ann ");
	T_STR(SEARCH("user=Zoe"), "zoe ");
	T_STR(SEARCH("mail=gio@*"), "giovanni ");
	T_STR(SEARCH("zo\xc3\x8b strass"), "zoe ");
	T_STR(SEARCH("groups=board"), "giovanni ");
	T_STR(SEARCH("phone=14"), "bare ");
	/* One who matches twice is told once. */
	T_STR(SEARCH("phone=1*"), "bare ");
	T_STR(SEARCH("phone=*"), "bare giovanni zoe ");
	/* A word that is nothing as a telephone. */
	T_STR(SEARCH("-"), "");
	T_STR(SEARCH("nobody"), "");
	T_STR(SEARCH("%"), "");
	T_STR(SEARCH("x\xff"), sec_strerror(SEC_ERR_FORMAT));
	/* S168: everybody of an organisation; several are ANDed. */
	T_STR(SEARCH("org=1256"), "giovanni zoe ");
	T_STR(SEARCH("org=1256", "gio"), "giovanni ");
	T_STR(SEARCH("gio", "org=1256"), "giovanni ");
	T_STR(SEARCH("org=1256", "location=morris*", "title=*"), "zoe ");
	T_STR(SEARCH("org=1256", "org=0001"), "");
	T_STR(SEARCH("+1973555", "zoe", "eng"), "zoe ");
	/* By name, then user. */
	T_INT(PUT("zz", "name", "Giovanni Di Crescenzo"), 1);
	T_INT(PUT("aa", "name", "giovanni di crescenzo"), 1);
	T_STR(SEARCH("giovanni"), "aa giovanni zz ");
	seen[0] = '\0';
	T_INT(dir_search(d, &all, on_user, NULL), 0);
	T_STR(seen, "ann bare aa giovanni zz zoe ");
	seen[0] = '\0';
	T_INT(dir_search(d, &all, on_user, &left), SEC_ERR_BUSY);
	T_STR(seen, "ann bare ");
	/* Renamed, he stands elsewhere; removed, nowhere. */
	T_INT(PUT("zz", "name", "Aaron"), 0);
	T_STR(SEARCH("giovanni"), "aa giovanni ");
	T_STR(SEARCH("user=zz"), "zz ");
	T_INT(dir_person_rm(d, "zz"), 0);
	T_INT(dir_person_rm(d, "aa"), 0);
	T_INT(dir_person_rm(d, "aa"), SEC_ERR_NOTHING);
	T_STR(SEARCH("user=zz"), "");
}

/* --- organisations, groups --- */

static int
on_org(void *arg, const struct dir_org *o)
{
	(void)arg;
	note("%s/%s/%s/%d ", o->org, o->name, o->parent, (int)o->people);
	return 0;
}

static int
on_group(void *arg, const struct dir_group *g)
{
	(void)arg;
	note("%s/%s/%d ", g->name, g->title, (int)g->members);
	return 0;
}

static int
org(const char *name, const char *title, const char *parent)
{
	struct dir_org o;

	memset(&o, 0, sizeof(o));
	text_copy(o.org, name, sizeof(o.org));
	text_copy(o.name, title, sizeof(o.name));
	text_copy(o.parent, parent, sizeof(o.parent));
	return dir_org_put(d, &o);
}

static void
organisations(void)
{
	char of[DIR_ORG] = "x";

	T_INT(org("1256", "Research", "R"), 0);
	T_INT(org("r", "All research", ""), 0);
	T_INT(org("1257", "", "1256"), 0);
	seen[0] = '\0';
	T_INT(dir_org_each(d, on_org, NULL), 0);
	T_STR(seen,
	    "0001///1 1256/Research/r/2 1257//1256/0 r/All research//0 ");
	T_INT(dir_org_is_under(d, "1257", "R"), 1);
	T_INT(dir_org_is_under(d, "1257", "1257"), 1);
	T_INT(dir_org_is_under(d, "R", "1257"), 0);
	T_INT(dir_org_is_under(d, "0001", "R"), 0);
	T_INT(dir_org_is_under(d, "unknown", "unknown"), 1);
	T_INT(dir_org_is_under(d, "", ""), 0);
	/* No rings. */
	T_INT(org("R", "All research", "1257"), SEC_ERR_NO);
	T_INT(org("r", "", "r"), SEC_ERR_NO);
	T_INT(org("", "x", ""), SEC_ERR_FORMAT);
	T_INT(dir_org_rm(d, "1256"), SEC_ERR_NO);
	T_INT(dir_org_rm(d, "0001"), SEC_ERR_NO);
	T_INT(dir_org_rm(d, "1257"), 0);
	T_INT(dir_org_rm(d, "1257"), SEC_ERR_NOTHING);
	T_INT(dir_org_get(d, "zoe", of, sizeof(of)), 0);
	T_STR(of, "1256");
	T_INT(dir_org_get(d, "bare", of, sizeof(of)), 0);
	T_STR(of, "");
	T_INT(dir_org_get(d, "nobody", of, sizeof(of)), SEC_ERR_NOTHING);
}

static void
groups(void)
{
	struct dir_group g = { .name = "helpdesk", .title = "Help" };
	struct dir_group bad = { .name = "No Name" };

	T_INT(dir_is_member(d, "giovanni", "board"), 1);
	T_INT(dir_is_member(d, "giovanni", "boar"), 0);
	T_INT(dir_is_member(d, "zoe", "board"), 0);
	T_INT(dir_group_put(d, &g), 0);
	g.title[0] = '\0';
	T_INT(dir_group_put(d, &g), 0);
	T_INT(dir_group_put(d, &bad), SEC_ERR_FORMAT);
	T_INT(dir_member_put(d, "helpdesk", "zoe", 1), 0);
	T_INT(dir_member_put(d, "helpdesk", "zoe", 1), 0);
	T_INT(dir_member_put(d, "board", "zoe", 1), 0);
	/* Nobody had heard of him, nor of the group. */
	T_INT(dir_member_put(d, "new", "kim", 1), 0);
	T_STR(person("kim"), "name=kim|groups=new|");
	seen[0] = '\0';
	T_INT(dir_group_each(d, on_group, NULL), 0);
	T_STR(seen, "board//2 crypto//1 helpdesk/Help/1 new//1 ");
	T_STR(SEARCH("groups=board"), "giovanni zoe ");
	T_INT(dir_member_rm(d, "board", "zoe"), 0);
	T_INT(dir_member_rm(d, "board", "zoe"), SEC_ERR_NOTHING);
	T_INT(dir_is_member(d, "zoe", "helpdesk"), 1);
	T_INT(dir_group_rm(d, "helpdesk"), 0);
	T_INT(dir_is_member(d, "zoe", "helpdesk"), 0);
	T_INT(dir_group_rm(d, "helpdesk"), SEC_ERR_NOTHING);
	/* Only his groups had changed. */
	T(strstr(person("giovanni"), "|groups=crypto|groups=board|") != NULL);
}

int
main(void)
{
	scratch_make();
	T_INT(db_open(&d, "dir.db", DB_WRITER, why, sizeof(why)), 0);
	people();
	refused();
	searches();
	organisations();
	groups();
	T_INT(db_check(d), 0);
	db_close(d);
	return t_done();
}
