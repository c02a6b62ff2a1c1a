/* foreign_impl.h - the protocol on the pipe between the child that reads frames from a foreign file and its parent.
 *
 * A packet is its kind, its size and so many bytes. HEAD comes first, then OFFSETS with rows+1 numbers in all, LABELS
 * with rows labels, FRAMES with n x D numbers, END. Instead of any of them FAIL may come, as the last one. Both ends
 * are the same program. */
#pragma once
#include <stdint.h>

#define LK_FOREIGN_PACKET ((size_t)1 << 20) /* most bytes of a packet */
#define LK_FOREIGN_LABEL  65536             /* most bytes of a label */

enum { LK_PACKET_HEAD = 1, LK_PACKET_OFFSETS, LK_PACKET_LABELS, LK_PACKET_FRAMES, LK_PACKET_END, LK_PACKET_FAIL };

typedef struct lk_packet {
  uint32_t kind, size;
} lk_packet;

typedef struct lk_foreign_head {
  int64_t rows, width, frames;
} lk_foreign_head;
