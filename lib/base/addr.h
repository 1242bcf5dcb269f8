#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* An IPv4 or IPv6 socket address. */
struct addr {
	struct sockaddr_storage	ss;
	socklen_t		len;
};

#define ADDR_STRLEN 64

/* "127.0.0.1:7320", "[::1]:7320"; numeric only. 0 or SEC_ERR_FORMAT. */
int	addr_parse(struct addr *a, const char *s);
/* The same with names, by getaddrinfo(3): blocks; start-up and clients
 * only. 0, SEC_ERR_FORMAT or SEC_ERR_UNREACHABLE. */
int	addr_resolve(struct addr *a, const char *s);
/* "host:port" into out (ADDR_STRLEN bytes); returns out. */
char	*addr_format(const struct addr *a, char *out);
/* Host part only. */
char	*addr_format_host(const struct addr *a, char *out);
int	addr_port(const struct addr *a);
void	addr_set_port(struct addr *a, int port);
int	addr_is_loopback(const struct addr *a);
int	addr_equal(const struct addr *a, const struct addr *b);
/* Key for per-address limits: IPv4 address, or /64 of IPv6, into out (8
 * bytes); returns its length. */
size_t	addr_limit_key(const struct addr *a, unsigned char out[8]);

#endif
