// Estimates, losses and gradients of the transformer by its Gram form, in single precision.
//
// With R rows and D columns, Ẽ = (E; 1ᵀ) and M = scale · Σ_heads W̃_Kᵀ W̃_Q, a layer is
//
//     A = E Ẽᵀ,   P = A M,   U = P Ẽ,   N = (U − mean U) / sqrt(var U + ε),
//     E ← E + gain · N + bias,
//
// mean and variance over the whole matrix, and the read-out with r = W_P
//
//     q = Ẽ r,   t = M_L q,   ŵ = the first D − 1 entries of Ẽᵀ t.
//
// Backward, with V the cotangent of E and v = ∂loss/∂ŵ (its last entry 0):
//
//     dt = Ẽ v,   dM_L = dt qᵀ,   dq = M_Lᵀ dt,   dr = Ẽᵀ dq,   V = t_E vᵀ + dq_E rᵀ;
//
//     dgain = V N,   dbias = V,   T = gain V,
//     dU = (T − mean T − N mean(T N)) / sqrt(var U + ε),
//     dP = dU Ẽᵀ,   dM = Aᵀ dP,   (dG, ds) = dP Mᵀ,
//     V ← V + (dG + dGᵀ) E + ds 1ᵀ + P_Eᵀ dU;
//
//     dW̃_K = scale · W̃_Q dMᵀ,   dW̃_Q = scale · W̃_K dM.
//
// Eight contexts are taken through all of it at once, one in each lane of a vector: every matrix of
// theirs is a matrix of vectors, and what they share (weights) is read as numbers. So nothing is
// padded, transposed or summed across lanes but the gradients, at the end; what eight contexts need
// stays in the caches between forward and backward; and a context's estimate does not depend on
// what it is computed beside.
// `lanes.h` says what makes every result the same, bit for bit, on every machine.

#include "lanes.h"

#define EPSILON 1e-5f // as in nn.LayerNorm

// --- sizes, weights and room ---------------------------------------------------------------------

enum Target { NONE, ROWS, TRUTH, COTANGENT };

// Strides in numbers; the rows of a context lie side by side. `layers`: before the read-out.
typedef struct {
    int members, contexts, rows, columns, layers;
    int context_rows;        // of (X, Y), the last ones of the `rows` rows
    int code_rows;           // the first ones: blank, or those of (X, Y) where there are no others
    int bias_rows;           // the first ones
    int target_rows;
    int target;              // which `Target`
    int width;               // of all heads together
    float attention_scale, readout_scale;
    ptrdiff_t token_member, token_context, target_member, target_context;
} Shape;

// keys and queries (S, L + 1, width, R + 1), gain (S, L, R, D), bias (S, L, biased, D),
// codes (S, coded, D), readout (S, D)
typedef struct { float *keys, *queries, *gain, *bias, *codes, *readout; } Parameters;

// What eight contexts need.
typedef struct {
    lanes *e, *a, *p, *n, *scale;                 // of each layer
    lanes *v, *u, *dp, *h;                        // of the layer under way
    lanes *mixing, *gain, *bias, *codes, *readout; // sums of gradients
    lanes *q, *t, *dq, *dt, *estimate, *cotangent, *target, *residual;
    float *m, *dm, *dmt; // M of all layers; its gradient at one layer, and that transposed
    size_t e_size, a_size, n_size, bias_size, mixing_size, gradient_size, size;
} Room;

static lanes *take(lanes *block, size_t *used, size_t count) {
    lanes *at = block ? block + *used : NULL;
    *used += count;
    return at;
}

static Room divide(const Shape *s, lanes *block) {
    const size_t R = s->rows, D = s->columns, L = s->layers, gradients = s->target != NONE;
    const size_t slots = gradients ? L + 1 : 2; // forward alone needs the layers by twos
    Room r = {.e_size = (R + 1) * D, .a_size = R * (R + 1), .n_size = R * D};
    r.bias_size = s->bias_rows * D, r.mixing_size = (R + 1) * (R + 1);
    size_t used = 0;
    r.e = take(block, &used, slots * r.e_size), r.a = take(block, &used, slots * r.a_size);
    r.p = take(block, &used, slots * r.a_size), r.n = take(block, &used, slots * r.n_size);
    r.scale = take(block, &used, slots);
    r.m = (float *)take(block, &used, ((L + 1) * r.mixing_size + LANES - 1) / LANES);
    r.q = take(block, &used, R + 1), r.t = take(block, &used, R + 1);
    r.estimate = take(block, &used, D);
    if (gradients) {
        r.v = take(block, &used, r.n_size), r.u = take(block, &used, r.n_size);
        r.dp = take(block, &used, r.a_size), r.h = take(block, &used, r.a_size);
        r.dq = take(block, &used, R + 1), r.dt = take(block, &used, R + 1);
        r.cotangent = take(block, &used, D);
        r.target = take(block, &used, s->target_rows * D);
        r.residual = take(block, &used, s->target_rows);
        r.dm = (float *)take(block, &used, (r.mixing_size + LANES - 1) / LANES);
        r.dmt = (float *)take(block, &used, (r.mixing_size + LANES - 1) / LANES);
        const size_t before = used;
        r.mixing = take(block, &used, (L + 1) * r.mixing_size);
        r.gain = take(block, &used, L * r.n_size), r.bias = take(block, &used, L * r.bias_size);
        r.codes = take(block, &used, s->code_rows * D), r.readout = take(block, &used, D);
        r.gradient_size = used - before;
    }
    r.size = used;
    return r;
}

static void sum_lanes(const lanes *from, size_t size, float *to) {
    for (size_t k = 0; k < size; k++) to[k] = sum_of(from[k]);
}

// --- forward -------------------------------------------------------------------------------------

// E ← E + gain · LayerNorm(P Ẽ) + bias: from one slot of `r` to another.
static void layer(const Shape *s, const Room *r, int from, int to, const float *mixing,
                  const float *gain, const float *bias) {
    const int R = s->rows, D = s->columns, R1 = R + 1, size = R * D;
    const lanes *e = r->e + from * r->e_size;
    lanes *a = r->a + from * r->a_size, *p = r->p + from * r->a_size, *n = r->n + from * r->n_size;
    lanes *next = r->e + to * r->e_size;
    multiply_lower(R, D, own(e, D, 1), own(e, 1, D), a, R1);
    for (int i = 0; i < R; i++)
        for (int j = i + 1; j < R; j++) a[i * R1 + j] = a[j * R1 + i];
    multiply(R, 1, D, own(e, D, 1), own(e + size, 1, 0), a + R, R1); // E 1
    multiply(R, R1, R1, own(a, R1, 1), shared(mixing, R1, 1), p, R1);
    multiply(R, D, R1, own(p, R1, 1), own(e, D, 1), n, D);
    lanes sum[FOUR] = {}, square[FOUR] = {};
    BY_FOURS(k, x, size) sum[x] += n[k];
    const lanes mean = mean_of(sum, size);
    BY_FOURS(k, x, size) {
        n[k] -= mean;
        square[x] = fused(n[k], n[k], square[x]);
    }
    const lanes scale = r->scale[from] = 1 / root(mean_of(square, size) + EPSILON);
    for (int k = 0; k < size; k++) {
        n[k] *= scale;
        next[k] = fused(all(gain[k]), n[k], e[k]);
    }
    for (int k = 0; k < s->bias_rows * D; k++) next[k] += bias[k];
}

static void read_out(const Shape *s, const Room *r, const lanes *e, const float *mixing,
                     const float *readout) {
    const int D = s->columns, R1 = s->rows + 1;
    multiply(R1, 1, D, own(e, D, 1), shared(readout, 1, 0), r->q, 1);
    for (int k = 0; k < R1; k++) {
        lanes sum = all(0);
        for (int m = 0; m < R1; m++) sum = fused(all(mixing[k * R1 + m]), r->q[m], sum);
        r->t[k] = sum;
    }
    multiply(D, 1, R1, own(e, 1, D), own(r->t, 1, 0), r->estimate, 1);
}

// --- loss ----------------------------------------------------------------------------------------

// Σ (X ŵ − Y)² over rows, or ‖ŵ − w‖², of each lane; its derivative by ŵ times `weight` / 2.
static lanes loss(const Shape *s, const Room *r, float weight) {
    const int D = s->columns, d = D - 1, m = s->target_rows;
    lanes sum = all(0);
    if (s->target == ROWS) {
        multiply(m, 1, d, own(r->target, D, 1), own(r->estimate, 1, 0), r->residual, 1);
        for (int i = 0; i < m; i++) {
            const lanes e = r->residual[i] - r->target[i * D + d];
            sum = fused(e, e, sum);
            r->residual[i] = weight * e;
        }
        multiply(d, 1, m, own(r->target, 1, D), own(r->residual, 1, 0), r->cotangent, 1);
    } else
        for (int j = 0; j < d; j++) {
            const lanes e = r->estimate[j] - r->target[j];
            sum = fused(e, e, sum);
            r->cotangent[j] = s->target == TRUTH ? weight * e : r->target[j];
        }
    r->cotangent[d] = all(0);
    return sum;
}

// --- backward ------------------------------------------------------------------------------------

static void read_out_back(const Shape *s, const Room *r, const lanes *e, const float *mixing,
                          const float *readout) {
    const int R = s->rows, D = s->columns, R1 = R + 1;
    lanes *d_mixing = r->mixing + s->layers * r->mixing_size;
    multiply(R1, 1, D, own(e, D, 1), own(r->cotangent, 1, 0), r->dt, 1);
    for (int m = 0; m < R1; m++) r->dq[m] = all(0);
    for (int k = 0; k < R1; k++)
        for (int m = 0; m < R1; m++) {
            d_mixing[k * R1 + m] = fused(r->dt[k], r->q[m], d_mixing[k * R1 + m]);
            r->dq[m] = fused(all(mixing[k * R1 + m]), r->dt[k], r->dq[m]);
        }
    multiply_add(D, 1, R1, own(e, 1, D), own(r->dq, 1, 0), r->readout, 1);
    for (int i = 0; i < R; i++)
        for (int j = 0; j < D; j++)
            r->v[i * D + j] = fused(r->t[i], r->cotangent[j], r->dq[i] * readout[j]);
}

static void layer_back(const Shape *s, const Room *r, int l, const float *mixing,
                       const float *gain) {
    const int R = s->rows, D = s->columns, R1 = R + 1, size = R * D;
    const lanes *e = r->e + l * r->e_size, *a = r->a + l * r->a_size, *p = r->p + l * r->a_size;
    const lanes *n = r->n + l * r->n_size;
    lanes *v = r->v, *u = r->u, *h = r->h;
    lanes *d_gain = r->gain + l * r->n_size, *d_bias = r->bias + l * r->bias_size;
    for (int k = 0; k < s->bias_rows * D; k++) d_bias[k] += v[k];
    lanes sum[FOUR] = {}, dot[FOUR] = {};
    BY_FOURS(k, x, size) {
        d_gain[k] = fused(v[k], n[k], d_gain[k]);
        u[k] = gain[k] * v[k];
        sum[x] += u[k];
        dot[x] = fused(u[k], n[k], dot[x]);
    }
    const lanes mean = mean_of(sum, size), slope = mean_of(dot, size);
    for (int k = 0; k < size; k++) u[k] = r->scale[l] * fused(-slope, n[k], u[k] - mean);
    multiply(R, R1, D, own(u, D, 1), own(e, 1, D), r->dp, R1);
    multiply_add(R1, R1, R, own(a, 1, R1), own(r->dp, R1, 1), r->mixing + l * r->mixing_size, R1);
    if (l == 0 && s->code_rows == 0) return; // nothing was learned before it
    multiply(R, R1, R1, own(r->dp, R1, 1), shared(mixing, 1, R1), h, R1);
    for (int i = 0; i < R; i++)
        for (int j = 0; j <= i; j++)
            h[i * R1 + j] = h[j * R1 + i] = h[i * R1 + j] + h[j * R1 + i];
    multiply_add(R, D, R1, own(h, R1, 1), own(e, D, 1), v, D);
    multiply_add(R, D, R, own(p, 1, R1), own(u, D, 1), v, D);
}

// --- mixing --------------------------------------------------------------------------------------

// M = scale · W̃_Kᵀ W̃_Q, the heads' rows below one another.
static void mix(int width, int R1, float scale, const float *keys, const float *queries, float *m) {
    memset(m, 0, sizeof(float) * R1 * R1);
    for (int w = 0; w < width; w++)
        for (int i = 0; i < R1; i++) {
            const float key = scale * keys[w * R1 + i];
            for (int j = 0; j < R1; j++)
                m[i * R1 + j] = fmaf(key, queries[w * R1 + j], m[i * R1 + j]);
        }
}

// From the lanes' dM to the gradients of keys and queries.
static void mix_back(int width, int R1, float scale, const lanes *mixing, const Room *r,
                     const float *keys, const float *queries, float *d_keys, float *d_queries) {
    for (int i = 0; i < R1; i++)
        for (int j = 0; j < R1; j++)
            r->dm[i * R1 + j] = r->dmt[j * R1 + i] = scale * sum_of(mixing[i * R1 + j]);
    memset(d_keys, 0, sizeof(float) * width * R1), memset(d_queries, 0, sizeof(float) * width * R1);
    for (int w = 0; w < width; w++, keys += R1, queries += R1, d_keys += R1, d_queries += R1)
        for (int i = 0; i < R1; i++)
            for (int j = 0; j < R1; j++) {
                d_queries[j] = fmaf(keys[i], r->dm[i * R1 + j], d_queries[j]);
                d_keys[j] = fmaf(queries[i], r->dmt[i * R1 + j], d_keys[j]);
            }
}

// --- all of it -----------------------------------------------------------------------------------

// Numbers in the room that a call needs.
size_t nao_gram_room(const Shape *s) { return LANES * divide(s, NULL).size; }

// The weights of one member, or their gradients.
static Parameters of_member(const Shape *s, const Room *r, const Parameters *stack, size_t member) {
    const size_t L = s->layers, D = s->columns, keyed = (L + 1) * s->width * (s->rows + 1);
    return (Parameters){
        .keys = stack->keys + member * keyed,
        .queries = stack->queries + member * keyed,
        .gain = stack->gain + member * L * r->n_size,
        .bias = stack->bias + member * L * r->bias_size,
        .codes = stack->codes + member * s->code_rows * D,
        .readout = stack->readout + member * D,
    };
}

// E^0 of `count` contexts in the first slot.
static void start(const Shape *s, const Room *r, const float *codes, const float *tokens,
                  int count) {
    const int D = s->columns, blank = s->rows - s->context_rows;
    gather(tokens, s->token_context, count, s->context_rows * D, r->e + blank * D);
    for (int k = 0; k < s->code_rows * D; k++)
        r->e[k] = blank ? all(codes[k]) : r->e[k] + codes[k];
}

// The loss of `count` contexts, whose estimates are there, summed into `total`; and backward.
static void learn(const Shape *s, const Room *r, const Parameters *w, const float *target,
                  int count, float weight, lanes *total) {
    const int L = s->layers, D = s->columns, targets = (s->target == ROWS ? D : 1) * s->target_rows;
    const lanes *e = r->e + L * r->e_size;
    gather(target, s->target_context, count, targets, r->target);
    lanes sum = loss(s, r, weight);
    for (int lane = count; lane < LANES; lane++) { // no contexts
        sum[lane] = 0;
        for (int j = 0; j < D; j++) r->cotangent[j][lane] = 0;
    }
    *total += sum;
    read_out_back(s, r, e, r->m + L * r->mixing_size, w->readout);
    for (int l = L - 1; l >= 0; l--)
        layer_back(s, r, l, r->m + l * r->mixing_size, w->gain + l * r->n_size);
    for (int k = 0; k < s->code_rows * D; k++) r->codes[k] += r->v[k];
}

// Estimates (S, B, D − 1) and, for a target, losses (S) and gradients, laid out as weights are.
// Losses are sums over a member's contexts; gradients those of `weight` / 2 times them. With a
// `COTANGENT`, which lies as `TRUTH` does, they are those of its product with the estimates.
void nao_gram(const Shape *s, const Parameters *weights, const float *tokens, const float *target,
              float weight, lanes *room, float *estimates, float *losses,
              const Parameters *gradients) {
    const Room r = divide(s, room);
    const size_t L = s->layers, D = s->columns, d = D - 1, keyed = s->width * (s->rows + 1);
    const int slots = s->target == NONE ? 2 : s->layers + 1;
    for (int slot = 0; slot < slots; slot++)
        for (size_t j = 0; j < D; j++) r.e[slot * r.e_size + s->rows * D + j] = all(1);
    for (size_t member = 0; member < (size_t)s->members; member++) {
        const Parameters w = of_member(s, &r, weights, member);
        for (size_t l = 0; l <= L; l++)
            mix(s->width, s->rows + 1, l < L ? s->attention_scale : s->readout_scale,
                w.keys + l * keyed, w.queries + l * keyed, r.m + l * r.mixing_size);
        if (s->target != NONE) memset(r.mixing, 0, r.gradient_size * sizeof(lanes));
        lanes total = all(0);
        for (int first = 0; first < s->contexts; first += LANES) {
            const int left = s->contexts - first, count = left < LANES ? left : LANES;
            start(s, &r, w.codes, tokens + member * s->token_member + first * s->token_context,
                  count);
            for (size_t l = 0; l < L; l++)
                layer(s, &r, l % slots, (l + 1) % slots, r.m + l * r.mixing_size,
                      w.gain + l * r.n_size, w.bias + l * r.bias_size);
            read_out(s, &r, r.e + L % slots * r.e_size, r.m + L * r.mixing_size, w.readout);
            scatter(r.estimate, d, count, d, estimates + (member * s->contexts + first) * d);
            if (s->target != NONE)
                learn(s, &r, &w, target + member * s->target_member + first * s->target_context,
                      count, weight, &total);
        }
        if (s->target == NONE) continue;
        losses[member] = sum_of(total);
        const Parameters g = of_member(s, &r, gradients, member);
        for (size_t l = 0; l <= L; l++)
            mix_back(s->width, s->rows + 1, l < L ? s->attention_scale : s->readout_scale,
                     r.mixing + l * r.mixing_size, &r, w.keys + l * keyed, w.queries + l * keyed,
                     g.keys + l * keyed, g.queries + l * keyed);
        sum_lanes(r.gain, L * r.n_size, g.gain);
        sum_lanes(r.bias, L * r.bias_size, g.bias);
        sum_lanes(r.codes, s->code_rows * D, g.codes);
        sum_lanes(r.readout, D, g.readout);
    }
}
