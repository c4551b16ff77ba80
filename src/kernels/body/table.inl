// What an instruction-set file exports, from the bodies above.

constexpr Table table_named(const char* name) {
  Table table{};
  table.name = name;
  table.tile_queries = kTileQueries;
  table.tile = tile;
  table.nearest = nearest;
  table.nearest_in_lanes = nearest_in_lanes;
  table.products = products;
  table.lookup = lookup;
  table.estimate = estimate;
  table.f32_from_planes = f32_from_planes;
  table.l2_rows = l2_rows;
  table.ip_rows = ip_rows;
  table.norm_rows = norm_rows;
  table.l2_picked = l2_picked;
  table.select = select;
  table.hadamard = hadamard;
  table.exact[exact_l2] = exact_l2_rows;
  table.exact[exact_inner_product] = exact_inner_product_rows;
  table.exact[exact_l1] = exact_l1_rows;
  table.exact[exact_linf] = exact_linf_rows;
  table.exact[exact_lp] = lp_rows;
  table.exact[exact_canberra] = canberra_rows;
  table.exact[exact_bray_curtis] = bray_curtis_rows;
  table.exact[exact_jensen_shannon] = jensen_shannon_rows;
  table.exact[exact_jaccard] = jaccard_rows;
  table.exact[exact_nan_euclidean] = nan_euclidean_rows;
  table.exact[exact_gower] = gower_rows;
  table.exact[exact_cosine] = exact_cosine_rows;
  table.f32_from_f16 = f32_from_f16;
  table.f32_from_bf16 = f32_from_bf16;
  table.f32_from_i8 = f32_from_i8;
  table.f32_from_u8 = f32_from_u8;
  table.f16_from_f32 = f16_from_f32;
  table.bf16_from_f32 = bf16_from_f32;
  table.i8_from_f32 = i8_from_f32;
  table.u8_from_f32 = u8_from_f32;
  table.all_finite = all_finite;
  table.rows_from_8bit = rows_from_8bit;
  table.rows_from_6bit = rows_from_6bit;
  table.rows_from_4bit = rows_from_4bit;
  table.quantize = quantize;
  table.hamming = hamming;
  return table;
}
