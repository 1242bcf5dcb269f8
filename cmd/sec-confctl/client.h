#ifndef SEC_CONFCTL_CLIENT_H
#define SEC_CONFCTL_CLIENT_H

/* The client half: verbs that the user's agent carries out. */
int	client_main(int argc, char **argv);

#endif
