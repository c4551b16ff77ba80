// Little-endian scalars in and out of small sections.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "knear/matrix.h"

namespace knear {

// Packs fields one after the other.
class ByteSink {
 public:
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void f32(float value);
  void f64(double value);
  void text(std::string_view value);           // u64 length, then the bytes
  void floats(std::span<const float> values);  // without their number
  std::span<const Byte> bytes() const noexcept { return bytes_; }

 private:
  void put(std::uint64_t value, int width);
  std::vector<Byte> bytes_;
};

// Takes them out again, in the same order. `what` names the section in errors; a short section is
// Error::corrupt_file. The bytes must outlive the source.
class ByteSource {
 public:
  ByteSource(std::span<const Byte> bytes, std::string what) : rest_(bytes), what_(std::move(what)) {}
  std::uint32_t u32();
  std::uint64_t u64();
  float f32();
  double f64();
  // n finite ones; Error::corrupt_file when one is not, or before memory is asked for when they are too few.
  std::vector<float> floats(std::uint64_t n);
  std::string text();  // Error::corrupt_file when longer than what is left
  void done() const;   // Error::corrupt_file unless all was read

 private:
  std::span<const Byte> take(std::uint64_t n);
  std::span<const Byte> rest_;
  std::string what_;
};

// What a codec or a transform learned, as a file keeps it; nothing before it is trained.
template <class Learner>
std::vector<Byte> learned_bytes(const Learner& learner) {
  ByteSink sink;
  if (learner.is_trained()) learner.write(sink);
  return {sink.bytes().begin(), sink.bytes().end()};
}

// The other way: the whole section becomes what the untrained learner knows.
template <class Learner>
void learn_from(std::span<const Byte> bytes, const std::string& what, Learner& learner) {
  ByteSource source(bytes, what);
  learner.read(source);
  source.done();
}

}  // namespace knear
