#ifndef WIRE_SERVERS_H
#define WIRE_SERVERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The file `servers` (SECURITY.md 3.2), one line per server:
 *   number name role host:port base64-X25519-public
 * `#` comments. The first line is server 1, the controller.
 */
#define SERVERS_MAX 255

struct server {
	uint8_t	number;
	char	name[65];
	char	role[17];              /* confctl pal mtcu mcu gw share web */
	char	addr[256];             /* host:port as written */
	uint8_t	pub[32];
	unsigned line;                 /* of the file, 0: of none */
};

struct servers {
	size_t		n;
	struct server	server[SERVERS_MAX];   /* ordered by number */
};

/* Parse; on SEC_ERR_FORMAT why says line and reason. */
int	servers_parse(struct servers *s, const char *text, size_t n,
	    char *why, size_t whylen);
/* Read path_servers() or path; SEC_ERR_NOTHING if there is none. */
int	servers_read(struct servers *s, const char *path, char *why,
	    size_t whylen);
/* One line without LF, as `sec-keygen init` prints it; number 0: "-". */
void	servers_put_line(struct buf *out, const struct server *s);
/* A single line; number may be "-" (0). */
int	servers_parse_line(struct server *s, const char *line, size_t n,
	    char *why, size_t whylen);
/* Canonical text: ordered by number, one space, LF, no comments. */
void	servers_canonical(const struct servers *s, struct buf *out);
const struct server *servers_by_name(const struct servers *s,
	    const char *name);
const struct server *servers_by_number(const struct servers *s, int number);
/* The i-th server of a role (0..), or NULL. */
const struct server *servers_by_role(const struct servers *s,
	    const char *role, size_t i);

#endif
