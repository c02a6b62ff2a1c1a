/* isa_impl.h - the kernels of one instruction set, listed in table.c. */
#pragma once
#include "kernels.h"
#include "tile.h"
#include "vector_math.h"

#define packed_size_isa      LK_ISA_NAME(lk_packed_size)
#define pack_isa             LK_ISA_NAME(lk_pack_weights)
#define view_size_isa        LK_ISA_NAME(lk_view_size)
#define view_isa             LK_ISA_NAME(lk_view_weights)
#define product_isa          LK_ISA_NAME(lk_product)
#define outer_isa            LK_ISA_NAME(lk_outer)
#define packed_size_bf16_isa LK_ISA_NAME(lk_packed_size_bf16)
#define pack_bf16_isa        LK_ISA_NAME(lk_pack_weights_bf16)
#define view_bf16_isa        LK_ISA_NAME(lk_view_weights_bf16)
#define product_bf16_isa     LK_ISA_NAME(lk_product_bf16)
#define outer_bf16_isa       LK_ISA_NAME(lk_outer_bf16)
#define packed_size_amx_isa  LK_ISA_NAME(lk_packed_size_amx)
#define pack_amx_isa         LK_ISA_NAME(lk_pack_weights_amx)
#define view_amx_isa         LK_ISA_NAME(lk_view_weights_amx)
#define product_amx_isa      LK_ISA_NAME(lk_product_amx)
#define outer_amx_isa        LK_ISA_NAME(lk_outer_amx)
#define softmax_loss_isa     LK_ISA_NAME(lk_softmax_loss)
#define softmax_gradient_isa LK_ISA_NAME(lk_softmax_gradient)
#define kernels_isa          LK_ISA_NAME(lk_kernels)

ptrdiff_t packed_size_isa(ptrdiff_t M, ptrdiff_t K);
void pack_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
              lk_part part);
ptrdiff_t view_size_isa(ptrdiff_t M, ptrdiff_t K);
void view_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part);
void product_isa(const lk_packed *w, const lk_product *p);
void outer_isa(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x, ptrdiff_t ldx,
               lk_real *block);
/* The same with operands rounded to bf16 (bf16_words.h). */
ptrdiff_t packed_size_bf16_isa(ptrdiff_t M, ptrdiff_t K);
void pack_bf16_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
                   lk_part part);
void view_bf16_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part);
void product_bf16_isa(const lk_packed *w, const lk_product *p);
void outer_bf16_isa(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x,
                    ptrdiff_t ldx, lk_real *block);
/* The same in the order of AMX (amx.c). */
enum { LK_PACKED_AMX = 2 }; /* lk_packed.bf16 of its layout; 1: that of bf16_words.h */
ptrdiff_t packed_size_amx_isa(ptrdiff_t M, ptrdiff_t K);
void pack_amx_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
                  lk_part part);
void view_amx_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part);
void product_amx_isa(const lk_packed *w, const lk_product *p);
void outer_amx_isa(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x,
                   ptrdiff_t ldx, lk_real *block);
void softmax_loss_isa(ptrdiff_t n, ptrdiff_t V, const lk_real *logits, ptrdiff_t ld, const int32_t *target,
                      double smoothing, double *loss, int32_t *best, lk_softmax *softmax);
void softmax_gradient_isa(ptrdiff_t n, ptrdiff_t V, lk_range columns, const lk_real *logits, ptrdiff_t ld,
                          const int32_t *target, double smoothing, const lk_softmax *softmax, lk_real *to,
                          ptrdiff_t ldto);
#define kernels_bf16_isa LK_ISA_NAME(lk_kernels_bf16)
#define kernels_amx_isa  LK_ISA_NAME(lk_kernels_amx)
extern const lk_kernels kernels_isa, kernels_bf16_isa, kernels_amx_isa;
