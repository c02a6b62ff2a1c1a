/* activation.h - penalties on the outputs of the last layer (Merity, McCann & Socher 2017; Merity et al. 2018).
 *
 *   AR   alpha / W  sum over rows of |y|^2             y: the outputs, after dropout; W: their width
 *   TAR  beta / W   sum over rows of |h - h_before|^2  h: the outputs before dropout; rows of a sequence's first time have
 *                                                      no row before them
 *
 * The rows are those of units that have a target (`target` [N] from 0 on; NULL: all), and the objective is divided by
 * the number of these units: words without a label count in neither. So AR is the mean over all elements, as in the
 * papers' code, and TAR too, except that the first times count as rows (there: the mean over T - 1 of T times).
 * Everything but the sum over a shard's rows is row by row. Not collective throughout. */
#pragma once
#include "kernels.h"
#include "pack.h"

/** weight times the sum of squares of rows [begin, end) of x [., ld].  */
double lk_activation_loss(double weight, const int32_t *target, lk_range rows, ptrdiff_t width, const lk_real *x,
                          ptrdiff_t ld);
/** dx += its gradient, for rows 0 .. n-1. */
void lk_activation_gradient(double weight, const int32_t *target, ptrdiff_t n, ptrdiff_t width, const lk_real *x,
                            lk_real *dx, ptrdiff_t ld);
/** The same of the differences between each row and the one before it in its sequence. */
double lk_change_loss(double weight, const int32_t *target, const lk_pack *pack, lk_range rows, ptrdiff_t width,
                      const lk_real *x, ptrdiff_t ld);
void lk_change_gradient(double weight, const int32_t *target, const lk_pack *pack, ptrdiff_t width, const lk_real *x,
                        lk_real *dx, ptrdiff_t ld);
