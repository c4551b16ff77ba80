// A small catalogue with ids of its own: search some of it, remove from it, keep it in a file.
#include <knear/knear.h>

#include <cstdio>
#include <filesystem>
#include <vector>

namespace {

// Colours as red, green, blue in [0, 255].
const std::vector<float> kColours{
    255, 0,   0,    // 10 red
    250, 40,  30,   // 11 tomato
    0,   0,   255,  // 20 blue
    30,  60,  220,  // 21 cobalt
    0,   128, 0,    // 30 green
};
const std::vector<knear::Id> kIds{10, 11, 20, 21, 30};

void print(const char* what, const knear::Neighbors& found) {
  std::printf("%s:", what);
  for (std::size_t i = 0; i < found.counts[0]; ++i) std::printf(" %lld", static_cast<long long>(found.ids[i]));
  std::printf("\n");
}

}  // namespace

int main() {
  knear::IndexFlatL2 colours(3);
  colours.add({kColours, 3}, {.ids = kIds});

  const std::vector<float> crimson{220, 20, 60};
  const knear::MatrixView query(crimson, 3);
  print("nearest", colours.search(query, 2));

  print("nearest blue", colours.search(query, 2, {.filter = knear::select_range(20, 30)}));

  colours.remove(std::vector<knear::Id>{11});
  print("without tomato", colours.search(query, 2));

  const auto file = std::filesystem::temp_directory_path() / "colours.knear";
  knear::save(colours, file);
  print("from the file", knear::load(file)->search(query, 2));
  std::filesystem::remove(file);

  try {
    colours.search({crimson, 1}, 2);
  } catch (const knear::Error& error) {
    std::printf("an error says what is wrong: %s\n", error.what());
  }
}
