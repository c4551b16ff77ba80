// knear convert: vectors and ids from one format, element type or range of rows to another.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "command.h"
#include "flags.h"
#include "knear/codecs.h"
#include "source.h"
#include "target.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  knear convert glove.hdf5:train base.fbin
  knear convert base.fvecs base.npy --dtype float16
  knear convert base.fvecs first_million.fvecs --rows :1000000
  knear convert glove.hdf5:neighbors truth.ivecs

Floats become float16 by rounding to the nearest, and int8 or uint8 by rounding and clamping; the
largest change is reported.)";

struct ConvertFlags {
  std::string input;
  std::string output;
  std::string rows = ":";
  std::string dtype;
};

// What --rows says; an end left out is that of the file.
struct RowsFlag {
  std::size_t first = 0;
  std::optional<std::size_t> end;
};

std::optional<std::size_t> row_number(const std::string& text) {
  if (text.empty()) return {};
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  throw Error(Error::invalid_argument, fmt::format("'{}' is no row number; write first:end, e.g. 0:1000", text));
}

RowsFlag parse_rows(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) {
    throw Error(Error::invalid_argument, fmt::format("'{}' is no range of rows; write first:end, e.g. 0:1000", text));
  }
  const RowsFlag rows = {row_number(text.substr(0, colon)).value_or(0), row_number(text.substr(colon + 1))};
  if (rows.end && rows.first > *rows.end) {
    throw Error(Error::invalid_argument, fmt::format("rows {}: the first comes after the end", text));
  }
  return rows;
}

RowRange rows_within(const ConvertFlags& flags, std::size_t rows) {
  const RowsFlag asked = parse_rows(flags.rows);
  const RowRange range = {asked.first, asked.end.value_or(rows)};
  if (range.first > range.end || range.end > rows) {
    throw Error(Error::invalid_argument, fmt::format("--rows {}: {} has {} rows", flags.rows, flags.input, rows));
  }
  return range;
}

bool holds_ids(const ConvertFlags& flags) {
  const Source source = source_of(flags.input, "train");
  const auto is_ids = [](const std::filesystem::path& path) {
    return path.extension() == ".ivecs" || path.extension() == ".ibin";
  };
  return is_ids(source.path) || is_ids(flags.output) || source.dataset == "neighbors";
}

// The element type to write: what --dtype says, else the only one of the format, else that of the input.
DType written_type(const ConvertFlags& flags, DType input) {
  static const std::map<std::string, DType> only_types = {{".fvecs", DType::f32},
                                                          {".fbin", DType::f32},
                                                          {".bvecs", DType::u8},
                                                          {".u8bin", DType::u8},
                                                          {".i8bin", DType::i8}};
  if (!flags.dtype.empty()) return dtype_of(flags.dtype);
  const auto only = only_types.find(std::filesystem::path(flags.output).extension().string());
  return only == only_types.end() ? input : only->second;
}

// Rows of any type as rows of one type.
class Converter {
 public:
  Converter(std::size_t dim, DType to) : codec_(make_flat_codec(dim, Metric::l2, to)), to_(to) {}

  // The view is good until the next call.
  MatrixView convert(MatrixView rows) {
    if (rows.dtype() == to_) return rows;
    codes_.resize(rows.rows() * codec_->code_bytes());
    codec_->encode(rows, codes_.data());
    const MatrixView converted(codes_.data(), to_, rows.rows(), rows.dim());
    note_change(rows, converted);
    return converted;
  }
  double largest_change() const { return largest_change_; }

 private:
  void note_change(MatrixView before, MatrixView after) {
    std::vector<float> x(before.dim());
    std::vector<float> y(before.dim());
    for (std::size_t i = 0; i < before.rows(); ++i) {
      before.copy_row(i, x.data());
      after.copy_row(i, y.data());
      for (std::size_t j = 0; j < x.size(); ++j) {
        const double change = std::abs(static_cast<double>(x[j]) - static_cast<double>(y[j]));
        if (change > largest_change_) largest_change_ = change;
      }
    }
  }

  std::unique_ptr<Codec> codec_;
  DType to_;
  std::vector<Byte> codes_;
  double largest_change_ = 0;
};

Result convert_vectors(const ConvertFlags& flags, Session& session) {
  const auto file = open_source(flags.input, "train", session);
  const RowRange range = rows_within(flags, file->rows());
  const DType to = written_type(flags, file->dtype());
  Converter converter(file->dim(), to);
  const auto writer = create_vectors(flags.output, file->dim(), to);
  for_each_block(*file, range, session, [&](std::size_t first, MatrixView rows) {
    writer->append(converter.convert(rows));
    session.bar().show("convert", first + rows.rows() - range.first, range.end - range.first);
  });
  writer->finish();

  Result result;
  result.add("output", flags.output, "written to", flags.output);
  result.add("rows", range.end - range.first, "rows", grouped(range.end - range.first));
  result.add("dim", file->dim(), "dimensions", grouped(file->dim()));
  result.add("dtype", name_of(to), "elements", fmt::format("{}, from {}", name_of(to), name_of(file->dtype())));
  result.add("largest_change", converter.largest_change(), "largest change",
             fmt::format("{:.6g}", converter.largest_change()));
  return result;
}

Result convert_ids(const ConvertFlags& flags) {
  IdMatrix ids = read_id_source(flags.input, "neighbors");
  const RowRange range = rows_within(flags, ids.rows);
  ids.ids.erase(ids.ids.begin() + static_cast<std::ptrdiff_t>(range.end * ids.k), ids.ids.end());
  ids.ids.erase(ids.ids.begin(), ids.ids.begin() + static_cast<std::ptrdiff_t>(range.first * ids.k));
  ids.rows = range.end - range.first;
  write_ids(flags.output, ids);

  Result result;
  result.add("output", flags.output, "written to", flags.output);
  result.add("rows", ids.rows, "rows", grouped(ids.rows));
  result.add("k", ids.k, "ids a row", grouped(ids.k));
  return result;
}

Exit run(const ConvertFlags& flags, Session& session) {
  require_writable(flags.output);
  const Result result = holds_ids(flags) ? convert_ids(flags) : convert_vectors(flags, session);
  session.print(result);
  return Exit::fine;
}

}  // namespace

Command declare_convert(CLI::App& program) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* app = program.add_subcommand("convert", "Write vectors or ids in another format");
  app->add_option("IN", flags->input, "Vectors as DATA of build, or ids: .ivecs .ibin .hdf5:neighbors")->required();
  app->add_option("OUT", flags->output, "The file to write; its extension picks the format")
      ->required()
      ->check(named_like({".npy", ".fvecs", ".bvecs", ".fbin", ".u8bin", ".i8bin", ".ivecs", ".ibin"}));
  app->add_option("--rows", flags->rows, "Only rows first:end (counted from 0, end not included)")
      ->check(accepted_by(parse_rows));
  app->add_option("--dtype", flags->dtype, "Elements to write: float32, float16, int8, uint8")
      ->check(accepted_by([](const std::string& name) { dtype_of(name); }));
  app->footer(kExamples);
  return {app, [flags](Session& session) { return run(*flags, session); }};
}

}  // namespace knear::cli
