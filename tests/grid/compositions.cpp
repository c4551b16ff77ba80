#include "grid/compositions.h"

namespace knear {

namespace {

// Partitions whose cells are combinations.
void add_combinations(std::vector<Composition>& all) {
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    const std::vector<Composition> some = {
        {"IMI2x3,nprobe=64,Flat", metric, 20},
        {"IVF64(RCQ2x3),nprobe=64,Flat", metric, 20},
        {"IVF16(RCQ2x2,beam_factor=-1),nprobe=16,SQ8", metric, 20, Distances::of_codes},
        {"IMI3x2,by_residual=on,nprobe=64,PQ6x4", metric, 24, Distances::of_codes},
        {"IMI2x3,nprobe=64,PQ10x4fs", metric, 20},
    };
    all.insert(all.end(), some.begin(), some.end());
  }
  const std::vector<Composition> chosen_by_l2 = {{"IMI2x4,metric=l2,nprobe=256,Flat", Metric::cosine, 20}};
  all.insert(all.end(), chosen_by_l2.begin(), chosen_by_l2.end());
}

// Walks that keep all rows there are, so that a loop over all rows says what is right.
void add_graphs(std::vector<Composition>& all) {
  for (const Metric metric : {Metric::l2, Metric::inner_product, Metric::cosine, Metric::l1}) {
    all.push_back({"HNSW8,ef_search=4096,Flat", metric});
  }
  for (const char* kind : {"NSG8", "Vamana8", "NNDescent8"}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      all.push_back({std::string(kind) + ",ef_search=4096,Flat", metric});
    }
    all.push_back({std::string(kind) + ",ef_search=4096,SQ8", Metric::l2, 24});
  }
  for (const char* spec :
       {"HNSW4,ef_search=4096,SQ8", "PCA12,HNSW8,ef_search=4096,Flat", "HNSW8,ef_search=4096,Flat,RFlat",
        "HNSW8,ef_search=4096,FlatDedup", "HNSW8,ef_search=4096,PQ6x4"}) {
    all.push_back({spec, Metric::l2, 24});
  }
  all.push_back({"IVF7_HNSW4,nprobe=7,Flat", Metric::l2});
}

}  // namespace

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
  for (const Metric metric : everyday) all.push_back({"PQ4x8+6x8", metric, 24});
  all.push_back({"PQ4x8+6x8", Metric::l1, 24});
  all.push_back({"PQ3x5+8x4", Metric::l2, 24});
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
  // All cells are looked into, so that a loop over all rows says what is right.
  for (const char* spec : {"IVF7,nprobe=7,Flat", "IVF5(Flat,dtype=float16),nprobe=5,Flat,dtype=float16"}) {
    for (const Metric metric : everyday) all.push_back({spec, metric});
  }
  for (const Metric metric : {Metric(Metric::l1), Metric(Metric::jaccard)})
    all.push_back({"IVF3,nprobe=3,Flat", metric});
  for (const char* spec : {"IVF6,nprobe=6,PQ6x8", "IVF4,by_residual=on,nprobe=4,PQ12x4fs"}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      all.push_back({spec, metric, 24, Distances::of_codes});
    }
  }
  for (const char* spec : {"IVF4,nprobe=4,PQ12x4fs", "IVF6,nprobe=6,PQ6x8"}) all.push_back({spec, Metric::cosine, 24});
  all.push_back({"IVF4,nprobe=4,PQ12x4fs", Metric::l2, 24});
  for (const Metric metric : {Metric::l2, Metric::inner_product}) {
    all.push_back({"IVF6,nprobe=6,PQ4x8+6x8", metric, 24, Distances::of_codes});
  }
  all.push_back({"IVF6,nprobe=6,SQ8", Metric::l2, 19, Distances::of_codes});
  all.push_back({"IVF6,nprobe=6,SQ6", Metric::l1, 19, Distances::of_codes});
  all.push_back({"IVF6,by_residual=off,nprobe=6,SQ8", Metric::inner_product});
  all.push_back({"IVF4,nprobe=4,LSH", Metric::l2, 19, Distances::of_codes});
  for (const Metric metric : everyday) all.push_back({"IVF4,nprobe=4,RaBitQ4", metric, 19, Distances::of_codes});
  for (const char* spec : {"FlatDedup", "IVF16,nprobe=16,FlatDedup", "FlatDedup,dtype=float16"}) {
    for (const Metric metric : everyday) all.push_back({spec, metric});
  }
  all.push_back({"FlatDedup,dtype=uint8", Metric::l1});
  all.push_back({"FlatDedup", Metric::nan_euclidean});
  for (const char* spec : {"ITQ16,SH", "SH50m", "SH60h", "IVF4,nprobe=4,ITQ16,SH",
                           "IVF4,by_residual=on,nprobe=4,RR24,SH70", "IVF4,by_residual=on,nprobe=4,PCA8,SQ8"}) {
    all.push_back({spec, Metric::l2, 19, Distances::of_codes});
  }
  for (const Metric metric : everyday) all.push_back({"IVF6,nprobe=6,PCA8,SQ8", metric, 19, Distances::of_codes});
  for (const char* spec : {"IVF4,nprobe=4,Centre,Pad24,PQ12x4fs", "IVF4,nprobe=4,HR,Flat,exact=int8",
                           "IVF4,by_residual=on,nprobe=4,RR12,PQ6x4"}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      all.push_back({spec, metric, 19, Distances::of_codes});
    }
  }
  all.push_back({"IVF4,nprobe=4,RR12,SQ8", Metric::l1, 19, Distances::of_codes});
  const std::string refined = "PCA12,IVF4,nprobe=4,SQ8,RFlat,k_factor=100";
  all.push_back({refined, Metric::l2});
  add_combinations(all);
  add_graphs(all);
  return all;
}

}  // namespace knear
