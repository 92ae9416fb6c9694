// Every path of the control API with its methods, once. What is not in the table is not served, whatever could answer it
// (control_request.cpp asks here first), and a test holds docs/openapi.json against it: a path that is new stands in both.
#pragma once

#include <span>
#include <string_view>

namespace gateway {

struct api_path {
    std::string_view path;     // as docs/openapi.json has it; {…} stands for one part
    std::string_view methods;  // as in Allow: "GET, POST"

    bool allows(std::string_view method) const;
};
std::span<const api_path> api_paths();
// Of a request's path, without its query; null: nothing is served there.
const api_path* find_api_path(std::string_view path);

// docs/openapi.json, which describes them all: what GET /v1/openapi.json answers.
std::string_view openapi_document();

}  // namespace gateway
