/*
 * The data plane under any input. libFuzzer calls the first function. Otherwise, with the program's own
 * main, the arguments are
 *     SECONDS SEED           random inputs for so long
 *     random SEED COUNT      so many random inputs
 *     failing SEED COUNT     each system call of so many inputs fails once
 *     play FAILING HEX       one input, as PLANE_INPUT has kept it: the last one, of a run that failed
 */
#define _DEFAULT_SOURCE
#include "plane_scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)play(data, size, 0);
    return 0;
}

#ifndef WITH_LIBFUZZER

#define MAX_INPUT 400

static uint64_t state;

static uint8_t random_byte(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(state >> 56);
}

static size_t make_input(uint8_t *input)
{
    size_t size = 8 + (size_t)random_byte() * (MAX_INPUT - 8) / 255;
    for (size_t i = 0; i < size; i++)
        input[i] = random_byte();
    return size;
}

/* An input that ends the program is written here, to be played again. */
static void keep_input(const uint8_t *input, size_t size, size_t failing)
{
    static FILE *file;
    if (file == NULL && (getenv("PLANE_INPUT") == NULL ||
                         (file = fopen(getenv("PLANE_INPUT"), "wb")) == NULL))
        return;
    rewind(file);
    fprintf(file, "%zu ", failing);
    for (size_t i = 0; i < size; i++)
        fprintf(file, "%02x", input[i]);
    fprintf(file, "\n");
    fflush(file);
    if (ftruncate(fileno(file), ftell(file)) != 0)
        perror("PLANE_INPUT");
}

static void play_random(void)
{
    uint8_t input[MAX_INPUT];
    size_t size = make_input(input);
    keep_input(input, size, 0);
    (void)play(input, size, 0);
}

static unsigned long run_for(long seconds)
{
    unsigned long count = 0;
    for (time_t end = time(NULL) + seconds; time(NULL) < end; count++)
        play_random();
    return count;
}

static unsigned long run_random(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++)
        play_random();
    return count;
}

static unsigned long run_failing(int inputs)
{
    uint8_t input[MAX_INPUT];
    unsigned long count = 0;
    for (int i = 0; i < inputs; i++) {
        size_t size = make_input(input), failing = 0;
        do {
            keep_input(input, size, ++failing);
            count++;
        } while (play(input, size, failing));
    }
    return count;
}

static unsigned long play_again(const char *failing, const char *digits)
{
    uint8_t input[MAX_INPUT];
    size_t size = strlen(digits) / 2;
    for (size_t i = 0; i < size && i < sizeof input; i++) {
        char byte[3] = {digits[2 * i], digits[2 * i + 1], 0};
        input[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    (void)play(input, size < sizeof input ? size : sizeof input, strtoul(failing, NULL, 10));
    return 1;
}

int main(int argc, char **argv)
{
    unsigned long count;
    if (argc < 3)
        return 2;
    state = strtoull(argv[2], NULL, 10);
    if (argc == 3)
        count = run_for(strtol(argv[1], NULL, 10));
    else if (strcmp(argv[1], "random") == 0)
        count = run_random(strtoul(argv[3], NULL, 10));
    else if (strcmp(argv[1], "failing") == 0)
        count = run_failing(atoi(argv[3]));
    else
        count = play_again(argv[2], argv[3]);
    printf("%lu\n", count);
    return 0;
}

#endif
