#include "flags.h"

#include <charconv>
#include <cstdint>

#include "knear/metric.h"

namespace knear::cli {

CLI::Validator at_least_one() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = error == std::errc() && end == text.data() + text.size();
        return whole && value >= 1 ? "" : "must be a whole number of at least 1, not '" + text + "'";
      },
      "");
}

CLI::Option* add_metric_flag(CLI::App& app, std::string& metric) {
  return app.add_option("-m,--metric", metric, "l2, ip, cosine, l1, linf, lp:P, canberra, …")
      ->check(accepted_by([](const std::string& name) { metric_of(name); }))
      ->capture_default_str();
}

CLI::Option* add_k_flag(CLI::App& app, std::size_t& k) {
  return app.add_option("-k", k, "Neighbours of each query")->check(at_least_one())->capture_default_str();
}

}  // namespace knear::cli
