#ifndef SEC_TALK_PORT_H
#define SEC_TALK_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* The one UDP socket of a voice device, for IPv4 and IPv6. */
struct port {
	int	fd;                    /* -1: not open */
	int	six;                   /* its addresses are IPv6 */
};

/* at: its address, of any interface. 0 or SEC_ERR_SYS. */
int	port_open(struct port *p, char at[ADDR_STRLEN]);
void	port_close(struct port *p);
/* What does not go out now is lost, as on any other hop. */
void	port_send(const struct port *p, const struct addr *to,
	    const uint8_t *d, size_t n);
/* The next datagram, its length, 0: none. *came: when the kernel had it, in
 * mono us, since what waited for us has no jitter of the network. */
size_t	port_receive(const struct port *p, uint8_t *d, size_t size,
	    int64_t *came);

#endif
