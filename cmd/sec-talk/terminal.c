/* The terminal, put in order whatever happens. */
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static struct termios before;
static volatile sig_atomic_t held;
static int registered;

void
terminal_put_back(void)
{
	if (held)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void
terminal_hold(void)
{
	if (held || tcgetattr(STDIN_FILENO, &before) != 0)
		return;
	held = 1;
	if (!registered)
		registered = atexit(terminal_put_back) == 0;
}

void
terminal_release(void)
{
	held = 0;
}
