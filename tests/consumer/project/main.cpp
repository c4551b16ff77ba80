#include <knear/knear.h>

#include <vector>

int main() {
  const std::vector<float> rows{0, 0, 1, 0, 5, 5};
  knear::IndexFlatL2 index(2);
  index.add({rows, 2});
  try {
    index.search({rows, 3}, 1);
  } catch (const knear::Error& error) {  // also across the border of a shared library
    const knear::Neighbors found = index.search({rows, 2}, 2);
    return error.kind() == knear::Error::invalid_argument && found.ids[1] == 1 && found.distances[1] == 1 ? 0 : 1;
  }
  return 2;
}
