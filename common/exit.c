#include "exit.h"

#include <stddef.h>

const char *exit_name(int code)
{
	switch (code) {
#define CODE(number, name, meaning)                                                                                    \
	case number:                                                                                                   \
		return #name;
	EXIT_TABLE(CODE)
#undef CODE
	}
	return NULL;
}

const char *exit_meaning(int code)
{
	switch (code) {
#define CODE(number, name, meaning)                                                                                    \
	case number:                                                                                                   \
		return meaning;
	EXIT_TABLE(CODE)
#undef CODE
	}
	return NULL;
}
