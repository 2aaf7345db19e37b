/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that takes a known number of faults in each of its segments and nowhere else: 8 to execute,
 * 8 to read constants, 20 to write variables, 30 to write zeroes. Without the C library, whose start
 * would fault too. 64 KiB is what one fault on a file maps around itself.
 */
#define WINDOW 65536
#define PAGE 4096

	.section .rodata
	.balign WINDOW
constants:
	.fill 8 * WINDOW, 1, 1

	.data
	.balign PAGE
variables:
	.fill 20 * PAGE, 1, 1

	.bss
	.balign PAGE
zeroes:
	.skip 30 * PAGE

	.text
	.balign WINDOW
	.globl _start
_start:
	jmp 1f
	.balign WINDOW
	.rept 6
1:	jmp 1f
	.balign WINDOW
	.endr
1:	mov $constants, %ebx
	mov $8, %ecx
2:	mov (%rbx), %al
	add $WINDOW, %rbx
	loop 2b
	mov $variables, %ebx
	mov $20, %ecx
2:	movb $1, (%rbx)
	add $PAGE, %rbx
	loop 2b
	mov $zeroes, %ebx
	mov $30, %ecx
2:	movb $1, (%rbx)
	add $PAGE, %rbx
	loop 2b
	mov $60, %eax			/* exit(0) */
	xor %edi, %edi
	syscall

	.section .note.GNU-stack, "", @progbits
