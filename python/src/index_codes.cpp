// knear.Index: its codec by itself.
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <string>
#include <vector>

#include "arrays.h"
#include "call.h"
#include "module.h"

namespace knear::python {

namespace {

nb::object encode(const PyIndex& self, const ArrayLike& x, const ProgressLike& progress,
                  std::optional<Int> num_threads) {
  const Rows rows(x, "x");
  Call call({num_threads, std::nullopt, progress},
            static_cast<double>(rows.view().rows()) * static_cast<double>(rows.view().dim()));
  std::vector<Byte> codes;
  call.run([&] { codes = self.index->encode(rows.view(), call.options()); });
  return make_array(std::move(codes), {rows.view().rows(), without_gil([&] { return self.index->code_bytes(); })});
}

// Codes that lie one after the other.
std::vector<Byte> packed(const MatrixView& codes) {
  std::vector<Byte> bytes(codes.rows() * codes.dim());
  for (std::size_t i = 0; i < codes.rows(); ++i) std::copy_n(codes.row(i), codes.dim(), &bytes[i * codes.dim()]);
  return bytes;
}

nb::object decode(const PyIndex& self, const ArrayLike& codes, const ProgressLike& progress,
                  std::optional<Int> num_threads) {
  const Rows given(codes, "codes");
  const MatrixView& view = given.view();
  const std::size_t code_bytes = without_gil([&] { return self.index->code_bytes(); });
  if (view.dtype() != DType::u8)
    throw Error(Error::wrong_type, "codes are uint8, not " + std::string(knear::name_of(view.dtype())));
  if (view.dim() != code_bytes)
    throw Error(Error::invalid_argument,
                "codes have " + std::to_string(code_bytes) + " bytes each, not " + std::to_string(view.dim()));
  Call call({num_threads, std::nullopt, progress},
            static_cast<double>(view.rows()) * static_cast<double>(self.index->dim()));
  Matrix rows;
  call.run([&] {
    const bool in_place = view.contiguous() && view.rows() > 0;
    const std::vector<Byte> copy = in_place ? std::vector<Byte>() : packed(view);
    const std::span<const Byte> bytes = in_place ? std::span(view.data(), view.rows() * code_bytes) : std::span(copy);
    rows = self.index->decode(bytes, call.options());
  });
  return make_array(std::move(rows));
}

}  // namespace

void define_codes(nb::class_<PyIndex>& type) {
  const auto stored = [](const PyIndex& self) { return without_gil([&] { return self.index->stats().code_bytes; }); };
  const auto alone = [](const PyIndex& self) { return without_gil([&] { return self.index->code_bytes(); }); };
  type.def_prop_ro("code_size", stored, "Bytes of one stored code.")
      .def("sa_code_size", alone, "Bytes of one code of sa_encode(): with the cell's number where there are cells.");
  type.def(
      "sa_encode",
      [](const PyIndex& self, const ArrayLike& x, const ProgressLike& progress, std::optional<Int> num_threads) {
        return nb::typed<nb::object, ByteArray>(encode(self, x, progress, num_threads));
      },
      nb::arg("x"), nb::kw_only(), nb::arg("progress") = nb::none(), nb::arg("num_threads") = nb::none(),
      R"(The codes of rows x of shape (n, dim), uint8 of shape (n, code_size). Nothing is stored.

    >>> index = knear.index("Flat", 2, dtype="uint8")
    >>> index.sa_encode([[1, 2], [3, 4.4]]).tolist()
    [[1, 2], [3, 4]]
)");
  type.def(
      "sa_decode",
      [](const PyIndex& self, const ArrayLike& codes, const ProgressLike& progress, std::optional<Int> num_threads) {
        return nb::typed<nb::object, FloatArray>(decode(self, codes, progress, num_threads));
      },
      nb::arg("codes"), nb::kw_only(), nb::arg("progress") = nb::none(), nb::arg("num_threads") = nb::none(),
      "The rows that codes, uint8 of shape (n, code_size), stand for: float32 of shape (n, dim).");
}

}  // namespace knear::python
