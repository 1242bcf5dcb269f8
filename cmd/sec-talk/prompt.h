#ifndef SEC_TALK_PROMPT_H
#define SEC_TALK_PROMPT_H

/*
 * The line being typed, at the bottom of a terminal (libedit). Messages are
 * printed above it; what is half typed comes back below them.
 */
struct prompt;

/* NULL: this terminal cannot. line is called for each line typed, without
 * its LF; pasted lines are lines typed. */
struct prompt *prompt_open(void (*line)(void *arg, const char *s), void *arg);
/* A space that is typed alone into an empty line calls this instead. */
void	prompt_on_space(struct prompt *p, void (*space)(void *arg));
/* The terminal is as it was before. NULL is allowed. */
void	prompt_close(struct prompt *p);
/* stdin is readable: 0, or 1 at its end (ctrl-d, hang-up). */
int	prompt_input(struct prompt *p);
/* Print whole lines above. */
void	prompt_print(struct prompt *p, const char *text);
void	prompt_resize(struct prompt *p);
/* Before the process is stopped, and after it goes on: the terminal is the
 * shell's between the two. */
void	prompt_suspend(struct prompt *p);
void	prompt_resume(struct prompt *p);

#endif
