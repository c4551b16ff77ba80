// The names that everybody who knows the field knows. Each only builds; nothing in knear depends on them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "knear/codecs.h"
#include "knear/partition.h"
#include "knear/scan.h"
#include "knear/spec.h"
#include "knear/transform.h"
#include "knear/wrap.h"

namespace knear {

// Exact search over rows kept as they are.
struct IndexFlat : ScanIndex {
  explicit IndexFlat(std::size_t dim, Metric metric = Metric::l2, DType stored = DType::f32,
                     ExactBy by = ExactBy::automatic)
      : ScanIndex(make_flat_codec(dim, metric, stored, by)) {}
};

struct IndexFlatL2 : IndexFlat {
  explicit IndexFlatL2(std::size_t dim) : IndexFlat(dim, Metric::l2) {}
};

struct IndexFlatIP : IndexFlat {
  explicit IndexFlatIP(std::size_t dim) : IndexFlat(dim, Metric::inner_product) {}
};

struct IndexFlatCosine : IndexFlat {
  explicit IndexFlatCosine(std::size_t dim) : IndexFlat(dim, Metric::cosine) {}
};

// One dimension; distances are |x - y|, as the field has it.
struct IndexFlat1D : IndexFlat {
  IndexFlat1D() : IndexFlat(1, Metric::l1) {}
};

// Product quantizer.
struct IndexPQ : ScanIndex {
  IndexPQ(std::size_t dim, std::size_t subs, std::size_t bits, Metric metric = Metric::l2)
      : ScanIndex(make_pq_codec(dim, metric, {.subs = subs, .bits = bits})) {}
};

// The same with 4 bits, scanned by register lookups.
struct IndexPQFastScan : ScanIndex {
  IndexPQFastScan(std::size_t dim, std::size_t subs, std::size_t bits = 4, Metric metric = Metric::l2)
      : ScanIndex(make_pq_codec(dim, metric, {.subs = subs, .bits = bits, .layout = CodeLayout::planes})) {}
};

// Each element one of 2^bits equally spaced values.
struct IndexScalarQuantizer : ScanIndex {
  explicit IndexScalarQuantizer(std::size_t dim, const SqOptions& options = {}, Metric metric = Metric::l2)
      : ScanIndex(make_sq_codec(dim, metric, options)) {}
};

// Transforms in front of an index.
struct IndexPreTransform : PreTransformIndex {
  IndexPreTransform(TransformChain transforms, std::shared_ptr<Index> index)
      : PreTransformIndex(std::move(transforms), std::move(index)) {}
  IndexPreTransform(std::shared_ptr<Transform> transform, std::shared_ptr<Index> index)
      : IndexPreTransform(TransformChain{std::move(transform)}, std::move(index)) {}
};

// Candidates of the base, ranked again by finer codes.
struct IndexRefine : RefineIndex {
  IndexRefine(std::shared_ptr<Index> base, std::shared_ptr<Index> refine, float k_factor = kDefaultKFactor)
      : RefineIndex(std::move(base), std::move(refine), k_factor) {}
};

// The same, by the rows as they are.
struct IndexRefineFlat : IndexRefine {
  explicit IndexRefineFlat(const std::shared_ptr<Index>& base, float k_factor = kDefaultKFactor)
      : IndexRefine(base, std::make_shared<IndexFlat>(base->dim(), base->metric()), k_factor) {}
};

// Bits compared by Hamming distance; 0 bits: as many as dimensions.
struct IndexLSH : ScanIndex {
  explicit IndexLSH(std::size_t dim, std::size_t bits = 0)
      : IndexLSH(dim, LshOptions{.bits = bits, .rotated = true, .thresholds = false}) {}
  IndexLSH(std::size_t dim, const LshOptions& options) : ScanIndex(make_lsh_codec(dim, Metric::l2, options)) {}
};

// nb_bits for each dimension; turns rows itself.
struct IndexRaBitQ : ScanIndex {
  explicit IndexRaBitQ(std::size_t dim, Metric metric = Metric::l2, std::size_t nb_bits = 1)
      : ScanIndex(make_rabitq_codec(dim, metric, {.bits = nb_bits})) {}
};

// Lengths and integer points on spheres.
struct IndexLattice : ScanIndex {
  IndexLattice(std::size_t dim, const ZnOptions& options, Metric metric = Metric::l2)
      : ScanIndex(make_zn_codec(dim, metric, options)) {}
};

// Rows as they are, in the lists of nlist cells that the coarse index finds; training fills it unless it is full.
struct IndexIVFFlat : IvfIndex {
  IndexIVFFlat(std::shared_ptr<Index> coarse, std::size_t dim, std::size_t nlist, Metric metric = Metric::l2)
      : IvfIndex(std::move(coarse), make_flat_codec(dim, metric), {.nlist = nlist}) {}
};

// Product quantizer codes of what centroids leave of rows.
struct IndexIVFPQ : IvfIndex {
  IndexIVFPQ(std::shared_ptr<Index> coarse, std::size_t dim, std::size_t nlist, std::size_t subs, std::size_t bits = 8,
             Metric metric = Metric::l2)
      : IvfIndex(std::move(coarse), make_pq_codec(dim, metric, {.subs = subs, .bits = bits}), {.nlist = nlist}) {}
};

// 4-bit codes of the rows themselves, scanned by register lookups.
struct IndexIVFPQFastScan : IvfIndex {
  IndexIVFPQFastScan(std::shared_ptr<Index> coarse, std::size_t dim, std::size_t nlist, std::size_t subs,
                     std::size_t bits = 4, Metric metric = Metric::l2)
      : IvfIndex(std::move(coarse),
                 make_pq_codec(dim, metric, {.subs = subs, .bits = bits, .layout = CodeLayout::planes}),
                 {.nlist = nlist}) {}
};

// Each element of what centroids leave of rows (by_residual = false: of rows) rounded on its own.
struct IndexIVFScalarQuantizer : IvfIndex {
  IndexIVFScalarQuantizer(std::shared_ptr<Index> coarse, std::size_t dim, std::size_t nlist,
                          const SqOptions& options = {}, Metric metric = Metric::l2,
                          std::optional<bool> by_residual = {})
      : IvfIndex(std::move(coarse), make_sq_codec(dim, metric, options), {.nlist = nlist, .by_residual = by_residual}) {
  }
};

// RaBitQ codes of nb_bits a dimension of what centroids leave of rows.
struct IndexIVFRaBitQ : IvfIndex {
  IndexIVFRaBitQ(std::shared_ptr<Index> coarse, std::size_t dim, std::size_t nlist, Metric metric = Metric::l2,
                 std::size_t nb_bits = 1)
      : IvfIndex(std::move(coarse), make_rabitq_codec(dim, metric, {.bits = nb_bits}), {.nlist = nlist}) {}
};

// Coarse indexes of 2^(subs * bits) cells that are combinations, for the partitions above.
struct MultiIndexQuantizer : ImplicitIndex {
  MultiIndexQuantizer(std::size_t dim, std::size_t subs, std::size_t bits, Metric metric = Metric::l2)
      : ImplicitIndex(make_multi_index(dim, metric, {.subs = subs, .bits = bits})) {}
};

struct ResidualCoarseQuantizer : ImplicitIndex {
  ResidualCoarseQuantizer(std::size_t dim, std::size_t levels, std::size_t bits, Metric metric = Metric::l2,
                          float beam_factor = kDefaultBeamFactor)
      : ImplicitIndex(make_residual_levels(dim, metric, {.levels = levels, .bits = bits, .beam_factor = beam_factor})) {
  }
};

// Product quantizer codes of what centroids leave of rows, all of which a search looks at.
struct Index2Layer : IvfIndex {
  Index2Layer(const std::shared_ptr<Index>& coarse, std::size_t nlist, std::size_t subs, std::size_t bits = 8,
              Metric metric = Metric::l2)
      : IvfIndex(coarse, make_pq_codec(coarse ? coarse->dim() : subs, metric, {.subs = subs, .bits = bits}),
                 {.nlist = nlist, .by_residual = true, .nprobe = nlist}) {}
};

// In the lists of nlist cells: product quantizer codes of what the centroids leave of rows, and codes of what these
// leave. The quantizer finds cells; training fills it, unless it holds nlist rows.
struct IndexIVFPQR : IvfIndex {
  IndexIVFPQR(std::shared_ptr<Index> quantizer, std::size_t dim, std::size_t nlist, std::size_t subs, std::size_t bits,
              std::size_t refine_subs, std::size_t refine_bits, Metric metric = Metric::l2)
      : IvfIndex(
            std::move(quantizer),
            make_pqr_codec(dim, metric, {{.subs = subs, .bits = bits}, {.subs = refine_subs, .bits = refine_bits}}),
            {.nlist = nlist}) {}
};

// In the lists of nlist cells: rows as they are, equal ones stored once.
struct IndexIVFFlatDedup : DedupIndex {
  IndexIVFFlatDedup(std::shared_ptr<Index> quantizer, std::size_t dim, std::size_t nlist, Metric metric = Metric::l2)
      : DedupIndex(std::make_shared<IvfIndex>(std::move(quantizer), make_flat_codec(dim, metric),
                                              IvfOptions{.nlist = nlist})) {}
};

// Cells in the original space, codes of images: those of another partition behind a transform. Cells are found by the
// quantizer, empty or full; of the other, its description counts (cells, residuals where it was told, codes), not what
// it has learned. A transform that came trained stays as it is.
struct IndexIVFIndependentQuantizer : IvfIndex {
  IndexIVFIndependentQuantizer(std::shared_ptr<Index> quantizer, const IvfIndex& index_ivf,
                               std::shared_ptr<Transform> transform);

 private:
  IndexIVFIndependentQuantizer(std::shared_ptr<Index> quantizer, const Spec& spec, std::unique_ptr<Codec> codec);
};

// Bits of waves of images, compared by Hamming distance, in lists.
struct IndexIVFSpectralHash : IvfIndex {
  // nbit dimensions of ITQ, or of a random rotation where there are more bits than dimensions; no period: learned.
  IndexIVFSpectralHash(std::shared_ptr<Index> quantizer, std::size_t dim, std::size_t nlist, std::size_t nbit,
                       std::optional<float> period = {})
      : IndexIVFSpectralHash(std::move(quantizer), {.nlist = nlist},
                             nbit <= dim ? make_itq(dim, nbit) : make_random_rotation(dim, nbit), {.period = period}) {}
  // With by_residual, thresholds are at the centroids.
  IndexIVFSpectralHash(std::shared_ptr<Index> quantizer, const IvfOptions& cells,
                       const std::shared_ptr<Transform>& transform, const SpectralOptions& hash);
};

}  // namespace knear
