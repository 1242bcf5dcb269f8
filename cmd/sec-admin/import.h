#ifndef SEC_ADMIN_IMPORT_H
#define SEC_ADMIN_IMPORT_H

#include "base/buf.h"

#include "load.h"

/* A file for the directory, on its way: what is wrong with it is told as
 * FILE:LINE, a few times at most. */
struct intake {
	struct cli	*c;
	const char	*file;         /* "-" is stdin */
	const char	*text;         /* all of it */
	size_t		 n;
	struct load	*load;
	unsigned	 errors;
	unsigned	 skipped;      /* entries that are none of ours */
	/* Who is in it, if that is wanted (is_kept). */
	int		 is_kept;
	char		**users;
	size_t		 nusers, cap;
};

/* Something is wrong in that line. */
void	intake_error(struct intake *in, unsigned line, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* A whole person, if nothing has been wrong so far. 0, or SEC_ERR_* of
 * sec-pal. */
int	intake_person(struct intake *in, unsigned line,
	    struct dir_person *p);
/* "FILE:LINE" into out. */
char	*intake_at(const struct intake *in, unsigned line, char out[320]);

/* csv_intake.c, ldif_intake.c: 0, or SEC_ERR_* of sec-pal. */
int	intake_csv(struct intake *in);
int	intake_ldif(struct intake *in);

#endif
