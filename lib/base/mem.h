#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Memory that a program cannot go on without: it ends when there is none. */

/* n bytes of zeros, for free(). */
void	*mem_new(size_t n);
/* p, which an allocating function gave. */
void	*mem_need(void *p);

#endif
