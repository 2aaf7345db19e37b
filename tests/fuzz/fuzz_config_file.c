// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz_options.h"

#include "cmd/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_file *file = NULL;
	struct config config = { 0 };
	struct error error = { "" };

	if (config_file_read(&file, fuzz_file(data, size), &command, &config, &error))
		FUZZ_ASSERT(!file && strlen(error.text) > 0);
	else
		FUZZ_ASSERT(file);
	check_config(&config);
	config_file_free(file);
	return 0;
}
