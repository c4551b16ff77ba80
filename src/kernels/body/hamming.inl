// Codes of bits: how many differ from those of a query.

[[gnu::always_inline]] inline uint64_t word_at(const uint8_t* p) {
  uint64_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return word;
}

// Bits in which two codes differ. words: of the code, when that is all of it; else 0.
template <size_t words>
[[gnu::always_inline]] inline uint32_t difference(const uint8_t* a, const uint8_t* b, size_t code_bytes) {
  uint32_t ones = 0;
  if constexpr (words != 0) {
    for (size_t w = 0; w < words; ++w) ones += V::ones(word_at(a + 8 * w) ^ word_at(b + 8 * w));
    return ones;
  }
  size_t at = 0;
  for (; at + 8 <= code_bytes; at += 8) ones += V::ones(word_at(a + at) ^ word_at(b + at));
  uint64_t rest = 0;
  for (; at < code_bytes; ++at) rest = rest << 8 | static_cast<uint64_t>(a[at] ^ b[at]);
  return ones + V::ones(rest);
}

// Few are near, so eight are looked at together.
template <size_t words>
size_t near_codes(const HammingJob& job) {
  constexpr size_t together = 8;
  size_t found = 0;
  for (size_t first = 0; first < job.count; first += together) {
    const size_t count = job.count - first < together ? job.count - first : together;
    const uint8_t* code = job.codes + static_cast<ptrdiff_t>(first) * job.stride;
    uint32_t ones[together];
    bool any = false;
    for (size_t i = 0; i < count; ++i, code += job.stride) {
      ones[i] = difference<words>(job.query, code, job.code_bytes);
      any |= ones[i] <= job.limit;
    }
    if (!any) continue;
    for (size_t i = 0; i < count; ++i) {
      if (ones[i] > job.limit) continue;
      job.positions[found] = static_cast<uint32_t>(first + i);
      job.differences[found++] = ones[i];
    }
  }
  return found;
}

size_t hamming(const HammingJob* job) {
  switch (job->code_bytes) {
    case 8:
      return near_codes<1>(*job);
    case 16:
      return near_codes<2>(*job);
    case 32:
      return near_codes<4>(*job);
    case 64:
      return near_codes<8>(*job);
    default:
      return near_codes<0>(*job);
  }
}
