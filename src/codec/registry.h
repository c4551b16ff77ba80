// Which codecs there are, and how a factory string names them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "core/stage_reader.h"
#include "knear/codec.h"

namespace knear {

using MakeCodec = std::function<std::unique_ptr<Codec>(std::size_t dim, Metric metric)>;

struct CodecRow {
  const char* grammar;  // "PQ<M>[x<bits>]"
  const char* about;    // one line
  // Null when the stage is another codec's. Error::invalid_argument when it is this one's, but wrong.
  MakeCodec (*read)(StageReader& stage);
};

// In the order in which they are tried.
std::span<const CodecRow> codec_rows();

// Null when no codec has this token.
MakeCodec read_codec(const Stage& stage);

// One function for each row, beside its codec.
MakeCodec read_flat_codec(StageReader& stage);
MakeCodec read_pqr_codec(StageReader& stage);
MakeCodec read_pq_codec(StageReader& stage);
MakeCodec read_lsh_codec(StageReader& stage);
MakeCodec read_sq_codec(StageReader& stage);
MakeCodec read_rabitq_codec(StageReader& stage);
MakeCodec read_zn_codec(StageReader& stage);
MakeCodec read_spectral_codec(StageReader& stage);

}  // namespace knear
