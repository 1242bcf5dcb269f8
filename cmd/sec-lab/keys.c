/*
 * Server keys of the lab, by sec-keygen as on any other machine.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/spawn.h"
#include "base/text.h"

#include "lab.h"

static int
keygen(const char *const argv[], const void *input, size_t n, struct buf *out)
{
	struct buf err = BUF_INIT;
	int code = spawn_run(argv, input, n, out, &err);

	if (code != 0)
		complain(0, "sec-keygen %s failed (%d): %s", argv[1], code,
		    buf_cstr(&err));
	buf_free(&err);
	return code == 0 ? 0 : code == 127 ? SEC_ERR_SYS : SEC_ERR_DATA;
}

/* Each `up` begins with a fresh joint key: all servers start together, and
 * one that was left from last week would be over. */
static void
forget_epochs(const struct lab *l, const char *name)
{
	const char *dir = lab_path(l, "lib/keys/%s", name);
	struct dirent *e;
	DIR *d = opendir(dir);

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "epoch.", 6) == 0 ||
		    strncmp(e->d_name, "dealer.", 7) == 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

int
keys_make(const struct lab *l)
{
	const char *prog = lab_program("sec-keygen");
	struct buf line = BUF_INIT, out = BUF_INIT;
	char addr[32], number[12];
	int i, r = 0;

	(void)unlink(lab_path(l, "etc/servers"));
	for (i = 0; i < LAB_DAEMONS && r == 0; i++) {
		const struct lab_daemon *d = &lab_daemons[i];
		const char *init[] = { prog, "init", d->name, d->role, addr,
			number, NULL };
		const char *add[] = { prog, "add", NULL };

		forget_epochs(l, d->name);
		snprintf(addr, sizeof(addr), "%s:%d", l->address, d->port);
		snprintf(number, sizeof(number), "%d", i + 1);
		if ((r = keygen(init, NULL, 0, &line)) == 0)
			r = keygen(add, buf_data(&line), buf_len(&line), &out);
		buf_free(&line);
		buf_free(&out);
	}
	return r;
}

int
keys_lead(const struct lab *l, char *id, size_t n)
{
	static const char words[] = "joint key ";
	const char *argv[] = { lab_program("sec-keygen"), "lead", NULL };
	struct buf out = BUF_INIT;
	const char *p;
	int r;

	(void)l;
	if ((r = keygen(argv, NULL, 0, &out)) == 0) {
		p = strstr(buf_cstr(&out), words);
		if (p == NULL)
			r = complain(SEC_ERR_DATA, "sec-keygen lead said: %s",
			    buf_cstr(&out));
		else {
			p += strlen(words);
			text_copy(id, p, n);
			id[strcspn(id, " \n")] = '\0';
		}
	}
	buf_free(&out);
	return r;
}
