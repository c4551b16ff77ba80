#include "codec/polysemous_filter.h"

namespace knear {

PolysemousFilter::PolysemousFilter(const ProductQuantizer& quantizer, Metric::Kind metric, MatrixView queries,
                                   std::size_t most_bits)
    : quantizer_(quantizer),
      tables_(quantizer, metric, queries),
      most_bits_(static_cast<std::uint32_t>(std::min(most_bits, 8 * quantizer.code_bytes() + 1))),
      codes_(queries.rows() * quantizer.code_bytes()),
      numbers_(quantizer.subs()),
      positions_(kRows),
      differences_(kRows) {
  quantizer.encode(queries, codes_.data());
}

std::size_t PolysemousFilter::select(const CodeBlock& block, std::size_t first, std::size_t count, std::size_t q) {
  const std::size_t bytes = quantizer_.code_bytes();
  const kernels::HammingJob job{
      codes_.data() + q * bytes, block.code(first),  block.stride, count, bytes, most_bits_ - 1,
      positions_.data(),         differences_.data()};
  const std::size_t near = kernels::table().hamming(&job);
  summed_ += near;
  return near;
}

float PolysemousFilter::sum_of(std::size_t q, const Byte* code) {
  quantizer_.unpack(code, numbers_.data());
  const float* table = tables_.of(q);
  float sum = 0;
  for (const std::uint16_t number : numbers_) {
    sum += table[number];
    table += quantizer_.centroids();
  }
  return sum;
}

}  // namespace knear
