/* Few blocks at a time by AVX-512 with VBMI. */
#include "kernel_few.h"

#if defined(__x86_64__)

#include "lanes_avx512.h"

#include "kernel_few_x86.h"

const kernel_few few_avx512 = {four, chain};

#endif
