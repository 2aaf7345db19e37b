// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include "serve/web_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct web_config *config = NULL;
	struct error error = { "" };

	if (web_config_load(&config, fuzz_file(data, size), &error)) {
		FUZZ_ASSERT(!config && strlen(error.text) > 0 && !strchr(error.text, '\n'));
		return 0;
	}
	FUZZ_ASSERT(config);
	FUZZ_ASSERT(!config->tls.certificate == !config->tls.key);
	for (size_t i = 0; i < config->n_users; i++)
		FUZZ_ASSERT(strlen(config->users[i].hash) == 60);
	web_config_free(config);
	return 0;
}
