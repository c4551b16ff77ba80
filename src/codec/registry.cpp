#include "codec/registry.h"

namespace knear {
namespace {

constexpr CodecRow kRows[] = {
    {"Flat[,dtype=float32|float16|bfloat16|int8|uint8][,exact=auto|int8|fp32]", "rows as they are, or rounded",
     read_flat_codec},
    {"PQ<M>[x<bits>]+<M>[x<bits>]", "two product quantizers, the second of what the first leaves", read_pqr_codec},
    {"PQ<M>[x<bits>][np][,order=polysemous] or PQ<M>x4fs", "product quantizer; fs: 4 bits in planes, for fast scans",
     read_pq_codec},
    {"SQ8|SQ6|SQ4[,range=uniform][,rangestat=minmax|meanstd|quantiles|optim][,rangestat_arg=X]",
     "each element one of 2^bits equally spaced values", read_sq_codec},
    {"LSH[<bits>][r][t]", "signs of the elements, compared by Hamming distance; r: rotated, t: with learned thresholds",
     read_lsh_codec},
    {"SQfp16|SQbf16|SQ8_direct|SQ8_direct_signed", "other names of Flat with a dtype", read_sq_codec},
    {"RaBitQ[<bits>][,rotate=none|hadamard][,centre=none|mean]", "1 to 9 bits a dimension and a bound of the error",
     read_rabitq_codec},
    {"ZnLattice<parts>x<r2>_<bits>", "each part a length of so many bits and an integer point on a sphere",
     read_zn_codec},
    {"SH[<period>][g|m|h], behind cells SH[<period>]c", "bits of waves, compared by Hamming distance",
     read_spectral_codec},
};

}  // namespace

std::span<const CodecRow> codec_rows() { return kRows; }

MakeCodec read_codec(const Stage& stage) { return read_by(codec_rows(), stage); }

}  // namespace knear
