#include "knear/names.h"

namespace knear {

IndexIVFIndependentQuantizer::IndexIVFIndependentQuantizer(std::shared_ptr<Index> quantizer, const IvfIndex& index_ivf,
                                                           std::shared_ptr<Transform> transform)
    : IndexIVFIndependentQuantizer(
          std::move(quantizer), parse_spec(index_ivf.spec()),
          make_transformed_codec({std::move(transform)},
                                 build_codec(parse_spec(index_ivf.spec()), index_ivf.dim(), index_ivf.metric()))) {}

IndexIVFIndependentQuantizer::IndexIVFIndependentQuantizer(std::shared_ptr<Index> quantizer, const Spec& spec,
                                                           std::unique_ptr<Codec> codec)
    : IvfIndex(std::move(quantizer), std::move(codec),
               {.nlist = spec.cells->nlist, .by_residual = spec.cells->by_residual, .nprobe = spec.cells->nprobe}) {}

IndexIVFSpectralHash::IndexIVFSpectralHash(std::shared_ptr<Index> quantizer, const IvfOptions& cells,
                                           const std::shared_ptr<Transform>& transform, const SpectralOptions& hash)
    : IvfIndex(std::move(quantizer),
               make_transformed_codec({transform}, make_spectral_codec(transform->dim_out(), Metric::l2, hash)),
               cells) {}

}  // namespace knear
