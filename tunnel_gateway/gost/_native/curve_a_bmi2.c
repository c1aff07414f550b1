/* CryptoPro-A in the instructions of BMI2. */
#if defined(__x86_64__)
#define CURVE_BMI2
#include "curve_a.c"
#else
typedef int nothing_here;
#endif
