// Every float operation is rounded by itself, to nearest, with subnormal numbers, as IEEE 754 says.
// GCC's pragma keeps products and sums apart whatever its flags are. Clang's is void where it is
// called with -ffp-contract=fast: leave that out.
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    defined(__NO_SIGNED_ZEROS__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "Compile without -ffast-math and its parts: the answers would not be the engine's."
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "Floats must be computed as floats: on 32-bit x86 add -msse2 -mfpmath=sse."
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
#if defined(__GNUC__)
#define INLINE inline __attribute__((always_inline, unused))
#define NOINLINE __attribute__((noinline))
#define MAY_ALIAS __attribute__((may_alias))
#else
#define INLINE inline
#define NOINLINE
#define MAY_ALIAS
#endif
#if defined(__riscv_zbb) || defined(__POPCNT__)
#define POPCOUNT(bits) ((word)__builtin_popcount(bits))
#endif
/* What lies in the arena: its memory serves one type after another. */
typedef float MAY_ALIAS real;
typedef uint32_t MAY_ALIAS word;
typedef int32_t MAY_ALIAS whole;
