#include "kernel.h"

#include <string.h>

const kernel *const kernels[] = {
#if defined(__x86_64__)
    &kernel_avx512,
    &kernel_avx2,
#elif defined(__aarch64__)
    &kernel_neon,
#endif
    &kernel_portable,
};
const size_t kernel_count = sizeof kernels / sizeof kernels[0];

const kernel *kernel_choose(void)
{
    size_t i = 0;
    while (!kernels[i]->supported())
        i++;
    return kernels[i];
}

const kernel *kernel_find(const char *name)
{
    if (name == NULL)
        return kernel_choose();
    for (size_t i = 0; i < kernel_count; i++)
        if (strcmp(kernels[i]->name, name) == 0 && kernels[i]->supported())
            return kernels[i];
    return NULL;
}

size_t kernel_names(const char **names, size_t size)
{
    size_t found = 0;
    for (size_t i = 0; i < kernel_count; i++)
        if (kernels[i]->supported() && found < size)
            names[found++] = kernels[i]->name;
    return found;
}
