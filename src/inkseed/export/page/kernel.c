/* The arithmetic of a PatchUnet, for WebAssembly with 128-bit SIMD: scripts/kernel.py compiles it.

   Images are rows of pixels, and a pixel is its channels side by side (height, width, channels).
   What a 3x3 convolution reads has a border of one zero pixel, so that no pixel is a special case:
   the three pixels of a row that it sees lie side by side, and it is a matrix product without any
   copying. kernel.mjs has the same functions in plain JavaScript. */

#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name))) name
#define INLINE static inline __attribute__((always_inline))

enum { ROWS = 6, PANEL = 8, HEAD = 64, MOST = 8192 };

#define MULTIPLY_ADD(a, b, c) wasm_f32x4_add(wasm_f32x4_mul(a, b), c)

/* weights: for each panel of 8 outputs, [taps * taps * inputs][8] */
typedef struct {
  const float *weights, *bias;
  int taps, inputs, outputs;
} Layer;

/* factor, shift: for each column of the image `step` floats on; 0 is the same for all columns */
typedef struct {
  const float *factor, *shift;
  int step, groups, activate;
} Norm;

/* what a pixel of the output sees: `parts` runs of `length` floats, `stride` floats apart */
typedef struct {
  int parts, length, stride;
} Reach;

/* rows * 8 sums at once, which is what 16 registers hold */
INLINE void multiply(const int rows, const float *const at[], const float *weights,
                     const Reach reach, v128_t low[], v128_t high[]) {
  for (int part = 0; part < reach.parts; part++) {
    const float *from[ROWS];
    for (int row = 0; row < rows; row++) from[row] = at[row] + part * reach.stride;
    for (int k = 0; k < reach.length; k++, weights += PANEL) {
      const v128_t left = wasm_v128_load(weights), right = wasm_v128_load(weights + 4);
      for (int row = 0; row < rows; row++) {
        const v128_t x = wasm_v128_load32_splat(from[row] + k);
        low[row] = MULTIPLY_ADD(x, left, low[row]);
        high[row] = MULTIPLY_ADD(x, right, high[row]);
      }
    }
  }
}

INLINE void block(const int rows, const float *const at[], const Layer *layer, const Reach reach,
                  int panel, float *out) {
  const int first = panel * PANEL, left = layer->outputs - first;
  const v128_t low_bias = wasm_v128_load(layer->bias + first);
  const v128_t high_bias = wasm_v128_load(layer->bias + first + 4);
  v128_t low[ROWS], high[ROWS];
  for (int row = 0; row < rows; row++) low[row] = low_bias, high[row] = high_bias;
  multiply(rows, at, layer->weights + first * reach.parts * reach.length, reach, low, high);
  for (int row = 0; row < rows; row++) {
    float *to = out + row * layer->outputs + first;
    if (left >= PANEL) {
      wasm_v128_store(to, low[row]);
      wasm_v128_store(to + 4, high[row]);
    } else {
      float both[PANEL];
      wasm_v128_store(both, low[row]);
      wasm_v128_store(both + 4, high[row]);
      for (int k = 0; k < left; k++) to[k] = both[k];
    }
  }
}

/* a convolution of 3x3, whose input has a border, or 1x1, whose input has none */
void EXPORT(convolve)(const float *in, float *out, const Layer *layer, int height, int width) {
  const int border = layer->taps / 2, across = width + 2 * border, pixels = height * width;
  const Reach reach = {layer->taps, layer->taps * layer->inputs, across * layer->inputs};
  for (int panel = 0; panel * PANEL < layer->outputs; panel++) {
    for (int pixel = 0; pixel < pixels; pixel += ROWS) {
      const float *at[ROWS];
      const int rows = pixels - pixel < ROWS ? pixels - pixel : ROWS;
      for (int row = 0; row < rows; row++) {
        const int y = (pixel + row) / width, x = (pixel + row) % width;
        at[row] = in + (y * across + x) * layer->inputs;
      }
      float *to = out + pixel * layer->outputs;
      switch (rows) {
        case 6: block(6, at, layer, reach, panel, to); break;
        case 5: block(5, at, layer, reach, panel, to); break;
        case 4: block(4, at, layer, reach, panel, to); break;
        case 3: block(3, at, layer, reach, panel, to); break;
        case 2: block(2, at, layer, reach, panel, to); break;
        default: block(1, at, layer, reach, panel, to);
      }
    }
  }
}

/* e^x to a unit in the last place or two: 2^n times a polynomial on half a power of two */
INLINE v128_t exponential(v128_t x) {
  x = wasm_f32x4_max(wasm_f32x4_min(x, wasm_f32x4_splat(87.0f)), wasm_f32x4_splat(-87.0f));
  const v128_t n = wasm_f32x4_nearest(wasm_f32x4_mul(x, wasm_f32x4_splat(1.44269504f)));
  v128_t r = wasm_f32x4_sub(x, wasm_f32x4_mul(n, wasm_f32x4_splat(0.693359375f)));
  r = wasm_f32x4_add(r, wasm_f32x4_mul(n, wasm_f32x4_splat(2.12194440e-4f)));
  static const float taylor[] = {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, .5f, 1, 1};
  v128_t sum = wasm_f32x4_splat(taylor[0]);
  for (int k = 1; k < 8; k++)
    sum = wasm_f32x4_add(wasm_f32x4_mul(sum, r), wasm_f32x4_splat(taylor[k]));
  const v128_t power = wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127));
  return wasm_f32x4_mul(sum, wasm_i32x4_shl(power, 23));
}

INLINE v128_t silu(v128_t x) {
  const v128_t one = wasm_f32x4_splat(1);
  return wasm_f32x4_div(x, wasm_f32x4_add(one, exponential(wasm_f32x4_neg(x))));
}

static float total[MOST], mean[MOST], scale[MOST], offset[MOST];

/* the sum over pixels of (in - mean), or of its square, for each channel */
INLINE void sum_over_pixels(const float *in, int pixels, int channels, const int squared) {
  for (int c = 0; c < channels; c += 4) {
    const v128_t middle = wasm_v128_load(mean + c);
    v128_t sum = wasm_f32x4_splat(0);
    for (int pixel = 0; pixel < pixels; pixel++) {
      const v128_t x = wasm_f32x4_sub(wasm_v128_load(in + pixel * channels + c), middle);
      sum = wasm_f32x4_add(sum, squared ? wasm_f32x4_mul(x, x) : x);
    }
    wasm_v128_store(total + c, sum);
  }
}

INLINE float group_mean(int first, int size, int pixels) {
  float sum = 0;
  for (int c = first; c < first + size; c++) sum += total[c];
  return sum / (float)(size * pixels);
}

/* group normalisation, then factor and shift, then perhaps SiLU, into an image with a border */
void EXPORT(normalise)(const float *in, float *out, const Norm *norm, int height, int width,
                       int channels, int border) {
  const int size = channels / norm->groups, pixels = height * width;
  for (int c = 0; c < channels; c++) mean[c] = 0;
  sum_over_pixels(in, pixels, channels, 0);
  for (int c = 0; c < channels; c += size) {
    const float middle = group_mean(c, size, pixels);
    for (int k = 0; k < size; k++) mean[c + k] = middle;
  }
  sum_over_pixels(in, pixels, channels, 1);
  for (int c = 0; c < channels; c += size) {
    const float inverse = 1 / __builtin_sqrtf(group_mean(c, size, pixels) + 1e-5f);
    for (int k = 0; k < size; k++) total[c + k] = inverse;
  }
  for (int x = 0; x < width; x++) {
    const float *factor = norm->factor + x * norm->step, *shift = norm->shift + x * norm->step;
    for (int c = 0; c < channels; c++) {
      scale[c] = total[c] * factor[c];
      offset[c] = shift[c] - mean[c] * scale[c];
    }
    for (int y = 0; y < height; y++) {
      const float *from = in + (y * width + x) * channels;
      float *to = out + ((y + border) * (width + 2 * border) + x + border) * channels;
      for (int c = 0; c < channels; c += 4) {
        v128_t v = wasm_f32x4_mul(wasm_v128_load(from + c), wasm_v128_load(scale + c));
        v = wasm_f32x4_add(v, wasm_v128_load(offset + c));
        wasm_v128_store(to + c, norm->activate ? silu(v) : v);
      }
    }
  }
}

INLINE float sum_of(v128_t x) {
  return wasm_f32x4_extract_lane(x, 0) + wasm_f32x4_extract_lane(x, 1) +
         wasm_f32x4_extract_lane(x, 2) + wasm_f32x4_extract_lane(x, 3);
}

/* self-attention by heads of 64 channels: a token's queries, keys and values lie side by side */
void EXPORT(attend)(const float *qkv, float *out, float *weights, int tokens, int channels) {
  for (int head = 0; head < channels; head += HEAD) {
    for (int i = 0; i < tokens; i++) {
      const float *query = qkv + i * 3 * channels + head;
      float most = -1e30f, sum = 0;
      for (int j = 0; j < tokens; j++) {
        const float *key = qkv + j * 3 * channels + channels + head;
        v128_t dot = wasm_f32x4_splat(0);
        for (int c = 0; c < HEAD; c += 4)
          dot = MULTIPLY_ADD(wasm_v128_load(query + c), wasm_v128_load(key + c), dot);
        weights[j] = sum_of(dot) / 8;  /* the root of 64 */
        if (weights[j] > most) most = weights[j];
      }
      for (int j = 0; j < tokens; j++) {
        weights[j] = wasm_f32x4_extract_lane(exponential(wasm_f32x4_splat(weights[j] - most)), 0);
        sum += weights[j];
      }
      for (int c = 0; c < HEAD; c += 4) {
        v128_t mix = wasm_f32x4_splat(0);
        for (int j = 0; j < tokens; j++) {
          const float *value = qkv + j * 3 * channels + 2 * channels + head;
          mix = MULTIPLY_ADD(wasm_f32x4_splat(weights[j] / sum), wasm_v128_load(value + c), mix);
        }
        wasm_v128_store(out + i * channels + head + c, mix);
      }
    }
  }
}

/* factor * (a + b), for `count` floats, a multiple of 4 */
void EXPORT(combine)(const float *a, const float *b, float *out, int count, float factor) {
  for (int k = 0; k < count; k += 4) {
    const v128_t sum = wasm_f32x4_add(wasm_v128_load(a + k), wasm_v128_load(b + k));
    wasm_v128_store(out + k, wasm_f32x4_mul(sum, wasm_f32x4_splat(factor)));
  }
}

/* the channels of two images side by side; both have a multiple of 4 */
void EXPORT(join)(const float *a, const float *b, float *out, int pixels, int first, int second) {
  for (int pixel = 0; pixel < pixels; pixel++) {
    for (int c = 0; c < first; c += 4, a += 4, out += 4) wasm_v128_store(out, wasm_v128_load(a));
    for (int c = 0; c < second; c += 4, b += 4, out += 4) wasm_v128_store(out, wasm_v128_load(b));
  }
}

/* each 2x2 patch of (height, width, channels) becomes one pixel of 4 * channels, in a border */
void EXPORT(fold)(const float *in, float *out, int height, int width, int channels, int border) {
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const int row = y / 2 + border, column = x / 2 + border, place = y % 2 * 2 + x % 2;
      float *to = out + (row * (width / 2 + 2 * border) + column) * channels * 4 + place;
      for (int c = 0; c < channels; c++) to[c * 4] = in[(y * width + x) * channels + c];
    }
}

/* the reverse of fold: (height, width, 4 * channels) -> (2 * height, 2 * width, channels) */
void EXPORT(unfold)(const float *in, float *out, int height, int width, int channels) {
  for (int y = 0; y < 2 * height; y++)
    for (int x = 0; x < 2 * width; x++) {
      const float *from = in + (y / 2 * width + x / 2) * channels * 4 + y % 2 * 2 + x % 2;
      for (int c = 0; c < channels; c++) out[(y * 2 * width + x) * channels + c] = from[c * 4];
    }
}
