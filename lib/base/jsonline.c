/* jsonline: the door to json-c. A struct jsonline is a json_object. */
#include <json-c/json.h>
#include <stdint.h>
#include <string.h>

#include "base/jsonline.h"

#define LINE_MAX_BYTES 1048576
#define DEPTH_MAX      8

static const struct json_object *
door(const struct jsonline *j)
{
	return (const struct json_object *)(const void *)j;
}

static struct json_object *
field(const struct jsonline *j, const char *name, enum json_type type)
{
	struct json_object *v;

	if (!json_object_object_get_ex(door(j), name, &v) ||
	    !json_object_is_type(v, type))
		return NULL;
	return v;
}

struct jsonline *
jsonline_parse(const char *p, size_t n)
{
	struct json_tokener *t;
	struct json_object *o;

	if (n == 0 || n > LINE_MAX_BYTES ||
	    (t = json_tokener_new_ex(DEPTH_MAX)) == NULL)
		return NULL;
	json_tokener_set_flags(t,
	    JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, p, (int)n);
	/* A number may go on at the end; an object has its bracket. */
	if (json_tokener_get_error(t) != json_tokener_success ||
	    json_tokener_get_parse_end(t) != n ||
	    !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(t);
	return (struct jsonline *)(void *)o;
}

void
jsonline_free(struct jsonline *j)
{
	json_object_put((struct json_object *)(void *)j);
}

const char *
jsonline_str(const struct jsonline *j, const char *name)
{
	struct json_object *v = field(j, name, json_type_string);

	if (v == NULL ||
	    strlen(json_object_get_string(v)) !=
		(size_t)json_object_get_string_len(v))
		return NULL;
	return json_object_get_string(v);
}

int
jsonline_number(const struct jsonline *j, const char *name, double *v)
{
	struct json_object *o;

	if ((o = field(j, name, json_type_double)) == NULL &&
	    (o = field(j, name, json_type_int)) == NULL)
		return 0;
	*v = json_object_get_double(o);
	return 1;
}

const struct jsonline *
jsonline_object(const struct jsonline *j, const char *name)
{
	return (const struct jsonline *)(const void *)field(j, name,
	    json_type_object);
}

const char *
jsonline_name(const struct jsonline *j, size_t n)
{
	struct json_object_iterator i, end;
	struct json_object *o = (struct json_object *)(uintptr_t)j;

	i = json_object_iter_begin(o);
	end = json_object_iter_end(o);
	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
		if (n-- == 0)
			return json_object_iter_peek_name(&i);
	return NULL;
}
