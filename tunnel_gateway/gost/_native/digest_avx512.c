/* The step of GOST R 34.11-94 by AVX-512 with VBMI. */
#include "digest_kernel.h"

#if defined(__x86_64__)

#include "lanes_avx512.h"

#include "digest_x86.h"

static int supported(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi");
}

const digest_kernel digest_avx512 = {"avx512", supported, step};

#endif
