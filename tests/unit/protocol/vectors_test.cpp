// tests/vectors/<decoder>/*.txt: `expect: <errc name, ok or incomplete>`, an empty line, then the
// exact bytes. Every decoder must say so however the bytes are cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "protocol/dap.h"
#include "protocol/json.h"
#include "protocol/link.h"
#include "protocol/rpc.h"
#include "tests/support/pieces.h"

namespace {

using namespace protocol;
namespace fs = std::filesystem;

const std::map<std::string, errc> names{
    {"malformed_json", errc::malformed_json},
    {"invalid_utf8", errc::invalid_utf8},
    {"too_deep", errc::too_deep},
    {"ambiguous_key", errc::ambiguous_key},
    {"not_an_object", errc::not_an_object},
    {"message_too_large", errc::message_too_large},
    {"malformed_header", errc::malformed_header},
    {"header_too_large", errc::header_too_large},
    {"bad_content_length", errc::bad_content_length},
    {"wrong_type", errc::wrong_type},
    {"missing_member", errc::missing_member},
    {"bad_id", errc::bad_id},
    {"bad_frame", errc::bad_frame},
};

std::string name_of(error_code ec) {
    for (const auto& [name, value] : names)
        if (ec == value) return name;
    return ec ? ec.message() : "ok";
}

struct vector_file {
    fs::path path;
    std::string expect;
    std::string bytes;
};

vector_file load(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string key = "expect: ";
    const auto end = text.find("\n\n");
    if (!text.starts_with(key) || end == std::string::npos) return {path, "no expectation", ""};
    return {path, text.substr(key.size(), end - key.size()), text.substr(end + 2)};
}

std::vector<fs::path> files(const std::string& decoder) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(fs::path(DELVEGATE_VECTORS) / decoder))
        found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

// The verdict on a stream: the first error of the decoder or of what `judge` makes of its messages.
template <class Decoder, class Judge>
std::string verdict(Decoder decoder, const std::vector<std::string_view>& pieces, Judge judge) {
    std::size_t count = 0;
    for (const auto piece : pieces) {
        decoder.feed(piece);
        error_code ec;
        while (auto message = decoder.next(ec)) {
            ++count;
            if (const error_code wrong = judge(*message)) return name_of(wrong);
        }
        if (ec) return name_of(ec);
    }
    return count > 0 && decoder.buffered() == 0 ? "ok" : "incomplete";
}

template <class Run>
void expect_at_every_cut(const vector_file& vector, Run run) {
    EXPECT_EQ(run(support::whole(vector.bytes)), vector.expect) << vector.path;
    EXPECT_EQ(run(support::chunks(vector.bytes, 1)), vector.expect) << vector.path << " bytewise";
    for (std::size_t at = 0; at <= vector.bytes.size(); ++at)
        ASSERT_EQ(run(support::cut(vector.bytes, at)), vector.expect)
            << vector.path << " cut at " << at;
}

class vectors : public testing::TestWithParam<fs::path> {};
class json_vectors : public vectors {};
class rpc_vectors : public vectors {};
class dap_vectors : public vectors {};
class link_vectors : public vectors {};

TEST_P(json_vectors, are_judged_as_expected) {
    const auto vector = load(GetParam());
    const auto value = parse_json(vector.bytes);
    ASSERT_EQ(name_of(value ? error_code() : value.error()), vector.expect);
    if (!value) return;
    const auto again = parse_json(to_text(*value));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *value);
}

TEST_P(rpc_vectors, are_judged_as_expected) {
    expect_at_every_cut(load(GetParam()), [](const auto& pieces) {
        return verdict(value_splitter(4096), pieces, [](std::string_view text) {
            const auto request = parse_rpc_request(text);
            if (!request) return request.error();
            const auto again = parse_rpc_request(encode(*request));
            EXPECT_TRUE(again && *again == *request);
            return error_code();
        });
    });
}

TEST_P(dap_vectors, are_judged_as_expected) {
    expect_at_every_cut(load(GetParam()), [](const auto& pieces) {
        return verdict(frame_decoder(4096), pieces, [](std::string_view body) {
            const auto request = parse_dap_request(body);
            if (!request) return request.error();
            frame_decoder decoder(65536);
            decoder.feed(encode(*request));
            error_code ec;
            const auto encoded = decoder.next(ec);
            EXPECT_TRUE(encoded);
            const auto again = parse_dap_request(encoded.value_or(""));
            EXPECT_TRUE(again && *again == *request);
            return error_code();
        });
    });
}

TEST_P(link_vectors, are_judged_as_expected) {
    expect_at_every_cut(load(GetParam()), [](const auto& pieces) {
        return verdict(link_decoder(), pieces, [](const link_frame& frame) {
            const auto body = read_control(frame);
            // Frames without an object are none of read_control's.
            return body || body.error() == errc::bad_frame ? error_code() : body.error();
        });
    });
}

std::string test_name(const testing::TestParamInfo<fs::path>& info) {
    auto name = info.param.stem().string();
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(files, json_vectors, testing::ValuesIn(files("json")), test_name);
INSTANTIATE_TEST_SUITE_P(files, rpc_vectors, testing::ValuesIn(files("rpc")), test_name);
INSTANTIATE_TEST_SUITE_P(files, dap_vectors, testing::ValuesIn(files("dap")), test_name);
INSTANTIATE_TEST_SUITE_P(files, link_vectors, testing::ValuesIn(files("link")), test_name);

TEST(vectors, visit_every_error_of_a_decoder) {
    std::set<std::string> seen;
    for (const auto* decoder : {"json", "rpc", "dap", "link"})
        for (const auto& path : files(decoder)) seen.insert(load(path).expect);
    for (const auto& [name, value] : names) EXPECT_TRUE(seen.contains(name)) << name;
    EXPECT_TRUE(seen.contains("ok"));
    EXPECT_TRUE(seen.contains("incomplete"));
}

}  // namespace
