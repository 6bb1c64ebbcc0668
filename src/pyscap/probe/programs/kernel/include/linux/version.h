/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The oldest kernel the program is written for; newer abilities are asked for one by one. */
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define LINUX_VERSION_CODE KERNEL_VERSION(5, 8, 0)
