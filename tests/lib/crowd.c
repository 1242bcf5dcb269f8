/*
 * crowd ADDRESS N: N users log in at the same moment at the sec-pal of the
 * lab, whose environment this has. "in N" on stdout when all have their PALs;
 * at the end of stdin all log out at the same moment, then "out N".
 */
#include <sys/resource.h>

#include <signal.h>
#include <unistd.h>

#include "base/addr.h"

#include "crowd.h"

static void
wait_for_end_of_stdin(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
}

int
main(int argc, char **argv)
{
	struct rlimit nofile;
	struct crowd w;
	struct addr pal;
	size_t i;

	log_open("crowd", LOG_L_ERROR);
	if (argc != 3 || addr_parse(&pal, argv[1]) != 0)
		die(2, "usage: crowd ADDRESS N");
	(void)getrlimit(RLIMIT_NOFILE, &nofile);
	nofile.rlim_cur = nofile.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &nofile);
	signal(SIGPIPE, SIG_IGN);
	crypto_init();
	crowd_open(&w, &pal, strtoul(argv[2], NULL, 10));
	for (i = 0; i < w.n; i++)
		client_make(&w.client[i], &w, i);
	for (i = 0; i < w.n; i++)
		client_login(&w.client[i]);
	crowd_entered(&w);
	printf("in %zu\n", w.n);
	fflush(stdout);
	wait_for_end_of_stdin();
	for (i = 0; i < w.n; i++)
		client_logout(&w.client[i]);
	crowd_registered(&w);
	printf("out %zu\n", w.n);
	crowd_close(&w);
	return 0;
}
