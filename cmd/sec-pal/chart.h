#ifndef SEC_PAL_CHART_H
#define SEC_PAL_CHART_H

#include "ctl/serve.h"

/* Organisations and groups of the directory, as the administrator lists and
 * removes them; import.c makes them. */
extern const struct ctl_verb chart_verbs[];

#endif
