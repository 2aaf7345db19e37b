// SPDX-License-Identifier: GPL-2.0-only
/* A program of 4 MiB of addresses, which the dynamic linker fills in each time that it starts: 1,024
 * pages, most of which are copied by a first write. */
#define ADDRESSES (1 << 19)

static const volatile void *const table[ADDRESSES] = { [0 ... ADDRESSES - 1] = &table };

int main(void)
{
	return !*(const void *const volatile *)&table[ADDRESSES - 1];
}
