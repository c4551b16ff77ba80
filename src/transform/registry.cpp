#include "transform/registry.h"

namespace knear {
namespace {

constexpr TransformRow kRows[] = {
    {"PCA[W][R]<n>[,eigen_power=<x>]", "the n directions of most variance; W: whitened, R: rotated", read_pca},
    {"OPQ<M>[_<n>][,bits=<b>][,niter=<n>]", "the rotation for product quantizers of M parts", read_opq},
    {"ITQ[<n>][,niter=<n>]", "the rotation for codes of signs", read_itq},
    {"RR[<n>][,seed=<n>]", "a random rotation", read_random_rotation},
    {"HR[<seed>]", "a random rotation by fast Hadamard transforms", read_hadamard},
    {"L2norm", "rows scaled to length 1", read_l2_normalization},
    {"Centre", "the mean taken away", read_centring},
    {"Linear<n>", "a matrix that was given, as files hold it", read_linear},
    {"Pad<n>", "zeros behind the row, n dimensions in all", read_padding},
    {"Remap(<j>,<j>,...)", "dimensions chosen and reordered; -1 gives 0", read_remap},
};

}  // namespace

std::span<const TransformRow> transform_rows() { return kRows; }

MakeTransform read_transform(const Stage& stage) { return read_by(transform_rows(), stage); }

}  // namespace knear
