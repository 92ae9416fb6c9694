// No accepted message means something else to Go: whatever the gateway lets through is read by the
// real net/rpc/jsonrpc codec, go-dap and into Delve's own argument types, once as the client sent
// it and once as the gateway would write it, and both must be the same value. What Go refuses, the
// gateway refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "differential/corpus.h"
#include "differential/mutate.h"
#include "differential/oracle.h"
#include "protocol/operations.h"

namespace {

using namespace differential;
using protocol::clamps;
using protocol::judged;
using protocol::service;

constexpr int generated_each = 24;  // of every method, Command name and DAP request
constexpr int mutants_each = 20;    // of every request that is generated or in the corpus
constexpr int stream_count = 4'000;

unsigned seed() {
    const char* given = std::getenv("DELVEGATE_SEED");
    return given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : 20261123u;
}

std::string printable(std::string_view text) {
    std::string out;
    for (char c : text.substr(0, 2000)) {
        if (c >= ' ' && c < 0x7f) {
            out += c;
        } else {
            constexpr std::string_view hex = "0123456789abcdef";
            (out += "\\x") += hex[static_cast<unsigned char>(c) >> 4];
            out += hex[static_cast<unsigned char>(c) & 15];
        }
    }
    return out;
}

// What the gateway makes of one request.
struct verdict {
    bool parsed = false;
    judged j;
    std::string upstream;  // empty: refused
    bool accepted() const { return !upstream.empty(); }
};

verdict decide_rpc(const std::string& text) {
    verdict v;
    auto request = protocol::parse_rpc_request(text);
    if (!request) return v;
    v.parsed = true;
    v.j = protocol::judge(*request, clamps::none());
    if (v.j.how == service::refuse) return v;
    request->params = v.j.arguments;
    v.upstream = protocol::encode(*request);
    return v;
}

verdict decide_dap(const std::string& body) {
    verdict v;
    auto request = protocol::parse_dap_request(body);
    if (!request) return v;
    v.parsed = true;
    v.j = protocol::judge(*request, clamps::none());
    if (v.j.how == service::refuse) return v;
    request->arguments = v.j.arguments;
    v.upstream = protocol::encode(*request);
    return v;
}

verdict decide(char kind, const std::string& text) {
    return kind == 'r' ? decide_rpc(text) : decide_dap(text);
}

char kind_of(const std::string& generated) {
    return generated.find("\"method\":") != std::string::npos ? 'r' : 'd';
}

// The one thing that is taken though Go would not: dlv >= 1.26.1 answers a request without params
// with an error, older ones fall silent; the gateway sends an empty argument instead.
bool only_lacks_params(const answer& a) {
    return a.error == "jsonrpc: request body missing params";
}

// The property, over a batch.
std::vector<verdict> expect_agreement(const std::vector<std::pair<char, std::string>>& texts) {
    std::vector<verdict> verdicts;
    std::vector<test_case> cases;
    for (const auto& [kind, text] : texts) {
        verdicts.push_back(decide(kind, text));
        cases.push_back({kind, text, verdicts.back().upstream});
    }
    const auto answers = ask(cases);
    int shown = 0, accepted = 0, go_only = 0;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const auto& a = answers[i];
        if (!verdicts[i].accepted()) {
            if (a.read && a.known && (!verdicts[i].parsed || verdicts[i].j.malformed)) ++go_only;
            continue;
        }
        ++accepted;
        if (only_lacks_params(a) || (a.read && a.same) || shown > 10) continue;
        ++shown;
        ADD_FAILURE() << "sent:     " << printable(cases[i].client)
                      << "\nupstream: " << printable(cases[i].upstream) << "\nGo: "
                      << (a.read ? "" : "refuses it, ") << a.error << a.why;
    }
    std::cout << "seed " << seed() << ": " << cases.size() << " requests, " << accepted
              << " accepted, " << go_only << " that only Go would read\n";
    return verdicts;
}

TEST(differential, table_has_every_operation_of_delve) {
    const operations go = list();
    std::set<std::string> rpc, commands, dap;
    for (const auto& row : protocol::operation_table()) {
        const std::string name(row.name);
        if (row.dap) {
            if (name.starts_with("evaluate ")) continue;
            EXPECT_TRUE(dap.insert(name).second) << name;
        } else if (name.starts_with("Command ")) {
            EXPECT_TRUE(commands.insert(name.substr(8)).second) << name;
        } else {
            EXPECT_TRUE(rpc.insert(name).second) << name;
        }
    }
    EXPECT_EQ(rpc, std::set<std::string>(go.methods.begin(), go.methods.end()));
    EXPECT_EQ(commands, std::set<std::string>(go.commands.begin(), go.commands.end()));
    EXPECT_EQ(dap, std::set<std::string>(go.requests.begin(), go.requests.end()));
}

TEST(differential, what_go_clients_send_arrives_unchanged) {
    std::vector<std::pair<char, std::string>> texts;
    for (auto& text : generate(seed(), generated_each)) texts.emplace_back(kind_of(text), text);
    const auto verdicts = expect_agreement(texts);

    std::map<std::string, int, std::less<>> accepted;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto& v = verdicts[i];
        EXPECT_TRUE(v.parsed && !v.j.malformed) << texts[i].second << "\n" << v.j.reason;
        if (v.accepted()) ++accepted[v.j.operation];
    }
    for (const auto& row : protocol::operation_table()) {
        std::string_view name = row.name;
        if (name.starts_with("RPCServer.")) name.remove_prefix(10);
        if (row.how == service::refuse) continue;
        EXPECT_GT(accepted[std::string(name)], 0) << name;
    }
}

TEST(differential, corpus_is_read_as_go_reads_it) {
    std::vector<std::pair<char, std::string>> texts;
    for (const auto& c : corpus()) texts.emplace_back(c.kind, c.text);
    const auto verdicts = expect_agreement(texts);
    for (std::size_t i = 0; i < texts.size(); ++i)
        EXPECT_EQ(verdicts[i].accepted(), corpus()[i].accepted)
            << printable(texts[i].second) << "\n"
            << (verdicts[i].parsed ? verdicts[i].j.reason : "not parsed");
}

TEST(differential, damaged_requests_are_refused_or_mean_the_same) {
    randomness random(seed());
    std::vector<std::pair<char, std::string>> texts;
    auto mutants_of = [&](char kind, const std::string& text) {
        for (int i = 0; i < mutants_each; ++i) texts.emplace_back(kind, mutate(text, random));
    };
    for (const auto& text : generate(seed() + 1, generated_each)) mutants_of(kind_of(text), text);
    for (const auto& c : corpus())
        if (c.accepted) mutants_of(c.kind, c.text);
    const auto verdicts = expect_agreement(texts);
    const auto accepted = std::count_if(verdicts.begin(), verdicts.end(),
                                        [](const verdict& v) { return v.accepted(); });
    // Damage that nothing survives would test nothing.
    EXPECT_GT(accepted, static_cast<std::ptrdiff_t>(texts.size() / 20));
}

TEST(differential, value_streams_are_cut_where_go_cuts_them) {
    randomness random(seed());
    std::vector<std::string> pieces;
    for (const auto& text : generate(seed() + 2, 1))
        if (kind_of(text) == 'r') pieces.push_back(text);
    std::vector<test_case> cases;
    std::vector<std::vector<std::string>> ours;
    for (int n = 0; n < stream_count; ++n) {
        std::string stream;
        for (auto count = 1 + random() % 4; count > 0; --count) {
            const auto& piece = pieces[random() % pieces.size()];
            stream += random() % 3 == 0 ? mutate(piece, random) : piece;
            stream += std::string(random() % 3, random() % 2 ? '\n' : ' ');
        }
        std::vector<std::string> taken;
        protocol::value_splitter splitter(1 << 20);
        protocol::error_code ec;
        splitter.feed(stream);
        while (const auto text = splitter.next(ec)) {
            if (!protocol::parse_rpc_request(*text)) break;
            taken.emplace_back(*text);
        }
        ours.push_back(std::move(taken));
        cases.push_back({'v', std::move(stream), ""});
    }
    const auto answers = ask(cases);
    std::size_t total = 0;
    for (std::size_t n = 0; n < cases.size() && !HasFailure(); ++n) {
        const auto& go = answers[n].parts;
        total += ours[n].size();
        ASSERT_LE(ours[n].size(), go.size()) << printable(cases[n].client);
        for (std::size_t i = 0; i < ours[n].size(); ++i)
            ASSERT_EQ(ours[n][i], go[i]) << printable(cases[n].client);
    }
    EXPECT_GT(total, static_cast<std::size_t>(stream_count));
}

TEST(differential, frames_are_cut_where_go_dap_cuts_them) {
    randomness random(seed());
    std::vector<test_case> cases;
    std::vector<std::vector<std::string>> ours;
    for (int n = 0; n < stream_count; ++n) {
        std::string stream;
        for (auto count = 1 + random() % 4; count > 0; --count) {
            std::string body =
                "{\"seq\":" + std::to_string(n) + "}" + std::string(random() % 5, ' ');
            std::string head = frame_headers()[random() % frame_headers().size()];
            if (const auto at = head.find("%N"); at != head.npos)
                head.replace(at, 2, std::to_string(body.size()));
            stream += random() % 2 ? head + body : protocol::frame(body);
        }
        std::vector<std::string> taken;
        protocol::frame_decoder decoder(1 << 20);
        protocol::error_code ec;
        decoder.feed(stream);
        while (const auto body = decoder.next(ec)) taken.emplace_back(*body);
        ours.push_back(std::move(taken));
        cases.push_back({'f', std::move(stream), ""});
    }
    const auto answers = ask(cases);
    std::size_t total = 0;
    for (std::size_t n = 0; n < cases.size() && !HasFailure(); ++n) {
        const auto& go = answers[n].parts;
        // Headers that go-dap ends the session for may be taken; what both take is the same.
        const std::size_t both = std::min(ours[n].size(), go.size());
        total += both;
        for (std::size_t i = 0; i < both; ++i)
            ASSERT_EQ(ours[n][i], go[i]) << printable(cases[n].client);
    }
    EXPECT_GT(total, static_cast<std::size_t>(stream_count) / 2);
}

TEST(differential, frames_written_are_frames_go_dap_reads) {
    std::vector<std::string> bodies{"", "{}", std::string(1, '\0'), std::string(70'000, 'x'),
                                    "{\"a\":\"\xc3\xbc\r\n\r\n\"}"};
    std::string stream;
    for (const auto& body : bodies) stream += protocol::frame(body);
    EXPECT_EQ(ask({{'f', stream, ""}})[0].parts, bodies);
}

}  // namespace
