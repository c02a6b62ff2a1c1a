/* cell_panels_impl.h - the panels of weights that the loops of cell_loops_impl.h read; included there only. */
static ptrdiff_t panels(ptrdiff_t H, ptrdiff_t vectors) {
  return (lk_padded(H) + vectors * LK_VL - 1) / (vectors * LK_VL);
}

static ptrdiff_t packed_size(ptrdiff_t H, int bf16) {
  return panels(H, CELL_UNITS) * CELL_WIDTH * LK_VL * lk_terms(bf16, H);
}

static ptrdiff_t transposed_size(ptrdiff_t H, int bf16) {
  return panels(H, BACK_WIDTH) * BACK_WIDTH * LK_VL * CELL_GATES * lk_terms(bf16, lk_padded(H));
}

static ptrdiff_t units_left(ptrdiff_t H, ptrdiff_t u) { return u >= H ? 0 : H - u < LK_VL ? H - u : LK_VL; }

/* Layout: [panel][k < H][unit vector][gate][VL] */
static void pack(lk_real *to, ptrdiff_t H, int bf16, const lk_real *w, lk_part part) {
  const lk_range vectors = lk_part_of(part, panels(H, CELL_UNITS) * CELL_UNITS, 1);
  for (ptrdiff_t v = vectors.begin; v < vectors.end; v++)
    for (ptrdiff_t g = 0; g < CELL_GATES; g++) {
      const ptrdiff_t p = v / CELL_UNITS, j = v % CELL_UNITS, u = v * LK_VL, lanes = units_left(H, u);
      lk_pack_strip(bf16, to + p * CELL_WIDTH * LK_VL * lk_terms(bf16, H) + (j * CELL_GATES + g) * LK_VL,
                    CELL_WIDTH * LK_VL, H, lanes, lanes > 0 ? w + (g * H + u) * H : w, H, 1);
    }
}

/* Layout: [panel][k = g Hp + unit][unit vector][VL], zeros where k is padding */
static void transpose(lk_real *to, ptrdiff_t H, int bf16, const lk_real *w, lk_part part) {
  const ptrdiff_t Kp = lk_terms(bf16, lk_padded(H)), K = CELL_GATES * Kp, width = BACK_WIDTH * LK_VL;
  const lk_range units = lk_part_of(part, H, LK_VL);
  for (ptrdiff_t u = units.begin; u < units.end; u += LK_VL)
    for (ptrdiff_t g = 0; g < CELL_GATES; g++) {
      lk_real *strip = to + u / width * width * K + u % width + g * Kp * width;
      lk_pack_strip(bf16, strip, width, H, units_left(H, u), w + g * H * H + u, 1, H);
      for (ptrdiff_t k = lk_terms(bf16, H); k < Kp; k++)
        lk_store(strip + k * width, bf16 ? lk_bf16_nothing() : lk_zero());
    }
}
