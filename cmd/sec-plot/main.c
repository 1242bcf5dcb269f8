/*
 * sec-plot: events of sec-watch(1) on stdin, one SVG on stdout.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/emit.h"

#include "chart.h"

#define WIDTH 960

static const struct {
	const char *verb;
	chart_h chart;
} charts[] = {
	{ "timeline", chart_timeline },
	{ "quality", chart_quality },
	{ "talk-share", chart_talk_share },
};

static int
run(struct cli *c)
{
	const char *width = cli_value(c, "width");
	unsigned long long px = WIDTH;
	struct buf out = BUF_INIT;
	struct call call;
	size_t line, i;
	int r;

	if (width != NULL && text_number(width, 200, 10000, &px) != 0)
		return cli_usage(c, "--width is 200 to 10000 pixels, not %s",
		    width);
	r = call_read(&call, stdin, &line);
	if (r == SEC_ERR_DATA) {
		r = emit_error(cli_mode(c), r, "line %zu is no JSON object",
		    line);
	} else if (r != 0) {
		r = emit_error(cli_mode(c), r, "standard input: %s",
		    strerror(errno));
	} else {
		for (i = 0; strcmp(charts[i].verb, cli_verb(c)) != 0;)
			i++;
		charts[i].chart(&call, (int)px, cli_value(c, "title"), &out);
		emit_write(STDOUT_FILENO, buf_data(&out), buf_len(&out));
	}
	buf_free(&out);
	call_free(&call);
	return r;
}

static const char *const examples[] = {
	"sec-watch --since 0 -T 0 -c standup | sec-plot timeline >standup.svg",
	"sec-plot quality <standup.jsonl >quality.svg",
	"sec-plot talk-share --title 'Monday' <standup.jsonl >share.svg",
	NULL,
};

static const struct cli_opt options[] = {
	{ 0, "width", "PX", "width of the picture (960)" },
	{ 0, "title", "TITLE", "its title" },
	{ 0, NULL, NULL, NULL },
};

static const struct cli_verb verbs[] = {
	{ "timeline", "[--width PX] [--title TITLE]",
	    "who spoke when, joined and left", "width,title", 0, 0, run },
	{ "quality", "[--width PX] [--title TITLE]",
	    "loss and jitter of each speaker", "width,title", 0, 0, run },
	{ "talk-share", "[--width PX] [--title TITLE]", "who spoke how much",
	    "width,title", 0, 0, run },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL },
};

static const struct cli_prog prog = {
	.name = "sec-plot",
	.about = "events in, one SVG out",
	.examples = examples,
	.opts = options,
	.verbs = verbs,
};

int
main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
