/*
 * What a curve is compiled for: the processor at hand, or one with BMI2, whose multiplication
 * leaves the carry alone. Limbs stay out of vector registers, where carries cannot follow.
 */
#pragma GCC optimize("no-tree-slp-vectorize")
#if defined(CURVE_BMI2)
#pragma GCC target("bmi2")
#define NAMED(name) name##_bmi2
#else
#define NAMED(name) name
#endif
