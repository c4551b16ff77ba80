#include "interop/npy_header.h"

#include <set>

namespace knear {
namespace {

// Reads the dictionary from left to right.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const FileBytes& file) : text_(text), file_(file) {}

  NpyHeader read() {
    NpyHeader header;
    std::set<std::string> keys;
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      if (!keys.insert(key).second) wrong("the key only once");
      expect(':');
      read_value(key, header);
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (keys.size() != 3) wrong("the keys descr, fortran_order and shape");
    skip_spaces();
    if (at_ < text_.size()) wrong("nothing but spaces behind the dictionary");
    return header;
  }

 private:
  void read_value(const std::string& key, NpyHeader& header) {
    if (key == "descr")
      header.descr = type_name();
    else if (key == "fortran_order")
      header.fortran_order = truth();
    else if (key == "shape")
      header.shape = tuple();
    else
      wrong("descr, fortran_order or shape");
  }

  // A quoted name; empty for the list that describes a record type, which is skipped.
  std::string type_name() {
    if (!take('[')) return quoted();
    for (int open = 1; open > 0; ++at_) {
      if (at_ == text_.size()) wrong("]");
      if (text_[at_] == '[') ++open;
      if (text_[at_] == ']') --open;
    }
    return {};
  }

  std::string quoted() {
    skip_spaces();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"') wrong("a quoted name");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) wrong("the end of a quoted name");
    std::string name(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return name;
  }

  bool truth() {
    if (take_word("False")) return false;
    if (take_word("True")) return true;
    wrong("True or False");
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> lengths;
    expect('(');
    while (!take(')')) {
      lengths.push_back(number());
      if (!take(',')) {
        if (lengths.size() == 1) wrong("a comma: (n) is no tuple");
        expect(')');
        break;
      }
    }
    return lengths;
  }

  std::uint64_t number() {
    skip_spaces();
    const std::size_t start = at_;
    std::uint64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
          __builtin_add_overflow(value, static_cast<std::uint64_t>(text_[at_] - '0'), &value))
        wrong("a length below 2^64");
    if (at_ == start) wrong("a length");
    take_word("L");  // Python 2 wrote long integers so
    return value;
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  bool take(char c) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) wrong(std::string(1, c));
  }

  bool take_word(std::string_view word) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  [[noreturn]] void wrong(const std::string& expected) const {
    file_.corrupt("byte ", at_, " of the .npy header's ", text_.size(), ": expected ", expected);
  }

  std::string_view text_;
  const FileBytes& file_;
  std::size_t at_ = 0;
};

}  // namespace

NpyHeader NpyHeader::parse(std::string_view text, const FileBytes& file) { return HeaderReader(text, file).read(); }

std::string NpyHeader::text() const {
  std::string lengths;
  for (const std::uint64_t length : shape) lengths += std::to_string(length) + (shape.size() == 1 ? "," : ", ");
  if (shape.size() > 1) lengths.resize(lengths.size() - 2);
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran_order ? "True" : "False") + ", 'shape': (" +
         lengths + "), }";
}

}  // namespace knear
