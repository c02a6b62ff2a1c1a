/* fixed_math.h - log, exp, power and cosine of doubles, the same bits on every machine.
 *
 * A libm's functions differ in the last place from one version, architecture and instruction set to another: glibc picks
 * other code where the CPU has a fused multiply-add. Whatever reaches a weight, or decides what becomes of a run (initial
 * values, learning rates, Adam's corrections, losses), is computed by these instead: sums, products, quotients and square
 * roots, which IEEE 754 rounds in one way only, in an order that is written down. Square roots are libm's: one
 * instruction, always exact.
 *
 * Errors are below one unit in the last place unless said otherwise. NaN gives NaN. */
#pragma once

/** Natural logarithm; -infinity of 0, NaN below.                                   Not collective. */
double lk_fixed_log(double x);
/** e^x; 0 below -708, infinity above 709.78.                                       Not collective. */
double lk_fixed_exp(double x);
/** base^exponent for base >= 0, 0^0 = 1. Whole exponents below 2^53: half a unit in the last place, 0 below 2^-900 and
 *  infinity above 2^900; others: 2 |exponent log base| + 2 units.                     Not collective. */
double lk_fixed_power(double base, double exponent);
/** cos(2 pi turns): two and a half units in the last place, also near its zeros.   Not collective. */
double lk_fixed_cos_turns(double turns);
