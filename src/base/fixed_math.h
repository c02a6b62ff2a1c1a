/* fixed_math.h - log, exp, power and cosine of doubles, the same bits on every machine.
 *
 * The functions of libm differ in the last place between versions, architectures and instruction sets; glibc, for
 * example, has other code for CPUs with fused multiply-add. Everything that changes a weight or a decision of a run
 * (initial values, learning rates, Adam's corrections, losses) is computed by the functions here. They consist of sums,
 * products, quotients and square roots in a fixed order, and IEEE 754 defines the rounding of each. Square roots are
 * libm's, as they are correctly rounded everywhere.
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
