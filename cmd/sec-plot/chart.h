#ifndef SEC_PLOT_CHART_H
#define SEC_PLOT_CHART_H

#include "base/buf.h"

#include "call.h"

/* The pictures. title NULL: one of their own. The SVG goes into out. */
typedef void (*chart_h)(const struct call *c, int width, const char *title,
    struct buf *out);
void	chart_timeline(const struct call *c, int width, const char *title,
	    struct buf *out);
void	chart_quality(const struct call *c, int width, const char *title,
	    struct buf *out);
void	chart_talk_share(const struct call *c, int width, const char *title,
	    struct buf *out);

#endif
