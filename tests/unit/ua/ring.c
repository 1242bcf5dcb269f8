/* A ring of events: numbers, what it forgets, marks of another life. */
#include "ua/ring.h"
#include "../test.h"

int
main(void)
{
	struct ring *r = ring_new(4), *other = ring_new(4);
	uint64_t next, from, to;
	char text[32];
	int i;

	T_INT(strlen(ring_name(r)), 16);
	T(strcmp(ring_name(r), ring_name(other)) != 0);
	T_INT(ring_last(r), 0);
	T(ring_get(r, 0) == NULL);
	T(ring_get(r, 1) == NULL);
	T_INT(ring_since(r, NULL, 0, &next, &from, &to), 0);
	T_INT(next, 1);

	for (i = 1; i <= 3; i++) {
		snprintf(text, sizeof(text), "\tevent=e%d", i);
		T_INT(ring_add(r, i * 10, text), i);
	}
	T_STR(ring_get(r, 2)->fields, "\tevent=e2");
	T_INT(ring_get(r, 2)->time, 20);
	T_INT(ring_since(r, ring_name(r), 1, &next, &from, &to), 0);
	T_INT(next, 2);
	T_INT(ring_since(r, "", 3, &next, &from, &to), 0);
	T_INT(next, 4);

	for (i = 4; i <= 7; i++)
		(void)ring_add(r, i * 10, "\tevent=x");
	T(ring_get(r, 3) == NULL);
	T(ring_get(r, 4) != NULL);
	T(ring_get(r, 8) == NULL);
	/* What lies between the mark and the oldest event held is lost. */
	T_INT(ring_since(r, NULL, 1, &next, &from, &to), 1);
	T_INT(next, 4);
	T_INT(from, 2);
	T_INT(to, 3);
	T_INT(ring_since(r, NULL, 3, &next, &from, &to), 0);
	/* A mark of another ring, or one that is yet to come. */
	T_INT(ring_since(r, ring_name(other), 7, &next, &from, &to), 1);
	T_INT(next, 8);
	T_INT(ring_since(r, NULL, 9, &next, &from, &to), 1);
	T_INT(next, 8);

	ring_free(r);
	ring_free(other);
	ring_free(NULL);
	return t_done();
}
