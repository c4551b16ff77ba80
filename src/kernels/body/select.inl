// Positions of the values that a limit does not rule out. Usually none, so four vectors are tested at once.

[[gnu::always_inline]] inline uint32_t* append_positions(V::Mask found, size_t first, uint32_t* positions) {
  for (uint32_t bits = V::bits(found); bits != 0; bits &= bits - 1)
    *positions++ = static_cast<uint32_t>(first) + static_cast<uint32_t>(__builtin_ctz(bits));
  return positions;
}

size_t select(const float* values, size_t n, float limit, uint32_t* positions) {
  const V::F limits = V::splat(limit);
  uint32_t* end = positions;
  size_t i = 0;
  for (; i + 4 * V::lanes <= n; i += 4 * V::lanes) {
    V::Mask found[4];
    for (size_t v = 0; v < 4; ++v) found[v] = V::not_greater(V::load(values + i + v * V::lanes), limits);
    if (!V::any(V::either(V::either(found[0], found[1]), V::either(found[2], found[3])))) continue;
    for (size_t v = 0; v < 4; ++v) end = append_positions(found[v], i + v * V::lanes, end);
  }
  for (; i < n; ++i)
    if (!(values[i] > limit)) *end++ = static_cast<uint32_t>(i);
  return static_cast<size_t>(end - positions);
}
