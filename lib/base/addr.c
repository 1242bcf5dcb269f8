/* Socket addresses as text, and what the daemons ask about them. */

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#include "base/addr.h"

#define HOST_MAX 256

static struct sockaddr_in *
in4(struct addr *a)
{
	return (struct sockaddr_in *)(void *)&a->ss;
}

static struct sockaddr_in6 *
in6(struct addr *a)
{
	return (struct sockaddr_in6 *)(void *)&a->ss;
}

static const struct sockaddr_in *
cin4(const struct addr *a)
{
	return (const struct sockaddr_in *)(const void *)&a->ss;
}

static const struct sockaddr_in6 *
cin6(const struct addr *a)
{
	return (const struct sockaddr_in6 *)(const void *)&a->ss;
}

/*
 * "HOST:PORT" or "[HOST]:PORT" into host (HOST_MAX bytes); *bracket tells
 * which. Without brackets HOST holds no colon.
 */
static int
split(const char *s, char *host, int *bracket, int *port)
{
	const char *colon = strrchr(s, ':');
	unsigned long long v;
	size_t n;

	if (colon == NULL || text_number(colon + 1, 0, 65535, &v) != 0)
		return SEC_ERR_FORMAT;
	n = (size_t)(colon - s);
	*bracket = *s == '[';
	if (*bracket) {
		if (n < 3 || s[n - 1] != ']')
			return SEC_ERR_FORMAT;
		s++;
		n -= 2;
	}
	if (n == 0 || n >= HOST_MAX || (!*bracket && memchr(s, ':', n) != NULL))
		return SEC_ERR_FORMAT;
	memcpy(host, s, n);
	host[n] = '\0';
	*port = (int)v;
	return 0;
}

static int
parse_numeric(struct addr *a, const char *host, int bracket, int port)
{
	struct addr t;

	memset(&t, 0, sizeof(t));
	if (bracket) {
		if (inet_pton(AF_INET6, host, &in6(&t)->sin6_addr) != 1)
			return SEC_ERR_FORMAT;
		t.ss.ss_family = AF_INET6;
		t.len = sizeof(struct sockaddr_in6);
	} else {
		if (inet_pton(AF_INET, host, &in4(&t)->sin_addr) != 1)
			return SEC_ERR_FORMAT;
		t.ss.ss_family = AF_INET;
		t.len = sizeof(struct sockaddr_in);
	}
	addr_set_port(&t, port);
	*a = t;
	return 0;
}

int
addr_parse(struct addr *a, const char *s)
{
	char host[HOST_MAX];
	int bracket, port, r;

	if ((r = split(s, host, &bracket, &port)) != 0)
		return r;
	return parse_numeric(a, host, bracket, port);
}

int
addr_resolve(struct addr *a, const char *s)
{
	struct addrinfo hints, *list, *ai, *best;
	char host[HOST_MAX];
	int bracket, port, r;

	if ((r = split(s, host, &bracket, &port)) != 0)
		return r;
	if (parse_numeric(a, host, bracket, port) == 0)
		return 0;
	if (bracket)
		return SEC_ERR_FORMAT;
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return SEC_ERR_UNREACHABLE;
	/* "localhost" is both, and our daemons listen on 127.0.0.1. */
	best = list;
	if (list->ai_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(
		&((struct sockaddr_in6 *)(void *)list->ai_addr)->sin6_addr))
		for (ai = list; ai != NULL; ai = ai->ai_next)
			if (ai->ai_family == AF_INET) {
				best = ai;
				break;
			}
	memset(a, 0, sizeof(*a));
	memcpy(&a->ss, best->ai_addr, best->ai_addrlen);
	a->len = best->ai_addrlen;
	addr_set_port(a, port);
	freeaddrinfo(list);
	return 0;
}

char *
addr_format_host(const struct addr *a, char *out)
{
	const char *r = NULL;

	if (a->ss.ss_family == AF_INET)
		r = inet_ntop(AF_INET, &cin4(a)->sin_addr, out, ADDR_STRLEN);
	else if (a->ss.ss_family == AF_INET6)
		r = inet_ntop(AF_INET6, &cin6(a)->sin6_addr, out, ADDR_STRLEN);
	if (r == NULL)
		text_copy(out, "-", ADDR_STRLEN);
	return out;
}

char *
addr_format(const struct addr *a, char *out)
{
	char host[ADDR_STRLEN];

	addr_format_host(a, host);
	if (a->ss.ss_family == AF_INET6)
		snprintf(out, ADDR_STRLEN, "[%.45s]:%d", host, addr_port(a));
	else if (a->ss.ss_family == AF_INET)
		snprintf(out, ADDR_STRLEN, "%.15s:%d", host, addr_port(a));
	else
		text_copy(out, host, ADDR_STRLEN);
	return out;
}

int
addr_port(const struct addr *a)
{
	if (a->ss.ss_family == AF_INET)
		return ntohs(cin4(a)->sin_port);
	if (a->ss.ss_family == AF_INET6)
		return ntohs(cin6(a)->sin6_port);
	return 0;
}

void
addr_set_port(struct addr *a, int port)
{
	if (a->ss.ss_family == AF_INET)
		in4(a)->sin_port = htons((uint16_t)port);
	else if (a->ss.ss_family == AF_INET6)
		in6(a)->sin6_port = htons((uint16_t)port);
}

/* The four bytes of an IPv4 address, also of ::ffff:a.b.c.d; else NULL. */
static const unsigned char *
four(const struct addr *a)
{
	const unsigned char *p;

	if (a->ss.ss_family == AF_INET)
		return (const unsigned char *)&cin4(a)->sin_addr;
	if (a->ss.ss_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&cin6(a)->sin6_addr))
		return NULL;
	p = cin6(a)->sin6_addr.s6_addr;
	return p + 12;
}

int
addr_is_loopback(const struct addr *a)
{
	const unsigned char *p = four(a);

	if (p != NULL)
		return p[0] == 127;
	return a->ss.ss_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&cin6(a)->sin6_addr);
}

int
addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->ss.ss_family != b->ss.ss_family || addr_port(a) != addr_port(b))
		return 0;
	if (a->ss.ss_family == AF_INET)
		return cin4(a)->sin_addr.s_addr == cin4(b)->sin_addr.s_addr;
	if (a->ss.ss_family == AF_INET6)
		return memcmp(&cin6(a)->sin6_addr, &cin6(b)->sin6_addr,
			   sizeof(struct in6_addr)) == 0 &&
		    cin6(a)->sin6_scope_id == cin6(b)->sin6_scope_id;
	return a->len == b->len && memcmp(&a->ss, &b->ss, a->len) == 0;
}

size_t
addr_limit_key(const struct addr *a, unsigned char out[8])
{
	const unsigned char *p = four(a);

	if (p != NULL) {
		memcpy(out, p, 4);
		return 4;
	}
	memset(out, 0, 8);
	if (a->ss.ss_family == AF_INET6)
		memcpy(out, &cin6(a)->sin6_addr, 8);
	return 8;
}
