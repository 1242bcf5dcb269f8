#ifndef SEC_PLOT_CALL_H
#define SEC_PLOT_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What was said when: the events of sec-watch(1), gathered by person.
 */
struct utterance {
	int64_t	 from, to;             /* ms since 1970 */
	double	 lost, jitter;         /* per cent, ms; below 0: not known */
};

struct passage {                       /* joined and left again */
	int64_t	 from, to;             /* -1: before it began, after its end */
};

struct person {
	char			*user, *conf;  /* full URIs */
	char			*name;         /* to be shown */
	struct utterance	*said;
	size_t			 nsaid;
	struct passage		*there;
	size_t			 nthere;
	int64_t			 speaking;     /* since when; 0: not */
	int64_t			 spoken;       /* ms in all */
};

struct call {
	struct person	*people;       /* by first appearance */
	size_t		 n;
	int64_t		 from, to;     /* first and last event, 0: none */
	int64_t		 spoken;       /* ms, of all */
	char		*conf;         /* the only one, NULL: several */
};

/* Read events to the end of fp. 0; SEC_ERR_DATA: *line is no JSON object;
 * SEC_ERR_SYS: reading failed. */
int	call_read(struct call *c, FILE *fp, size_t *line);
void	call_free(struct call *c);

#endif
