// SPDX-License-Identifier: GPL-2.0-only
/* A program with 4,096 addresses in as many pages, which the dynamic linker fills in each time that it
 * starts: each is a copy by a first write, and it does little else. */
#define PAGES 4096

static const struct {
	const volatile void *address;
	char rest[4096 - sizeof(void *)];
} table[PAGES] = { [0 ... PAGES - 1] = { .address = &table } };

int main(void)
{
	return !*(const void *const volatile *)&table[PAGES - 1].address;
}
