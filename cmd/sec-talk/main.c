/*
 * sec-talk: one communications device: text of a conference, or voice of any
 * number of them, or both (COMMANDS.md 2.3).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include "text.h"

#define RATE 48000

enum { TEXT = 1, VOICE = 2 };

/* What -m names, 0: another word. */
static int
media_of(const char *s)
{
	int media = 0;
	size_t n;

	for (; *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		if (n == 4 && strncmp(s, "text", n) == 0)
			media |= TEXT;
		else if (n == 5 && strncmp(s, "voice", n) == 0)
			media |= VOICE;
		else
			return 0;
	}
	return media;
}

static int
wants_voice(const struct cli *c)
{
	return cli_value(c, "i") != NULL || cli_value(c, "o") != NULL ||
	    cli_value(c, "stems") != NULL || cli_value(c, "n") != NULL ||
	    cli_value(c, "f") != NULL || cli_value(c, "r") != NULL ||
	    cli_flag(c, "mic") > 0 || cli_argc(c) > 1;
}

static int
wants_text(const struct cli *c)
{
	return cli_flag(c, "1") > 0 || cli_flag(c, "0") > 0 ||
	    cli_value(c, "to") != NULL;
}

/* What follows from the command line alone; 0: what the conference has. */
static int
media_asked(const struct cli *c)
{
	if (cli_value(c, "m") != NULL)
		return media_of(cli_value(c, "m"));
	if (wants_voice(c))
		return VOICE;
	if (wants_text(c) || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return TEXT;
	return 0;
}

static int
format_of(const char *s, struct voice_set *set)
{
	static const struct {
		const char *name;
		enum wav_kind kind;
	} formats[] = {
		{ "wav", WAV_RIFF },
		{ "au", WAV_AU },
		{ "raw", WAV_RAW },
		{ "s16", WAV_RAW },
	};
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i].name, s) == 0) {
			set->kind = formats[i].kind;
			set->raw = set->kind == WAV_RAW;
			return 0;
		}
	return SEC_ERR_FORMAT;
}

static int
read_number(const char *s, unsigned long long min, unsigned long long max,
    int *out)
{
	unsigned long long n;

	if (text_number(s, min, max, &n) != 0)
		return SEC_ERR_FORMAT;
	*out = (int)n;
	return 0;
}

static int
set_sound(struct cli *c, struct voice_set *set)
{
	const char *fmt = cli_value(c, "f"), *rate = cli_value(c, "r");
	const char *n = cli_value(c, "n");
	int others = 0;

	set->in = cli_value(c, "i");
	set->out = cli_value(c, "o");
	set->listen = cli_flag(c, "l") > 0;
	set->send = cli_flag(c, "s") > 0;
	set->stems = cli_value(c, "stems");
	set->mic = cli_flag(c, "mic") > 0;
	set->rate = RATE;
	set->kind = WAV_RAW;
	if (set->out != NULL && strcmp(set->out, "-") != 0 &&
	    wav_kind_of(set->out, &set->kind) != 0)
		set->kind = WAV_RIFF;
	if (fmt != NULL && format_of(fmt, set) != 0)
		return cli_usage(c, "-f %s: wav, au, raw or s16", fmt);
	if (rate != NULL && read_number(rate, 8000, 192000, &set->rate) != 0)
		return cli_usage(c, "-r %s: 8000 to 192000", rate);
	if (n != NULL && read_number(n, 0, 10000, &others) != 0)
		return cli_usage(c, "-n %s: not a number", n);
	set->others = (unsigned)others;
	if (set->listen && set->in != NULL)
		return cli_usage(c, "-l or -i, not both");
	if (set->send && set->out != NULL)
		return cli_usage(c, "-s or -o, not both");
	return 0;
}

/* 0 or an exit code. */
static int
check_receipts(struct cli *c, int media)
{
	if (cli_flag(c, "receipts") == 0)
		return 0;
	if (media == VOICE)
		return cli_usage(c, "--receipts is for text");
	if (cli_flag(c, "s") > 0)
		return cli_usage(c, "--receipts or -s, not both");
	return 0;
}

static int
set_up(struct cli *c, struct voice_set *set, int *media)
{
	const char *m = cli_value(c, "m"), *time = cli_value(c, "time");
	int r;

	if (m != NULL && media_of(m) == 0)
		return cli_usage(c, "-m %s: text, voice or both", m);
	if (cli_flag(c, "l") > 0 && cli_flag(c, "s") > 0)
		return cli_usage(c, "-l or -s, not both");
	if (cli_flag(c, "1") > 0 && cli_flag(c, "0") > 0)
		return cli_usage(c, "-1 or -0, not both");
	set->seconds = -1;
	if (time != NULL && (set->seconds = clock_parse_span(time)) < 0)
		return cli_usage(c, "-t %s: not a time", time);
	*media = media_asked(c);
	if (*media == VOICE && wants_text(c))
		return cli_usage(c, "-1, -0 and --to are for text");
	if ((*media & TEXT) != 0 && (*media & VOICE) == 0 && wants_voice(c))
		return cli_usage(c, "that is for voice, or one conference");
	if ((*media & TEXT) != 0 && cli_argc(c) > 1)
		return cli_usage(c, "text of one conference at a time");
	if ((r = check_receipts(c, *media)) != 0)
		return r;
	return set_sound(c, set);
}

static int
run_voice(struct cli *c, const struct voice_set *set)
{
	struct voice *v;
	int r;

	if ((r = voice_open(&v, c, set, cli_argv(c), cli_argc(c))) != 0)
		return r;
	r = voice_run(v);
	voice_close(v);
	return r;
}

static int
run(struct cli *c)
{
	struct voice_set set = { 0 };
	struct voice *v = NULL;
	struct talk *t;
	int media = 0, r;

	if (cli_flag(c, "soxfmt") > 0) {
		if ((r = set_sound(c, &set)) == 0)
			emit_line("-t s16 -r %d -c 1 -", set.rate);
		return r;
	}
	if (cli_argc(c) == 0)
		return cli_usage(c, "which conference?");
	if ((r = set_up(c, &set, &media)) != 0)
		return r;
	if (media == VOICE)
		return run_voice(c, &set);
	if ((r = text_open(&t, c, set.seconds)) != 0)
		return r;
	if (media == 0)
		media = (text_has(t, "text") ? TEXT : 0) |
		    (text_has(t, "voice") ? VOICE : 0);
	if ((r = check_receipts(c, media)) != 0)
		;
	else if (media == VOICE)
		r = run_voice(c, &set);
	else {
		set.notice = text_notice;
		set.arg = t;
		if ((media & VOICE) != 0)
			r = voice_open(&v, c, &set, cli_argv(c), cli_argc(c));
		if (r == 0)
			r = text_run(t, v);
	}
	text_close(t);
	return r;
}

#include "sec-talk.def"

int
main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
