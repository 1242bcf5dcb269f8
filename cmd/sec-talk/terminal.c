/* The terminal, put in order whatever happens. */
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static struct termios before;
static int held, registered;

static void
put_back(void)
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
		registered = atexit(put_back) == 0;
}

void
terminal_release(void)
{
	held = 0;
}
