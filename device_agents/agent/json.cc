#include "json.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace pocketbench {
namespace {

constexpr int kDeepest = 64;  // a profile nests five deep; a damaged file must not exhaust the stack

// Length of the well-formed UTF-8 sequence at `text[i]`, 0 if there is none.
size_t utf8_length(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
  const auto follows = [&](size_t k) { return (byte(k) & 0xC0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool too_high = first == 0xF4 && byte(1) > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Json document() {
    Json value = read(0);
    skip_space();
    if (at_ != text_.size()) fail();
    return value;
  }

 private:
  [[noreturn]] void fail() const { throw std::runtime_error("not JSON at byte " + std::to_string(at_)); }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() && (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r')) ++at_;
  }

  void expect(char character) {
    if (peek() != character) fail();
    ++at_;
  }

  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Json read(int depth) {
    if (depth > kDeepest) fail();
    skip_space();
    Json value;
    if (peek() == '{') {
      value.type = Json::Type::object;
      ++at_;
      for (skip_space(); peek() != '}'; skip_space()) {
        if (!value.members.empty()) {
          expect(',');
          skip_space();
        }
        std::string key = read_string();
        skip_space();
        expect(':');
        value.members[key] = read(depth + 1);
      }
      ++at_;
    } else if (peek() == '[') {
      value.type = Json::Type::array;
      ++at_;
      for (skip_space(); peek() != ']'; skip_space()) {
        if (!value.items.empty()) expect(',');
        value.items.push_back(read(depth + 1));
      }
      ++at_;
    } else if (peek() == '"') {
      value.type = Json::Type::string;
      value.text = read_string();
    } else if (take("null")) {
      value.type = Json::Type::null;
    } else if (take("true") || take("false")) {
      value.type = Json::Type::boolean;
      value.value = text_[at_ - 2] == 'u' ? 1 : 0;
    } else {
      value.type = Json::Type::number;
      const std::string digits(text_.substr(at_, 40));
      char* end = nullptr;
      value.value = std::strtod(digits.c_str(), &end);
      if (end == digits.c_str()) fail();
      at_ += static_cast<size_t>(end - digits.c_str());
    }
    return value;
  }

  std::string read_string() {
    expect('"');
    std::string out;
    while (peek() != '"') {
      if (at_ >= text_.size()) fail();
      if (peek() != '\\') {
        out += text_[at_++];
        continue;
      }
      ++at_;
      const char escape = peek();
      ++at_;
      switch (escape) {
        case 'n': out += '\n'; break;
        case 't': out += '\t'; break;
        case 'r': out += '\r'; break;
        case 'b': out += '\b'; break;
        case 'f': out += '\f'; break;
        case 'u': out += read_code_point(); break;
        // onnxruntime does not escape everything it should; any other escaped character stands for itself.
        default: out += escape;
      }
    }
    ++at_;
    return out;
  }

  // One \uXXXX as UTF-8; half of a surrogate pair becomes U+FFFD.
  std::string read_code_point() {
    unsigned code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char digit = peek();
      if (digit >= '0' && digit <= '9') code = code * 16 + static_cast<unsigned>(digit - '0');
      else if (digit >= 'a' && digit <= 'f') code = code * 16 + static_cast<unsigned>(digit - 'a' + 10);
      else if (digit >= 'A' && digit <= 'F') code = code * 16 + static_cast<unsigned>(digit - 'A' + 10);
      else fail();
    }
    if (code >= 0xD800 && code <= 0xDFFF) code = 0xFFFD;
    std::string out;
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += static_cast<char>(0xE0 | code >> 12);
      out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text, i);
    const auto character = static_cast<unsigned char>(text[i]);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
    } else if (character == '"' || character == '\\') {
      out += '\\';
      out += text[i++];
    } else if (character < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", character);
      out += escape;
      ++i;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out + "\"";
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

const Json& Json::operator[](const std::string& key) const {
  static const Json missing;
  const auto found = members.find(key);
  return found == members.end() ? missing : found->second;
}

Json parse_json(std::string_view text) { return Reader(text).document(); }

}  // namespace pocketbench
