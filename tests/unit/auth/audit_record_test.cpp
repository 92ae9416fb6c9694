#include "auth/audit_record.h"

#include <gtest/gtest.h>

#include "auth/audit_redact.h"
#include "auth/audit_text.h"
#include "protocol/json.h"
#include "tests/unit/auth/audit_support.h"

namespace auth {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    append_escaped(out, text);
    return out;
}

std::string line_of(const audit_record& record, const audit_redactor* redactor = nullptr) {
    std::string body;
    append_audit_body(body, record, redactor);
    std::string line = "{\"sequence\":7,\"time\":\"2026-11-25T20:56:58.123456789Z\"" + body + ",\"previous\":\"" + std::string(no_hash) + "\"";
    sha256_hasher hash;
    const std::string digest = hash.hex(line);
    return line + ",\"hash\":\"" + digest + "\"}";
}

TEST(audit_text, is_harmless_on_a_terminal) {
    EXPECT_EQ(escaped("plain text, äöü 世界 🎉"), "plain text, äöü 世界 🎉");
    EXPECT_EQ(escaped("a\"b\\c"), "a\\\"b\\\\c");
    EXPECT_EQ(escaped("\x1b[2J\n\x7f"), "\\u001b[2J\\u000a\\u007f");
    EXPECT_EQ(escaped("\xc2\x9b"), "\\u009b");                     // CSI as C1
    EXPECT_EQ(escaped("\xe2\x80\xae" "evil"), "\\u202eevil");      // right-to-left override
    EXPECT_EQ(escaped(std::string_view("\0", 1)), "\\u0000");
    EXPECT_EQ(escaped("\xff\xc3(\xed\xa0\x80"), "\\\\xff\\\\xc3(\\\\xed\\\\xa0\\\\x80");
}

TEST(audit_text, long_text_is_cut_at_a_character_and_its_digest_kept) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "ä";
    std::string out;
    append_clamped(out, text, 11);
    sha256_hasher hash;
    EXPECT_EQ(out, "äääää…[200 bytes, sha256:" + hash.hex(text) + "]");
    out.clear();
    append_clamped(out, "exactly ten", 11);
    EXPECT_EQ(out, "exactly ten");
}

TEST(audit_text, time_comes_back) {
    for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1'795'640'218'123'456'789}, std::int64_t{951'782'400'000'000'000}}) {
        std::string text;
        append_time(text, time);
        EXPECT_EQ(parse_time(text), time) << text;
    }
    std::string text;
    append_time(text, -5);  // a clock before 1970
    EXPECT_EQ(text, "1970-01-01T00:00:00.000000000Z");
    for (const char* bad : {"", "2026-02-30T00:00:00.000000000Z", "2026-01-01T24:00:00.000000000Z", "2026-01-01T00:00:00Z",
                            "2026-01-01 00:00:00.000000000Z", "9999-01-01T00:00:00.000000000Z", "1969-12-31T23:59:59.999999999Z"})
        EXPECT_FALSE(parse_time(bad)) << bad;
}

TEST(audit_record, every_field_comes_back) {
    const std::vector<std::string> groups{"sre", "sig-scheduling"};
    const audit_touch touched[] = {{"file", "/src/main.go"}, {"line", "12"}, {"expression", "a \"b\""}};
    audit_record r;
    r.kind = audit_kind::outcome;
    r.ref = 5;
    r.session = "s1";
    r.user = "alice";
    r.groups = groups;
    r.issuer = "CN=ca";
    r.serial = "0A";
    r.fingerprint = "ff";
    r.address = "192.0.2.7:50312";
    r.component = "scheduler";
    r.speaks = "dap";
    r.operation = "evaluate call";
    r.classes = {protocol::op_class::mutate, protocol::op_class::read};
    r.decision = "allow";
    r.rule = "policy.yaml:12";
    r.touched = touched;
    r.result = "ok";
    r.duration = 0;
    const auto e = parse_audit_line(line_of(r));
    ASSERT_TRUE(e) << e.error() << line_of(r);
    EXPECT_TRUE(e->hash_fits);
    EXPECT_EQ(e->sequence, 7u);
    EXPECT_EQ(e->kind, audit_kind::outcome);
    EXPECT_EQ(e->ref, 5u);
    EXPECT_EQ(e->groups, groups);
    EXPECT_EQ(e->classes, r.classes);
    EXPECT_EQ(e->touch("expression"), "a \"b\"");
    EXPECT_EQ(e->rule, "policy.yaml:12");
    EXPECT_EQ(e->duration, std::optional<std::uint64_t>(0));
    EXPECT_EQ(to_audit_line(*e), line_of(r));
    EXPECT_NE(line_of(r).find("\"classes\":[\"read\",\"mutate\"]"), std::string::npos);
}

// Whatever somebody sends, a line stays one line of bounded size that the reader takes.
TEST(audit_record, is_bounded_and_readable_whatever_it_holds) {
    std::string nasty;
    for (int i = 0; i < 40'000; ++i) nasty += static_cast<char>(i * 7919 >> 3);
    const std::vector<std::string> groups(64, nasty);
    std::vector<audit_touch> touched(40, {"file", nasty});
    for (std::size_t i = 1; i < touched.size(); ++i) touched[i].what = std::string_view(nasty).substr(i * 100, 90);
    audit_record r;
    r.kind = audit_kind::refusal;
    r.session = r.user = r.issuer = r.serial = r.fingerprint = r.address = r.component = r.speaks = r.operation = nasty;
    r.decision = r.rule = r.result = nasty;
    r.groups = groups;
    r.touched = touched;
    for (unsigned i = 0; i < 8; ++i) r.classes.add(static_cast<protocol::op_class>(i));
    r.ref = r.lost = 0;
    r.duration = ~0ull;
    const std::string line = line_of(r);
    EXPECT_LE(line.size(), max_audit_line);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(protocol::valid_utf8(line));
    const auto e = parse_audit_line(line);
    ASSERT_TRUE(e) << e.error();
    EXPECT_EQ(to_audit_line(*e), line);
}

TEST(audit_record, one_form_only) {
    audit_record r;
    r.user = "alice";
    const std::string good = line_of(r);
    ASSERT_TRUE(parse_audit_line(good));
    const auto changed = [&](std::string_view from, std::string_view to) {
        std::string text = good;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    const std::string bad[] = {
        "", "{}", "[]", good + " ", " " + good, good + good, good.substr(0, good.size() - 1),
        changed("\"sequence\":7", "\"sequence\":07"), changed("\"sequence\":7", "\"sequence\":7.0"),
        changed("\"sequence\":7", "\"sequence\":-7"), changed("\"sequence\":7", "\"sequence\":\"7\""),
        changed("\"sequence\":7", "\"sequence\": 7"), changed("\"sequence\":7", "\"sequence\":0"),
        changed("\"sequence\":7", "\"sequence\":18446744073709551616"),
        changed("\"user\":\"alice\"", "\"user\":\"\\u0061lice\""), changed("\"user\":\"alice\"", "\"user\":\"alice\",\"user\":\"bob\""),
        changed("\"user\":\"alice\"", "\"user\":null"), changed("\"user\":\"alice\"", "\"user\":\"\""),
        changed("\"user\":\"alice\"", "\"extra\":1,\"user\":\"alice\""), changed("\"user\":\"alice\"", "\"user\":\"ali\xff" "ce\""),
        changed("\"kind\":\"connect\"", "\"kind\":\"Connect\""), changed("\"kind\":\"connect\"", "\"kind\":\"gap\""),
        changed("2026", "2O26"), changed("\"previous\":\"0", "\"previous\":\"g"),
        changed("\"user\":\"alice\"", "\"groups\":[],\"user\":\"alice\""), changed("\"user\":\"alice\"", "\"touched\":{},\"user\":\"alice\""),
    };
    for (const auto& text : bad) EXPECT_FALSE(parse_audit_line(text)) << text;
    const auto other = parse_audit_line(changed("alice", "alicf"));
    ASSERT_TRUE(other);
    EXPECT_FALSE(other->hash_fits);
}

TEST(audit_redact, takes_secrets_out_of_what_was_touched) {
    const auto rules = audit_redactor::make({"(?i)password\\s*[=:]+\\s*\\S+", "AKIA[0-9A-Z]{16}"});
    ASSERT_TRUE(rules) << rules.error();
    const audit_touch touched[] = {{"expression", "login(Password == \"hunter2\")"}};
    audit_record r;
    r.touched = touched;
    r.result = "no such key AKIAABCDEFGHIJKLMNOP";
    const auto e = parse_audit_line(line_of(r, &*rules));
    ASSERT_TRUE(e) << e.error();
    EXPECT_EQ(e->touch("expression"), "login([redacted]");
    EXPECT_EQ(e->result, "no such key [redacted]");
}

TEST(audit_redact, also_in_text_that_is_not_utf8_and_in_what_would_be_cut_off) {
    const auto rules = audit_redactor::make({"secret"});
    EXPECT_EQ(rules->redact("\xff\xfesecret\xff"), "\xff\xfe[redacted]\xff");
    // The digest of a long text must not tell the secret either: it is taken after the rules.
    std::string once, twice;
    append_clamped(once, rules->redact(std::string(2000, 'x') + "secret"), 100);
    append_clamped(twice, rules->redact(std::string(2000, 'x') + "[redacted]"), 100);
    EXPECT_EQ(once, twice);
}

TEST(audit_redact, refuses_rules_that_are_none) {
    EXPECT_FALSE(audit_redactor::make({"(unclosed"}));
    EXPECT_FALSE(audit_redactor::make({"x*"}));
    EXPECT_FALSE(audit_redactor::make({"(a)\\1"}));  // back references are what makes others slow
    EXPECT_FALSE(audit_redactor::make({std::string(2000, 'a')}));
    EXPECT_FALSE(audit_redactor::make(std::vector<std::string>(100, "a")));
    EXPECT_TRUE(audit_redactor::make({})->empty());
}

// Classic poison for engines that try again and again; with one of those this test would not end.
TEST(audit_redact, is_linear_in_the_text) {
    const auto rules = audit_redactor::make({"(a+)+$", "(a|aa)+b"});
    ASSERT_TRUE(rules);
    const std::string text = std::string(60'000, 'a') + "!";
    EXPECT_EQ(rules->redact(text), text);
}

TEST(audit_anchor, one_form_only) {
    const audit_anchor anchor{12, std::string(64, 'a'), 1'795'640'218'123'456'789, "signature"};
    const std::string good = to_anchor_line(anchor);
    ASSERT_TRUE(parse_anchor_line(good));
    EXPECT_EQ(*parse_anchor_line(good), anchor);
    std::string spaced = good, other = good;
    spaced.insert(1, " ");
    other.replace(other.find("c2"), 2, "!!");
    for (const std::string& bad : {std::string(), std::string("{}"), spaced, other, good + "x"}) EXPECT_FALSE(parse_anchor_line(bad)) << bad;
}

TEST(audit_anchor, signatures_of_both_kinds_of_key) {
    const audit_test::scratch dir;
    for (const auto& key : {audit_test::signing_key(), audit_test::signing_key::p256()}) {
        key.save_public(dir / "key.pem");
        const auto loaded = load_anchor_key(dir / "key.pem");
        ASSERT_TRUE(loaded) << loaded.error();
        audit_anchor anchor{12, std::string(64, 'a'), 5, {}};
        EXPECT_FALSE(signed_by(anchor, loaded->get()));
        anchor.signature = *key.sign(bytes_to_sign(anchor));
        EXPECT_TRUE(signed_by(anchor, loaded->get()));
        ++anchor.sequence;
        EXPECT_FALSE(signed_by(anchor, loaded->get()));
    }
    const key_ptr rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
    FILE* file = std::fopen((dir / "rsa.pem").c_str(), "w");
    PEM_write_PUBKEY(file, rsa.get());
    std::fclose(file);
    EXPECT_FALSE(load_anchor_key(dir / "rsa.pem"));
    EXPECT_FALSE(load_anchor_key(dir / "nothing"));
}

}  // namespace
}  // namespace auth
