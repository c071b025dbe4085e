// The orthogonal factor, nearly, of many small matrices, in single precision: from X = U S Vᵀ some
// U S' Vᵀ with S' near 1, by steps that need products alone,
//
//     X ← X / ‖X‖,   then   X ← (a + b G + c G²) X,   G = X Xᵀ.
//
// Eight matrices at once, one in each lane.

#include "lanes.h"

#define LEAST 1e-7f // norm that is divided by, for matrices of zeros

// Numbers in the room that a call needs.
size_t nao_polar_room(int rows, int columns) {
    const size_t short_ = rows < columns ? rows : columns;
    return 2 * LANES * ((size_t)rows * columns + short_ * short_);
}

// 1 / ‖X‖ of each lane.
static lanes inverse_norm(const lanes *x, int size) {
    lanes sum[FOUR] = {{0}};
    BY_FOURS(k, turn, size) sum[turn] = fused(x[k], x[k], sum[turn]);
    lanes norm = root((sum[0] + sum[1]) + (sum[2] + sum[3]));
    for (int lane = 0; lane < LANES; lane++) norm[lane] = fmaxf(norm[lane], LEAST);
    return 1 / norm;
}

// P = a + b G + c G² for the lower half of G, and all of P.
static void polynomial(int size, const float *abc, lanes *g, lanes *p) {
    for (int i = 0; i < size; i++)
        for (int j = 0; j < i; j++) g[j * size + i] = g[i * size + j];
    multiply_lower(size, size, own(g, size, 1), own(g, size, 1), p, size);
    for (int i = 0; i < size; i++)
        for (int j = 0; j <= i; j++) {
            lanes value = fused(all(abc[2]), p[i * size + j], abc[1] * g[i * size + j]);
            if (i == j) value += abc[0];
            p[i * size + j] = p[j * size + i] = value;
        }
}

// In place of each of `count` matrices, the result of `steps` steps with the factors `abc`.
void nao_polar(int count, int rows, int columns, int steps, const float *abc, lanes *room,
               float *matrices) {
    const int size = rows * columns, tall = rows > columns;
    const int m = tall ? columns : rows, n = tall ? rows : columns;
    lanes *x = room, *y = x + size, *g = y + size, *p = g + m * m;
    for (int first = 0; first < count; first += LANES) {
        const int left = count - first, held = left < LANES ? left : LANES;
        float *at = matrices + (size_t)first * size;
        gather(at, size, held, size, x);
        // A tall matrix is taken by its columns, so that G is small.
        const ptrdiff_t row = tall ? 1 : columns, column = tall ? columns : 1;
        const lanes scale = inverse_norm(x, size);
        for (int k = 0; k < size; k++) x[k] *= scale;
        for (int step = 0; step < steps; step++) {
            multiply_lower(m, n, own(x, row, column), own(x, column, row), g, m);
            polynomial(m, abc, g, p);
            if (tall) multiply(n, m, m, own(x, columns, 1), own(p, m, 1), y, m);
            else multiply(m, n, m, own(p, m, 1), own(x, columns, 1), y, n);
            lanes *other = x;
            x = y, y = other;
        }
        scatter(x, size, held, size, at);
    }
}
