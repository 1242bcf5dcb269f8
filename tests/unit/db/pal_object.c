/* Objects and their attributes (S055, S059), without a history. */
#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "db/pal_object.h"

static struct db *d;
static char why[512];

static int
on_object(void *arg, const struct pal_object *o)
{
	(void)arg;
	note("%s:%s/%s/%s ", o->type, o->name, o->owner, o->title);
	return 0;
}

static int
on_attribute(void *arg, const struct pal_attribute *a)
{
	(void)arg;
	note("%s=%.8s/%s/%d-%d ", a->name, a->value, a->by, (int)a->since,
	    (int)a->until);
	return 0;
}

static const char *
objects(void)
{
	seen[0] = '\0';
	T_INT(pal_object_each(d, on_object, NULL), 0);
	return seen;
}

static const char *
attributes(const char *uri)
{
	seen[0] = '\0';
	T_INT(pal_attribute_each(d, uri, on_attribute, NULL), 0);
	return seen;
}

int
main(void)
{
	static const char uri[] = "sip:bedroom@lamp.lab.test";
	struct pal_object bed = { "lamp", "bedroom", "porch-pi", "By the bed",
		1 };
	struct pal_object hall = { "lamp", "hall", "group:porters", "", 2 };
	struct pal_attribute a = { "state", "on", "porch-pi", 10, 20 };

	scratch_make();
	T_INT(db_open(&d, "pal.db", DB_WRITER, why, sizeof(why)), 0);
	T_INT(pal_object_add(d, &hall), 0);
	T_INT(pal_object_add(d, &bed), 0);
	T_INT(pal_object_add(d, &bed), SEC_ERR_NO);
	T_STR(objects(),
	    "lamp:bedroom/porch-pi/By the bed "
	    "lamp:hall/group:porters/ ");
	T_INT(pal_attribute_put(d, uri, &a), 0);
	snprintf(a.name, sizeof(a.name), "dim");
	memset(a.value, 'x', sizeof(a.value) - 1);
	T_INT(pal_attribute_put(d, uri, &a), 0);
	a = (struct pal_attribute) { "state", "off", "porch-pi", 15, 30 };
	T_INT(pal_attribute_put(d, uri, &a), 0);
	db_close(d);
	T_INT(db_open(&d, "pal.db", DB_WRITER, why, sizeof(why)), 0);
	T_STR(attributes(uri),
	    "dim=xxxxxxxx/porch-pi/10-20 "
	    "state=off/porch-pi/15-30 ");
	T_STR(attributes("sip:hall@lamp.lab.test"), "");
	T_INT(pal_object_rm(d, &bed, uri), 0);
	T_INT(pal_object_rm(d, &bed, uri), SEC_ERR_NOTHING);
	T_STR(attributes(uri), "");
	T_STR(objects(), "lamp:hall/group:porters/ ");
	db_close(d);
	return t_done();
}
