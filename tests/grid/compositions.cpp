#include "grid/compositions.h"

namespace knear {

std::vector<Composition> compositions() {
  const std::vector<Metric> everyday{Metric::l2, Metric::inner_product, Metric::cosine};
  const std::vector<Metric> rare{Metric::l1,       Metric::linf,          {Metric::lp, 3},
                                 Metric::canberra, Metric::bray_curtis,   Metric::jensen_shannon,
                                 Metric::jaccard,  Metric::nan_euclidean, Metric::gower};
  std::vector<Composition> all;
  for (const char* spec : {"Flat", "Flat,exact=int8", "Flat,dtype=float16", "Flat,dtype=float16,exact=int8",
                           "Flat,dtype=bfloat16", "Flat,dtype=int8", "Flat,dtype=uint8"}) {
    for (const Metric metric : everyday) all.push_back({spec, metric});
  }
  for (const Metric metric : rare) all.push_back({"Flat", metric});
  for (const Metric metric : everyday) all.push_back({"PQ6x8", metric, 24});
  for (const Metric metric : everyday) all.push_back({"PQ12x4fs", metric, 24});
  all.push_back({"PQ12x4fs", Metric::l1, 24});
  all.push_back({"PQ3x4fs", Metric::l2, 24});
  all.push_back({"PQ24x4fs", Metric::inner_product, 24});
  all.push_back({"PQ4x10", Metric::l2, 24});
  all.push_back({"PQ5x3", Metric::inner_product, 20});
  all.push_back({"PQ4x4,order=polysemous", Metric::l2, 20});
  for (const char* spec : {"SQ8", "SQ6", "SQ4", "SQ8,range=uniform,rangestat=quantiles"}) {
    for (const Metric metric : everyday) all.push_back({spec, metric});
    all.push_back({spec, Metric::l1});
  }
  all.push_back({"SQ4,rangestat=optim", Metric::l2, 5});
  all.push_back({"SQ8_direct", Metric::l2});
  for (const Metric metric : {Metric::l2, Metric::inner_product}) all.push_back({"ZnLattice3x14_6", metric, 21});
  for (const char* spec : {"PCA12,Flat", "Flat,RFlat", "RR,Flat,RFlat"}) {
    for (const Metric metric : everyday) all.push_back({spec, metric});
  }
  for (const char* spec : {"RR,Flat", "HR,Flat", "L2norm,Flat,dtype=float16", "Centre,PCAWR8,Flat", "Pad24,ITQ16,Flat",
                           "OPQ2_12,bits=4,Flat", "Flat,dtype=int8,Refine(Flat,dtype=float16),k_factor=2"}) {
    all.push_back({spec, Metric::l2});
  }
  for (const char* spec : {"LSH", "LSHt", "LSH64r", "LSH9rt"}) {
    all.push_back({spec, Metric::l2, 19, Distances::of_codes});
  }
  for (const char* spec : {"RaBitQ", "RaBitQ4"}) {
    for (const Metric metric : everyday) all.push_back({spec, metric, 19, Distances::of_codes});
    all.push_back({spec, Metric::l1});
  }
  return all;
}

}  // namespace knear
