#include "transform/orthonormal.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include "core/rng.h"

namespace knear {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Dense = Eigen::MatrixXd;

Eigen::Index index(std::size_t n) { return static_cast<Eigen::Index>(n); }

Eigen::Map<const RowMajor> view(std::span<const double> m, std::size_t rows, std::size_t columns) {
  return {m.data(), index(rows), index(columns)};
}

template <class Matrix>
std::vector<double> values_of(const Matrix& m) {
  std::vector<double> values(static_cast<std::size_t>(m.size()));
  Eigen::Map<RowMajor>(values.data(), m.rows(), m.cols()) = m;
  return values;
}

// The columns of m made orthonormal one after the other, each keeping its direction as far as it can.
Dense orthonormal_columns(const Dense& m) {
  const Eigen::HouseholderQR<Dense> qr(m);
  Dense q = qr.householderQ() * Dense::Identity(m.rows(), m.cols());
  for (Eigen::Index j = 0; j < m.cols(); ++j) {
    if (qr.matrixQR()(j, j) < 0) q.col(j) = -q.col(j);
  }
  return q;
}

}  // namespace

std::vector<double> random_orthonormal(std::size_t rows, std::size_t columns, std::uint64_t seed) {
  Rng rng(seed);
  Dense gaussian(index(std::max(rows, columns)), index(std::min(rows, columns)));
  for (Eigen::Index i = 0; i < gaussian.rows(); ++i) {
    for (Eigen::Index j = 0; j < gaussian.cols(); ++j) gaussian(i, j) = rng.normal();
  }
  const Dense q = orthonormal_columns(gaussian);
  return rows >= columns ? values_of(q) : values_of(q.transpose());
}

// From the eigenvectors V of m^T m: the columns of m V are the left singular vectors, scaled. Directions that m does
// not have are filled up by the QR.
std::vector<double> orthogonal_factor(std::span<const double> m, std::size_t rows, std::size_t columns) {
  const Dense matrix = view(m, rows, columns);
  const Eigenpairs pairs = eigenpairs(values_of(matrix.transpose() * matrix), columns);
  const Dense v = view(pairs.vectors, columns, columns).transpose();
  return values_of(orthonormal_columns(matrix * v) * v.transpose());
}

Eigenpairs eigenpairs(std::span<const double> matrix, std::size_t dim) {
  const Eigen::SelfAdjointEigenSolver<Dense> solver(Dense(view(matrix, dim, dim)));
  Eigenpairs pairs;
  pairs.vectors.resize(dim * dim);
  for (std::size_t i = 0; i < dim; ++i) {
    const Eigen::Index from = index(dim - 1 - i);  // the solver's are ascending
    pairs.values.push_back(std::max(0.0, solver.eigenvalues()(from)));
    Eigen::Index largest = 0;
    solver.eigenvectors().col(from).cwiseAbs().maxCoeff(&largest);
    const double sign = solver.eigenvectors()(largest, from) < 0 ? -1 : 1;
    for (std::size_t j = 0; j < dim; ++j) pairs.vectors[i * dim + j] = sign * solver.eigenvectors()(index(j), from);
  }
  return pairs;
}

std::vector<double> pseudoinverse(std::span<const double> m, std::size_t rows, std::size_t columns) {
  const Dense matrix = view(m, rows, columns);
  return values_of(matrix.completeOrthogonalDecomposition().pseudoInverse());
}

std::vector<double> transposed(std::span<const double> m, std::size_t rows, std::size_t columns) {
  return values_of(view(m, rows, columns).transpose());
}

std::vector<double> product(std::span<const double> a, std::span<const double> b, std::size_t inner) {
  return values_of(Dense(view(a, a.size() / inner, inner) * view(b, inner, b.size() / inner)));
}

}  // namespace knear
