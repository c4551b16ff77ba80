// The dense matrix arithmetic behind the learned transforms, in float64. Matrices are row-major.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace knear {

// rows x columns; orthonormal columns when there are more rows, else orthonormal rows. Drawn evenly: QR of a Gaussian
// matrix with positive diagonal (Mezzadri: "How to generate random matrices from the classical compact groups", Notices
// of the AMS 54, 2007).
std::vector<double> random_orthonormal(std::size_t rows, std::size_t columns, std::uint64_t seed);

// The orthogonal factor of m: of all rows x columns matrices R with orthonormal columns (rows >= columns) the one with
// the largest trace of R^T m (Schönemann: "A generalized solution of the orthogonal Procrustes problem", Psychometrika
// 31, 1966).
std::vector<double> orthogonal_factor(std::span<const double> m, std::size_t rows, std::size_t columns);

struct Eigenpairs {
  std::vector<double> values;   // the largest first; negative ones, which are rounding, as 0
  std::vector<double> vectors;  // as rows; the entry of each with the largest size is positive
};
// Of a symmetric positive semidefinite dim x dim matrix.
Eigenpairs eigenpairs(std::span<const double> matrix, std::size_t dim);

// The pseudoinverse of m, columns x rows.
std::vector<double> pseudoinverse(std::span<const double> m, std::size_t rows, std::size_t columns);

std::vector<double> transposed(std::span<const double> m, std::size_t rows, std::size_t columns);

// a (rows x inner) times b (inner x columns).
std::vector<double> product(std::span<const double> a, std::span<const double> b, std::size_t inner);

}  // namespace knear
