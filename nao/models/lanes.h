// Eight small problems at once, one in each lane of a vector: every matrix of theirs is a matrix of
// vectors. What is computed for one problem does not depend on what it is computed beside.
//
// Every result is the same, bit for bit, wherever this is compiled without liberties in floating
// point (-ffp-contract=off, no -ffast-math): sums run in the order written, products are fused with
// additions where `fused` says so and nowhere else.

#ifndef NAO_LANES_H
#define NAO_LANES_H

#include <math.h>
#include <stddef.h>
#include <string.h>
#if defined(__FMA__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define LANES 8
#define INLINE static inline __attribute__((always_inline))

typedef float lanes __attribute__((vector_size(4 * LANES)));

INLINE lanes all(float value) { return (lanes){} + value; }

// a b + c, rounded once.
INLINE lanes fused(lanes a, lanes b, lanes c) {
#if defined(__FMA__)
    return (lanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    union { lanes whole; float32x4_t half[2]; } x = {a}, y = {b}, z = {c};
    z.half[0] = vfmaq_f32(z.half[0], x.half[0], y.half[0]);
    z.half[1] = vfmaq_f32(z.half[1], x.half[1], y.half[1]);
    return z.whole;
#else
    for (int lane = 0; lane < LANES; lane++) c[lane] = fmaf(a[lane], b[lane], c[lane]);
    return c;
#endif
}

INLINE lanes root(lanes a) {
    for (int lane = 0; lane < LANES; lane++) a[lane] = sqrtf(a[lane]);
    return a;
}

INLINE float sum_of(lanes a) {
    return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]));
}

// `k` from 0 to `size`, unrolled: sums over k go into FOUR places by turns, for an addition takes
// four cycles, and none waits for the one before.
#define FOUR 4
#define BY_FOURS(k, x, size)                          \
    for (int first = 0; first < (size); first += FOUR) \
        _Pragma("GCC unroll 4") for (int x = 0, k = first; x < FOUR && k < (size); x++, k++)

INLINE lanes mean_of(const lanes sum[FOUR], int size) {
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) / (float)size;
}

// --- matrix products -----------------------------------------------------------------------------

// A factor: entry (i, j) lies at i * row + j * column, in vectors, or in numbers where `shared`.
typedef struct {
    const void *at;
    ptrdiff_t row, column;
    int shared;
} Factor;

INLINE Factor own(const lanes *at, ptrdiff_t row, ptrdiff_t column) {
    return (Factor){at, row, column, 0};
}
INLINE Factor shared(const float *at, ptrdiff_t row, ptrdiff_t column) {
    return (Factor){at, row, column, 1};
}

INLINE lanes entry(const void *at, ptrdiff_t place, const int shared) {
    return shared ? all(((const float *)at)[place]) : ((const lanes *)at)[place];
}

// Rows i … i + m and columns j … j + n of C = (C or 0) + A B, kept in registers over the sum.
INLINE void tile(const int m, const int n, const int b_shared, int depth, const Factor *a,
                 const Factor *b, lanes *c, ptrdiff_t row, const int add, int i, int j) {
    lanes sum[8][3];
    const lanes *left = (const lanes *)a->at + i * a->row;
    const size_t size = b_shared ? sizeof(float) : sizeof(lanes);
    const char *right = (const char *)b->at + j * b->column * (ptrdiff_t)size;
#pragma GCC unroll 8
    for (int x = 0; x < m; x++)
#pragma GCC unroll 3
        for (int y = 0; y < n; y++) sum[x][y] = add ? c[(i + x) * row + j + y] : all(0);
    for (int k = 0; k < depth; k++) {
        lanes factor[3];
#pragma GCC unroll 3
        for (int y = 0; y < n; y++) factor[y] = entry(right, y * b->column, b_shared);
#pragma GCC unroll 8
        for (int x = 0; x < m; x++) {
            const lanes value = left[x * a->row];
#pragma GCC unroll 3
            for (int y = 0; y < n; y++) sum[x][y] = fused(value, factor[y], sum[x][y]);
        }
        left += a->column;
        right += b->row * (ptrdiff_t)size;
    }
#pragma GCC unroll 8
    for (int x = 0; x < m; x++)
#pragma GCC unroll 3
        for (int y = 0; y < n; y++) c[(i + x) * row + j + y] = sum[x][y];
}

#define TILE(m, n) case m: tile(m, n, b_shared, depth, a, b, c, row, add, i, j); break;
INLINE void strip(int m, const int n, const int b_shared, int depth, const Factor *a,
                  const Factor *b, lanes *c, ptrdiff_t row, const int add, int i, int j) {
    if (n == 3) switch (m) { TILE(1, 3) TILE(2, 3) TILE(3, 3) TILE(4, 3) }
    if (n == 2) switch (m) { TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2) }
    if (n == 1) switch (m) {
        TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
    }
}

// C (rows × columns, its rows `row` apart) = (C or 0) + A B; `lower`: on and below the diagonal.
INLINE void product(int rows, int columns, int depth, Factor a, Factor b, lanes *c, ptrdiff_t row,
                    const int b_shared, const int add, const int lower) {
    for (int j = 0; j < columns;) {
        const int left = columns - j, n = left == 1 ? 1 : left == 2 || left == 4 ? 2 : 3;
        const int most = n == 1 ? 8 : n == 2 ? 6 : 4, first = lower ? j : 0;
        for (int i = first, tiles = (rows - first + most - 1) / most; tiles > 0; tiles--) {
            const int m = (rows - i + tiles - 1) / tiles;
            if (n == 3) strip(m, 3, b_shared, depth, &a, &b, c, row, add, i, j);
            else if (n == 2) strip(m, 2, b_shared, depth, &a, &b, c, row, add, i, j);
            else strip(m, 1, b_shared, depth, &a, &b, c, row, add, i, j);
            i += m;
        }
        j += n;
    }
}

static void multiply(int rows, int columns, int depth, Factor a, Factor b, lanes *c,
                     ptrdiff_t row) {
    if (b.shared) product(rows, columns, depth, a, b, c, row, 1, 0, 0);
    else product(rows, columns, depth, a, b, c, row, 0, 0, 0);
}
static void multiply_add(int rows, int columns, int depth, Factor a, Factor b, lanes *c,
                         ptrdiff_t row) {
    product(rows, columns, depth, a, b, c, row, 0, 1, 0);
}
static void multiply_lower(int rows, int depth, Factor a, Factor b, lanes *c, ptrdiff_t row) {
    product(rows, rows, depth, a, b, c, row, 0, 0, 1);
}

// --- in and out ----------------------------------------------------------------------------------

// Numbers of up to eight problems, `apart` in memory, into lanes; those from `count` on are 0.
static void gather(const float *from, ptrdiff_t apart, int count, size_t size, lanes *to) {
    if (count < LANES) memset(to, 0, size * sizeof(lanes));
    for (int lane = 0; lane < count; lane++)
        for (size_t k = 0; k < size; k++) to[k][lane] = from[lane * apart + k];
}

static void scatter(const lanes *from, ptrdiff_t apart, int count, size_t size, float *to) {
    for (int lane = 0; lane < count; lane++)
        for (size_t k = 0; k < size; k++) to[lane * apart + k] = from[k][lane];
}

#endif
