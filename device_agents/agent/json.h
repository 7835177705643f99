// JSON as the agent needs it: lines out, a runtime's profile file in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pocketbench {

// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that any file's text can be sent.
std::string quoted(std::string_view text);

// A float so that reading it back gives the same float; NaN, Infinity and -Infinity as Python and pydantic write them.
std::string number(double value);

// A list such as [1,2,3].
template <typename T>
std::string list(const std::vector<T>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(values[i]);
  }
  return text + "]";
}

// One parsed value. Only what a profile needs: numbers are doubles, a missing member is a null value.
struct Json {
  enum class Type { null, boolean, number, string, array, object };

  Type type = Type::null;
  double value = 0;
  std::string text;
  std::vector<Json> items;
  std::map<std::string, Json> members;

  const Json& operator[](const std::string& key) const;
  std::string string_or(const std::string& fallback) const { return type == Type::string ? text : fallback; }
};

// Throws std::runtime_error with the offset of the first character that is not JSON.
Json parse_json(std::string_view text);

}  // namespace pocketbench
