/*
 * sec-crypt: the encryption of conferences (Fig. 9) as a filter.
 */
#include <sys/resource.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "wire/base64.h"
#include "wire/ids.h"

#include "stream.h"
#include "vector.h"

#define KEY_SIZE     32
#define KEY_FILE_MAX 1024

enum { OPT_KEY = 1, OPT_CLIENT, OPT_SUITE, OPT_COUNTER, OPT_FIG9 };

static const struct option options[] = {
	{ "key", required_argument, NULL, OPT_KEY },
	{ "client", required_argument, NULL, OPT_CLIENT },
	{ "suite", required_argument, NULL, OPT_SUITE },
	{ "counter", required_argument, NULL, OPT_COUNTER },
	{ "insecure-fig9", no_argument, NULL, OPT_FIG9 },
	{ "time", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
    "usage: sec-crypt seal|open --key FILE --client N [--suite NAME] "
    "[--counter N] [-t TIME]\n"
    "       sec-crypt vector [SUITE], sec-crypt -h for help\n";

static const char help[] =
    "  head -c 32 /dev/urandom >k; chmod 600 k\n"
    "  sec-crypt seal --key k --client 1.7 <a.wav | nc bob 4000\n"
    "  nc -l 4000 | sec-crypt open --key k --client 1.7 >a.wav\n"
    "  sec-crypt vector fig9-des\n"
    "\n"
    "Seal or open standard input as client N of a conference would;\n"
    "vector: print the steps of Fig. 9 with known inputs.\n"
    "\n"
    "  --key FILE     32 bytes, or base64 of them\n"
    "  --client N     q of the sender: 263 or 1.7\n"
    "  --suite NAME   name or number of the suite; seal: 0x0006\n"
    "  --counter N    counter of the first chunk; seal: 0\n"
    "  -t --time TIME how old a chunk may be (2m)\n"
    "  --insecure-fig9  allow the fig9- suites, which leak\n"
    "  -h --help      this\n"
    "  -V --version   version\n"
    "\n"
    "suites:\n";

static int
usage_error(const char *why, const char *what)
{
	fprintf(stderr, "sec-crypt: %s%s\n%s", why, what, usage);
	return 2;
}

static int
no_suite(const char *name)
{
	fprintf(stderr,
	    "sec-crypt: no suite %.40s here; sec-crypt -h has the list\n",
	    name);
	return sec_err_exit(SEC_ERR_VERSION);
}

static int
print_help(void)
{
	const struct fig9_suite *f;
	const struct suite *s;

	fputs(help, stdout);
	for (s = suite_next(NULL); s != NULL; s = suite_next(s))
		printf("  0x%04x  %s\n", s->id, s->name);
	for (f = fig9_suite_next(NULL); f != NULL; f = fig9_suite_next(f))
		printf("  0x%04x  %s\n", f->id, f->name);
	return fflush(stdout) == 0 ? 0 : 10;
}

/* The key of a file that is 32 bytes or one line of base64. */
static int
read_key(const char *path, struct secret **key)
{
	uint8_t raw[KEY_SIZE];
	char *text;
	size_t n, len;
	int r;

	if ((r = proc_read_file(path, KEY_FILE_MAX, &text, &n)) != 0)
		return r;
	r = 0;
	if (n == KEY_SIZE) {
		memcpy(raw, text, KEY_SIZE);
	} else {
		for (len = n; len > 0 && isspace((unsigned char)text[len - 1]);)
			text[--len] = '\0';
		r = base64_exact(raw, KEY_SIZE, text);
	}
	if (r == 0)
		*key = secret_copy(raw, KEY_SIZE);
	explicit_bzero(raw, sizeof raw);
	explicit_bzero(text, n);
	free(text);
	return r;
}

static int
parse_client(const char *s, uint32_t *q)
{
	unsigned long long v;

	if (q_parse(q, s) == 0)
		return 0;
	if (text_number(s, 0, UINT32_MAX, &v) != 0)
		return SEC_ERR_FORMAT;
	*q = (uint32_t)v;
	return 0;
}

static int
run(const char *verb, struct crypt *c, const char *path)
{
	struct secret *key = NULL;
	int r, err;

	crypto_init();
	if ((r = read_key(path, &key)) != 0) {
		fprintf(stderr, "sec-crypt: %s: %s\n", path,
		    r == SEC_ERR_SYS	     ? strerror(errno) :
			r == SEC_ERR_NOTHING ? "no such file" :
					       "not a key of 32 bytes");
		/* Too long a file is no key either. */
		return sec_err_exit(r == SEC_ERR_LIMIT ? SEC_ERR_DATA : r);
	}
	c->key = key;
	r = strcmp(verb, "seal") == 0 ? crypt_seal(c, 0, 1) :
					crypt_open(c, 0, 1);
	err = errno;
	secret_free(key);
	if (r == SEC_ERR_SYS)
		fprintf(stderr, "sec-crypt: %s: %s\n", c->why, strerror(err));
	else if (r != 0)
		fprintf(stderr, "sec-crypt: %s refused: %s\n", verb, c->why);
	return sec_err_exit(r);
}

int
main(int argc, char **argv)
{
	const struct rlimit none = { 0, 0 };
	struct crypt c = { .age = SEAL_SKEW };
	const char *path = NULL, *client = NULL;
	unsigned long long v;
	int64_t span;
	int ch;

	setrlimit(RLIMIT_CORE, &none);
	while ((ch = getopt_long(argc, argv, "t:hV", options, NULL)) != -1) {
		switch (ch) {
		case OPT_KEY: path = optarg; break;
		case OPT_CLIENT:
			client = optarg;
			if (parse_client(client, &c.q) != 0)
				return usage_error("no client: ", client);
			break;
		case OPT_SUITE:
			c.suite = suite_by_name(optarg);
			c.fig9 = fig9_suite_by_name(optarg);
			if (c.suite != NULL || c.fig9 != NULL)
				break;
			return no_suite(optarg);
		case OPT_COUNTER:
			if (text_number(optarg, 0, ((uint64_t)1 << 48) - 1,
				&v) != 0)
				return usage_error("no counter: ", optarg);
			c.counter = v;
			c.counter_given = 1;
			break;
		case OPT_FIG9: c.insecure = 1; break;
		case 't':
			if ((span = clock_parse_span(optarg)) < 0)
				return usage_error("no time: ", optarg);
			c.age = span * 1000;
			break;
		case 'h': return print_help();
		case 'V':
			printf("sec-crypt %s (protocol 1, schema 1)\n",
			    SEC_VERSION);
			return 0;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (optind < argc && strcmp(argv[optind], "vector") == 0) {
		if (argc - optind > 2)
			return usage_error("one suite: ", argv[optind + 2]);
		crypto_init();
		if (vector_print(argv[optind + 1]) != 0)
			return no_suite(argv[optind + 1]);
		return fflush(stdout) == 0 ? 0 : 10;
	}
	if (argc - optind != 1)
		return usage_error("seal or open?", "");
	if (strcmp(argv[optind], "seal") != 0 &&
	    strcmp(argv[optind], "open") != 0)
		return usage_error("no such verb: ", argv[optind]);
	if (path == NULL || client == NULL)
		return usage_error("--key and --client are needed", "");
	if (c.fig9 != NULL && !c.insecure)
		return usage_error("Fig. 9 leaks what it seals; "
				   "--insecure-fig9 allows ",
		    c.fig9->name);
	if (c.insecure)
		fputs("sec-crypt: INSECURE: Fig. 9 pads leak what they seal "
		      "(sec-protocol(7))\n",
		    stderr);
	if (c.suite == NULL && c.fig9 == NULL &&
	    strcmp(argv[optind], "seal") == 0)
		c.suite = suite_by_id(SUITE_AES256_CTR_HMAC_SHA512_80);
	return run(argv[optind], &c, path);
}
