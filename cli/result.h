// What a command found out: lines for people, one JSON object for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace knear::cli {

using Json = nlohmann::ordered_json;

class Result {
 public:
  enum class Format { text, json };

  // People read "label  text", programs "key": value.
  void add(std::string key, Json value, std::string label, std::string text);
  void add_json(std::string key, Json value) { json_[std::move(key)] = std::move(value); }
  void add_line(std::string label, std::string text) { lines_.emplace_back(std::move(label), std::move(text)); }

  std::string str(Format format) const;

 private:
  Json json_ = Json::object();
  std::vector<std::pair<std::string, std::string>> lines_;
};

// Throws std::system_error when standard output does not take it all.
void write_stdout(std::string_view text);

}  // namespace knear::cli
