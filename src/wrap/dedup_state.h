// What a DedupIndex holds.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "knear/codec.h"
#include "knear/wrap.h"
#include "wrap/row_finder.h"
#include "wrap/row_groups.h"
#include "wrap/turns.h"

namespace knear {

class RowsToStore;

struct DedupIndex::State {
  explicit State(std::shared_ptr<Index> index);

  // Removes from the base what has no ids any more. It may fail: searches pass such rows over, and the next writer
  // tries again.
  void sweep();
  // As sweep(), when nothing else may fail.
  void try_to_sweep() noexcept;

  // Rows on their way in.
  struct Arrivals {
    const RowsToStore& rows;
    std::vector<Id> ids;              // of each entry
    std::vector<std::size_t> row_of;  // of each entry; empty: entry i is row i
    OnDuplicate on_duplicate = OnDuplicate::error;
    bool fresh = false;  // ids ascend, and none has been here
    const OnCommit& on_commit;
    RunOptions run;
    std::size_t row(std::size_t entry) const { return row_of.empty() ? entry : row_of[entry]; }
  };
  void take(const Arrivals& arrivals);
  std::size_t remove(RowGroups::Change change);
  Id next_id_after(std::span<const Id> ids) const;
  bool are_fresh(std::span<const Id> ids) const;
  std::vector<Id> live_numbers() const;
  void note_memory() noexcept { finder_bytes = finder.memory_bytes(); }

  const std::shared_ptr<Index> base;
  const std::unique_ptr<Codec> cast;  // to rows as the base stores them
  std::mutex writer;                  // one at a time; only they use what follows but the groups
  RowFinder finder;
  std::atomic<std::size_t> finder_bytes = 0;
  std::vector<std::uint64_t> free;  // numbers that new groups may have
  Turns turns;                      // of those who read the groups and those who change them
  RowGroups groups;
  std::vector<Id> swept;  // groups without ids that the base still has

 private:
  struct Plan;
  Plan plan(const Arrivals& arrivals);
  void place(const Arrivals& arrivals, Plan& plan);
  void number(Plan& plan);
  Matrix stored(const Arrivals& arrivals, const Plan& plan) const;
  void commit(const Arrivals& arrivals, Plan& plan);
  void gather_free();
};

}  // namespace knear
