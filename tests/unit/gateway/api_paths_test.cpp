#include "gateway/api_paths.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "protocol/json.h"

namespace gateway {
namespace {

std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(c - 'a' + 'A');
    return text;
}

// "GET /v1/status", …
std::set<std::string> served() {
    std::set<std::string> out;
    for (const auto& one : api_paths())
        for (const auto* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
            if (one.allows(method)) out.insert(std::string(method) + " " + std::string(one.path));
    return out;
}

TEST(api_paths, the_document_has_what_is_served_and_nothing_else) {
    const auto document = protocol::parse_json(openapi_document(), {.max_depth = 64, .fold_keys = false});
    ASSERT_TRUE(document) << "docs/openapi.json is not JSON";
    std::set<std::string> described;
    for (const auto& [path, item] : *document->find("paths")->if_object())
        for (const auto& [method, operation] : *item.if_object())
            if (method != "parameters") described.insert(upper(method) + " " + path);
    EXPECT_EQ(described, served());
}

TEST(api_paths, of_a_request) {
    const auto found = [](std::string_view path) {
        const auto* one = find_api_path(path);
        return one ? std::string(one->path) : std::string();
    };
    for (const auto& one : api_paths()) EXPECT_EQ(found(one.path), one.path);
    EXPECT_EQ(found("/v1/components/app"), "/v1/components/{name}");
    EXPECT_EQ(found("/v1/components/app/baton"), "/v1/components/{name}/baton");
    for (const auto* other : {"", "/x", "/v1", "/v1/", "/v1/status/", "/v1/statuses", "v1/status", "//v1/status", "/v1/components/", "/v1/components//baton",
                              "/v1/components/app/", "/v1/components/app/arm", "/v1/components/app/x/baton", "/v1/sessions/follow/", "/v1/sessions/x"})
        EXPECT_EQ(found(other), "") << other;
}

TEST(api_paths, methods) {
    const auto* baton = find_api_path("/v1/components/app/baton");
    ASSERT_TRUE(baton);
    for (const auto* method : {"GET", "POST"}) EXPECT_TRUE(baton->allows(method));
    for (const auto* method : {"", "G", "get", "GET, POST", ", ", "HEAD", "PUT"}) EXPECT_FALSE(baton->allows(method)) << method;
}

}  // namespace
}  // namespace gateway
