#ifndef SEC_CRYPT_VECTOR_H
#define SEC_CRYPT_VECTOR_H

/*
 * Fig. 9 step by step, on stdout, with the inputs of sec-protocol(7): a
 * suite of its own to the letter, any other as SFrame does the same steps.
 * NULL: the default suite. 0 or SEC_ERR_NOTHING.
 */
int	vector_print(const char *suite);

#endif
