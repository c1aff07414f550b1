/* Few blocks at a time by AVX2. */
#include "kernel_few.h"

#if defined(__x86_64__)

#include "lanes_avx2.h"

#include "kernel_few_x86.h"

const kernel_few few_avx2 = {four, chain};

#endif
