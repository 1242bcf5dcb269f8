/*
 * The log of nonces of sanitizer builds; see scripts/check-nonces.
 */
#include "crypto/noncelog.h"

#ifdef SEC_NONCE_LOG
#include <sys/resource.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/digest.h"

static char *
hex(char *to, const uint8_t *p, size_t n, char end)
{
	size_t i;

	for (i = 0; i < n; i++)
		to += snprintf(to, 3, "%02x", p[i]);
	*to++ = end;
	return to;
}

/* A process whose files may not grow long, since a test fills its disk, has a
 * log of its own. */
static int
log_name(const char *file, char *name, size_t n)
{
	struct rlimit r;
	int len;

	if (getrlimit(RLIMIT_FSIZE, &r) != 0 || r.rlim_cur == RLIM_INFINITY)
		len = snprintf(name, n, "%s", file);
	else
		len = snprintf(name, n, "%s.%ld", file, (long)getpid());
	return len > 0 && (size_t)len < n ? 0 : -1;
}

void
noncelog_add(const uint8_t keyhash[8], const uint8_t nonce[12], const void *out,
    size_t n)
{
	char line[2 * (8 + 12 + 8) + 4], *p;
	uint8_t hash[SHA256_SIZE];
	char name[1024];
	const char *file;
	int fd;

	if ((file = getenv("SEC_NONCE_LOG")) == NULL || *file == '\0')
		return;
	sha256(out, n, hash);
	p = hex(line, keyhash, 8, ' ');
	p = hex(p, nonce, 12, ' ');
	p = hex(p, hash, 8, '\n');
	/*
	 * Opened each time: a program may close all descriptors at any
	 * moment, and a kept one could then be somebody's connection.
	 */
	if (log_name(file, name, sizeof name) != 0 ||
	    (fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		 0666)) == -1 ||
	    write(fd, line, (size_t)(p - line)) != p - line)
		die(10, "%s: cannot log a nonce: %m", file);
	close(fd);
}
#endif
