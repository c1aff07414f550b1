/* The step of GOST R 34.11-94 by AVX2. */
#include "digest_kernel.h"

#if defined(__x86_64__)

#include "lanes_avx2.h"

#include "digest_x86.h"

static int supported(void)
{
    return __builtin_cpu_supports("avx2");
}

const digest_kernel digest_avx2 = {"avx2", supported, step};

#endif
