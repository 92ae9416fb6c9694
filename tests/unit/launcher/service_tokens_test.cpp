#include "launcher/service_tokens.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "daemon_set_fixtures.h"
#include "scratch_directory.h"

namespace launcher {
namespace {

using protocol::json;

std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct server {
    int asked = 0;
    bool away = false;
    std::string path, body, expires = "2026-11-26T06:00:00Z";
    api_maker maker() {
        return [this](const std::string& at, const json& what) -> outcome<json> {
            if (away) return outcome<json>(boost::system::in_place_error, "no route to host");
            path = at;
            body = protocol::to_text(what);
            return outcome<json>(boost::system::in_place_value,
                                 json(json::object{{"status", json::object{{"token", "t" + std::to_string(++asked)},
                                                                           {"expirationTimestamp", expires}}}}));
        };
    }
};

const std::int64_t five_o_clock = *parse_utc("2026-11-26T05:00:00Z");

token_book book_in(const scratch_directory& scratch) {
    const std::vector<made_volume> volumes{{"v", "", {{"token", "", false, true, token_wish{}}, {"plain", "x", false, false, {}}}}};
    return book_of(volumes, scratch.path(), "kube-system", "kube-proxy", ::getuid(), ::getgid());
}

TEST(service_tokens, AreAskedForAgainAtFourFifthsOfTheirLife) {
    const scratch_directory scratch;
    server api;
    auto book = book_in(scratch);
    ASSERT_EQ(book.tokens.size(), 1u);
    ASSERT_TRUE(refresh_tokens(book, five_o_clock, api.maker()).has_value());
    EXPECT_EQ(api.path, "/api/v1/namespaces/kube-system/serviceaccounts/kube-proxy/token");
    EXPECT_EQ(api.body, R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}})");
    EXPECT_EQ(text_of(scratch / "token"), "t1");
    struct stat first {}, second {};
    ASSERT_EQ(::stat((scratch / "token").c_str(), &first), 0);
    EXPECT_EQ(first.st_mode & 0777, 0600u);
    EXPECT_EQ(book.tokens[0].refresh_at, five_o_clock + 2880);
    EXPECT_FALSE(any_due(book, five_o_clock + 2879));
    ASSERT_TRUE(refresh_tokens(book, five_o_clock + 2879, api.maker()).has_value());
    EXPECT_EQ(api.asked, 1);
    const std::ifstream reader(scratch / "token");  // who has the old one open keeps it whole
    ASSERT_TRUE(refresh_tokens(book, five_o_clock + 2880, api.maker()).has_value());
    EXPECT_EQ(text_of(scratch / "token"), "t2");
    ASSERT_EQ(::stat((scratch / "token").c_str(), &second), 0);
    EXPECT_NE(first.st_ino, second.st_ino);
}

TEST(service_tokens, LessMayBeGranted) {
    const scratch_directory scratch;
    server api;
    api.expires = "2026-11-26T05:10:00Z";
    auto book = book_in(scratch);
    ASSERT_TRUE(refresh_tokens(book, five_o_clock, api.maker()).has_value());
    EXPECT_EQ(book.tokens[0].refresh_at, five_o_clock + 480);
    book.tokens[0].refresh_at = 0;
    api.expires = "2026-11-26T04:00:00Z";  // clocks that differ are no reason to ask without end
    ASSERT_TRUE(refresh_tokens(book, five_o_clock, api.maker()).has_value());
    EXPECT_GT(book.tokens[0].refresh_at, five_o_clock);
}

TEST(service_tokens, AServerThatIsAwayIsAskedAgain) {
    const scratch_directory scratch;
    server api;
    auto book = book_in(scratch);
    ASSERT_TRUE(refresh_tokens(book, five_o_clock, api.maker()).has_value());
    api.away = true;
    const auto late = five_o_clock + 3000;
    const auto refused = refresh_tokens(book, late, api.maker());
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().find("no route to host"), std::string::npos);
    EXPECT_EQ(text_of(scratch / "token"), "t1");  // what is there is kept
    EXPECT_FALSE(any_due(book, late + 1));
    EXPECT_TRUE(any_due(book, late + 15));
}

TEST(service_tokens, TheBookHoldsNoToken) {
    const scratch_directory scratch;
    server api;
    auto book = book_in(scratch);
    ASSERT_TRUE(refresh_tokens(book, five_o_clock, api.maker()).has_value());
    book.look_at = 7;
    const auto written = protocol::to_text(to_json(book));
    EXPECT_EQ(written.find("t1"), std::string::npos);
    const auto again = token_book_from(json_of(written));
    ASSERT_TRUE(again);
    EXPECT_EQ(protocol::to_text(to_json(*again)), written);
    EXPECT_FALSE(token_book_from(json_of("{}")));
}

TEST(service_tokens, Times) {
    EXPECT_EQ(parse_utc("1970-01-01T00:00:10Z"), 10);
    EXPECT_EQ(parse_utc("1970-01-01T00:00:10.5Z"), 10);
    for (const auto* wrong : {"", "1970-01-01", "1970-01-01T00:00:10", "1970-01-01T00:00:10+01:00"}) EXPECT_FALSE(parse_utc(wrong)) << wrong;
}

}  // namespace
}  // namespace launcher
