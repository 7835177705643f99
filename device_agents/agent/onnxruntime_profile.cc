#include "onnxruntime_profile.h"

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "failure.h"
#include "json.h"

namespace pocketbench {
namespace {

const std::string kKernelTime = "_kernel_time";

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string numpy_name(const std::string& type) {
  static const std::map<std::string, std::string> names = {{"float", "float32"}, {"double", "float64"}};
  const auto found = names.find(type);
  return found == names.end() ? type : found->second;
}

// [{"float":[1,3,224,224]},{"float":[32,3,3,3]}]: one object a tensor, in order.
std::vector<OperatorEvent::Shape> shapes(const Json& list) {
  std::vector<OperatorEvent::Shape> out;
  for (const Json& tensor : list.items) {
    for (const auto& [type, dimensions] : tensor.members) {
      OperatorEvent::Shape shape{numpy_name(type), {}};
      for (const Json& dimension : dimensions.items) shape.second.push_back(static_cast<int64_t>(dimension.value));
      out.push_back(shape);
    }
  }
  return out;
}

Json parsed_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Failure("PROFILE", "cannot read onnxruntime's profile " + path);
  try {
    return parse_json(text.str());
  } catch (const std::runtime_error& error) {
    throw Failure("PROFILE", std::string("onnxruntime's profile is ") + error.what());
  }
}

}  // namespace

std::vector<OperatorEvent> read_onnxruntime_profile(const std::string& path, int64_t runs) {
  const Json profile = parsed_file(path);
  // Each inference is its operators' events, in order, and then one `model_run`.
  std::vector<std::vector<const Json*>> inferences(1);
  for (const Json& event : profile.items) {
    const std::string name = event["name"].text;
    if (event["cat"].text == "Node" && ends_with(name, kKernelTime)) inferences.back().push_back(&event);
    if (event["cat"].text == "Session" && name == "model_run") inferences.emplace_back();
  }
  inferences.pop_back();
  if (inferences.size() < static_cast<size_t>(runs)) {
    throw Failure("PROFILE", "onnxruntime's profile has " + std::to_string(inferences.size()) + " inferences, not " +
                                 std::to_string(runs));
  }
  inferences.erase(inferences.begin(), inferences.end() - runs);
  std::vector<OperatorEvent> operators;
  for (const Json* event : inferences.front()) {
    const Json& facts = (*event)["args"];
    const std::string name = (*event)["name"].text;
    OperatorEvent out;
    out.name = name.substr(0, name.size() - kKernelTime.size());
    out.type = facts["op_name"].text;
    out.fast_path = facts["provider"].string_or("CPUExecutionProvider") == "CPUExecutionProvider";
    out.shapes_in = shapes(facts["input_type_shape"]);
    out.shapes_out = shapes(facts["output_type_shape"]);
    operators.push_back(out);
  }
  for (const auto& inference : inferences) {
    if (inference.size() != operators.size()) {
      throw Failure("PROFILE", "inferences ran different numbers of operators: " + std::to_string(operators.size()) +
                                   " and " + std::to_string(inference.size()));
    }
    for (size_t i = 0; i < operators.size(); ++i) {
      if ((*inference[i])["name"].text != operators[i].name + kKernelTime) {
        throw Failure("PROFILE", "inferences ran their operators in different orders");
      }
      operators[i].durations_ns.push_back(static_cast<int64_t>((*inference[i])["dur"].value) * 1000);
    }
  }
  return operators;
}

}  // namespace pocketbench
