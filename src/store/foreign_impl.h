/* foreign_impl.h - what goes through the pipe between the child that reads a stranger's frames and its parent.
 *
 * Packets: kind, bytes that follow, and those. HEAD first, then OFFSETS until there are rows+1, LABELS until there are
 * rows, FRAMES until there are n x D, END. FAIL instead of any of them is the last. Both ends are the same program. */
#pragma once
#include <stdint.h>

#define LK_FOREIGN_PACKET ((size_t)1 << 20) /* most bytes of one */
#define LK_FOREIGN_LABEL  65536             /* most bytes of a label */

enum { LK_PACKET_HEAD = 1, LK_PACKET_OFFSETS, LK_PACKET_LABELS, LK_PACKET_FRAMES, LK_PACKET_END, LK_PACKET_FAIL };

typedef struct lk_packet {
  uint32_t kind, size;
} lk_packet;

typedef struct lk_foreign_head {
  int64_t rows, width, frames;
} lk_foreign_head;
