// knear encode, knear decode: an index's codec by itself, block by block.
#include <fmt/format.h>

#include <functional>
#include <memory>

#include "command.h"
#include "knear/io.h"
#include "measure.h"
#include "source.h"
#include "target.h"
#include "text.h"

namespace knear::cli {
namespace {

constexpr const char* kEncodeExamples = R"(Examples:
  knear encode base.fbin base.knear -o codes.npy     (uint8, one code a row; nothing is stored in the index))";
constexpr const char* kDecodeExamples = R"(Examples:
  knear decode codes.npy base.knear -o rows.fbin)";

struct CodesFlags {
  std::string data;
  std::string index;
  std::string output;
};

// One block of the input as a block of the output.
using Turn = std::function<void(MatrixView block, const RunOptions& run, VectorFileWriter& writer)>;

Exit turn_all(const CodesFlags& flags, VectorFile& file, VectorFileWriter& writer, Session& session, const Turn& turn) {
  Stopwatch watch;
  for_each_block(file, {0, file.rows()}, session, [&](std::size_t first, MatrixView block) {
    turn(block, session.run_part("rows", first, file.rows()), writer);
  });
  writer.finish();
  session.bar().clear();
  const double seconds = watch.lap();
  Result result;
  result.add("rows", file.rows(), "rows", grouped(file.rows()));
  result.add("seconds", seconds, "done in", fmt::format("{}, {} threads", duration_text(seconds), session.threads()));
  result.add("output", flags.output, "written to", flags.output);
  add_peak_memory(result);
  session.print(result);
  return Exit::fine;
}

Exit encode(const CodesFlags& flags, Session& session) {
  require_writable(flags.output);
  const auto index = load(flags.index);
  const auto file = open_source(flags.data, "train", session);
  const std::size_t code_bytes = index->code_bytes();
  const auto writer = create_vectors(flags.output, code_bytes, DType::u8);
  return turn_all(flags, *file, *writer, session, [&](MatrixView block, const RunOptions& run, VectorFileWriter& to) {
    const std::vector<Byte> codes = index->encode(block, run);
    to.append({codes.data(), DType::u8, block.rows(), code_bytes, static_cast<std::ptrdiff_t>(code_bytes)});
  });
}

Exit decode(const CodesFlags& flags, Session& session) {
  require_writable(flags.output);
  const auto index = load(flags.index);
  const auto file = open_source(flags.data, "train", session);
  const std::size_t code_bytes = index->code_bytes();
  if (file->dtype() != DType::u8 || file->dim() != code_bytes) {
    throw Error(Error::invalid_argument,
                fmt::format("{} holds {} numbers of {} a row, the codes of {} are {} of uint8", flags.data, file->dim(),
                            name_of(file->dtype()), flags.index, code_bytes));
  }
  const auto writer = create_vectors(flags.output, index->dim(), DType::f32);
  // A code may stand for many more bytes than it has.
  constexpr std::size_t kRowsAtOnce = 4096;
  return turn_all(flags, *file, *writer, session, [&](MatrixView block, const RunOptions& run, VectorFileWriter& to) {
    std::vector<Byte> codes;
    for (std::size_t first = 0; first < block.rows(); first += kRowsAtOnce) {
      const std::size_t count = std::min(kRowsAtOnce, block.rows() - first);
      codes.clear();
      for (std::size_t i = 0; i < count; ++i) {
        codes.insert(codes.end(), block.row(first + i), block.row(first + i) + code_bytes);
      }
      to.append(index->decode(codes, {.num_threads = run.num_threads, .stop = run.stop}));
    }
  });
}

}  // namespace

Command declare_encode(CLI::App& program) {
  auto flags = std::make_shared<CodesFlags>();
  CLI::App* app = program.add_subcommand("encode", "Turn vectors into the codes of an index");
  app->add_option("DATA", flags->data, "Vectors, as DATA of build")->required();
  app->add_option("FILE", flags->index, "A trained index file")->required();
  app->add_option("-o,--output", flags->output, "Codes as .npy or .u8bin")
      ->required()
      ->check(named_like({".npy", ".u8bin"}));
  app->footer(kEncodeExamples);
  return {app, [flags](Session& session) { return encode(*flags, session); }};
}

Command declare_decode(CLI::App& program) {
  auto flags = std::make_shared<CodesFlags>();
  CLI::App* app = program.add_subcommand("decode", "Turn codes of an index back into vectors");
  app->add_option("CODES", flags->data, "Codes that encode wrote")->required();
  app->add_option("FILE", flags->index, "The index file")->required();
  app->add_option("-o,--output", flags->output, "Vectors as .npy, .fvecs or .fbin")
      ->required()
      ->check(named_like({".npy", ".fvecs", ".fbin"}));
  app->footer(kDecodeExamples);
  return {app, [flags](Session& session) { return decode(*flags, session); }};
}

}  // namespace knear::cli
