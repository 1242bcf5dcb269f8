/* Memory, or the end. */
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"

#include "base/mem.h"

void *
mem_need(void *p)
{
	if (p == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "out of memory");
	return p;
}

void *
mem_new(size_t n)
{
	return mem_need(calloc(1, n));
}
