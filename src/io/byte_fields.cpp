#include "io/byte_fields.h"

#include <bit>
#include <cmath>

#include "core/check.h"

namespace knear {

namespace {

std::uint64_t number_of(std::span<const Byte> bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

void ByteSink::put(std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) bytes_.push_back(static_cast<Byte>(value >> 8 * i));
}

void ByteSink::u32(std::uint32_t value) { put(value, 4); }

void ByteSink::u64(std::uint64_t value) { put(value, 8); }

void ByteSink::f32(float value) { u32(std::bit_cast<std::uint32_t>(value)); }

void ByteSink::f64(double value) { u64(std::bit_cast<std::uint64_t>(value)); }

void ByteSink::floats(std::span<const float> values) {
  for (const float value : values) f32(value);
}

void ByteSink::text(std::string_view value) {
  u64(value.size());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

std::span<const Byte> ByteSource::take(std::uint64_t n) {
  if (n > rest_.size())
    fail(Error::corrupt_file, what_, " ends too early: ", n, " bytes are wanted, ", rest_.size(), " are left");
  const auto taken = rest_.first(static_cast<std::size_t>(n));
  rest_ = rest_.subspan(taken.size());
  return taken;
}

std::uint32_t ByteSource::u32() { return static_cast<std::uint32_t>(number_of(take(4))); }

std::uint64_t ByteSource::u64() { return number_of(take(8)); }

float ByteSource::f32() { return std::bit_cast<float>(u32()); }

double ByteSource::f64() { return std::bit_cast<double>(u64()); }

std::vector<float> ByteSource::floats(std::uint64_t n) {
  const auto bytes = take(n > rest_.size() / 4 ? rest_.size() + 1 : 4 * n);
  std::vector<float> values(bytes.size() / 4);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::bit_cast<float>(static_cast<std::uint32_t>(number_of(bytes.subspan(4 * i, 4))));
    if (!std::isfinite(values[i])) fail(Error::corrupt_file, what_, " holds ", values[i], " where a number should be");
  }
  return values;
}

std::string ByteSource::text() {
  const auto bytes = take(u64());
  return {bytes.begin(), bytes.end()};
}

void ByteSource::done() const {
  if (!rest_.empty()) fail(Error::corrupt_file, what_, " has ", rest_.size(), " bytes more than it should have");
}

}  // namespace knear
