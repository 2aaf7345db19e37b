// SPDX-License-Identifier: GPL-2.0-only
/* A command line: one argument a line. */
#include "fuzz_options.h"

#define ARGUMENTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *rest = text, *argument;
	char *argv[ARGUMENTS_MAX + 2] = { "fuzz" };
	struct config config = { 0 };
	struct error error = { "" };
	int argc = 1, operand = -1;

	while (argc <= ARGUMENTS_MAX && (argument = strsep(&rest, "\n")))
		argv[argc++] = argument;
	if (options_parse(&command, &config, argc, argv, &operand, &error))
		FUZZ_ASSERT(strlen(error.text) > 0);
	else
		FUZZ_ASSERT(operand >= 1 && operand <= argc);
	check_config(&config);
	free(text);
	return 0;
}
