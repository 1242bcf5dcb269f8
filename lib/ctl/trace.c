/* Control lines as the log has them at -v -v: who and which, never what. */
#include "base/buf.h"
#include "base/log.h"
#include "wire/line.h"

#include "ctl/trace.h"

static const char *const shown[] = { "id", "conf", "user", "who", "q", "medium",
	"server", "code", "epoch", "state", "status" };

void
ctl_trace(const char *event, int server, const void *line, size_t n)
{
	struct buf b = BUF_INIT;
	struct line l;
	const char *v;
	size_t i;

	if (log_level() < LOG_L_TRACE || line_parse(&l, line, n) != 0)
		return;
	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if ((v = line_get(&l, shown[i])) != NULL)
			buf_putf(&b, " %s=%s", shown[i], log_quote(v));
	log_trace(event, "server=%d verb=%s%s", server, log_quote(l.verb),
	    buf_cstr(&b));
	buf_free(&b);
	line_free(&l);
}
