/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The smallest page; only the unused template of the rings is measured with it. */
#define PAGE_SIZE 4096
