// The gateway's signer as it runs: a process of the real binary.
#include "gateway/signer_client.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "auth/armor.h"
#include "auth/ca_store.h"
#include "auth/identity.h"
#include "auth/signing_request.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::stringstream out;
    out << file.rdbuf();
    return out.str();
}

// "SigIgn:\t…" of /proc/PID/status and the like.
std::string status_of(pid_t pid, const std::string& key) {
    std::istringstream lines(text_of("/proc/" + std::to_string(pid) + "/status"));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(key + ":")) return line.substr(line.find_first_not_of(" \t", key.size() + 1));
    return {};
}

class signer_client_test : public testing::Test {
protected:
    signer_client_test() {
        EXPECT_TRUE(auth::ensure_ca(ca(), "test CA"));
        settings.program = DELVEGATE_BINARY;
        settings.state_directory = top.path();
        settings.hosts = {"node1"};
        settings.first_pause = 1ms;
        settings.longest_pause = 20ms;
    }
    std::string ca() const { return top.path() + "/ca"; }

    // As `delvegate token create` would, in another process than the signer.
    std::string token(const std::string& user = "alice") {
        auto store = auth::ca_store::open(ca());
        EXPECT_TRUE(store);
        auto made = auth::make_token(user, {"sre"}, std::chrono::minutes(10), std::time(nullptr));
        auth::transaction change(store->db());
        store->add(made->record);
        EXPECT_TRUE(change.commit());
        return made->text;
    }
    template <class T>
    auth::issue_result<T> wait(const std::function<void(signer_client::callback<T>)>& ask) {
        std::optional<auth::issue_result<T>> answer;
        ask([&](auth::issue_result<T> given) { answer.emplace(std::move(given)); });
        EXPECT_FALSE(answer) << "called from within";
        EXPECT_TRUE(run_until(io, [&] { return answer.has_value(); }));
        return std::move(*answer);
    }
    auth::issue_result<auth::issued_certificate> enroll(signer_client& client, const std::string& text) {
        return wait<auth::issued_certificate>([&](auto done) {
            client.enroll(auth::sha256_hex(text), auth::spki_of(key.get()), "192.0.2.1", done);
        });
    }

    temporary_directory top;
    boost::asio::io_context io;
    signer_settings settings;
    auth::key_ptr key = std::move(*auth::make_key());
};

TEST_F(signer_client_test, enrolls_and_renews) {
    signer_client client(io, settings);
    const auto started = client.start();
    ASSERT_TRUE(started) << started.error();
    const auto made = enroll(client, token());
    ASSERT_TRUE(made) << made.error().log;
    EXPECT_EQ(made->user, "alice");
    EXPECT_EQ(made->groups, std::vector<std::string>{"sre"});

    const auto certificates = auth::read_certificates(made->certificate, "the answer");
    ASSERT_TRUE(certificates);
    const auto fingerprint = auth::identify(certificates->front().get())->fingerprint;
    const auto next = std::move(*auth::make_key());
    const auto spki = auth::spki_of(next.get());
    const auto renew = [&](const std::string& proof) {
        return wait<auth::issued_certificate>([&](auto done) { client.renew(fingerprint, spki, proof, done); });
    };
    const auto forged = renew("not a signature");
    ASSERT_FALSE(forged);
    EXPECT_EQ(forged.error().code, "not-renewable");
    const auto renewed = renew(auth::sign_renewal(key.get(), spki));
    ASSERT_TRUE(renewed) << renewed.error().log;
    EXPECT_EQ(renewed->user, "alice");
    EXPECT_NE(renewed->certificate, made->certificate);
}

TEST_F(signer_client_test, hears_of_what_the_admin_does) {
    signer_client client(io, settings);
    int changes = 0;
    client.on_changed = [&] { ++changes; };
    ASSERT_TRUE(client.start());
    token();
    EXPECT_TRUE(run_until(io, [&] { return changes > 0; }));
    const auto tokens = wait<signer_client::token_state>([&](auto done) { client.tokens(done); });
    ASSERT_TRUE(tokens);
    EXPECT_EQ(tokens->live, 1);
    changes = 0;
    {
        auto store = auth::ca_store::open(ca());
        ASSERT_TRUE(store);
        auth::transaction change(store->db());
        for (int i = 0; i < 300; ++i) store->revoke_user("user" + std::to_string(i) + std::string(100, 'x'), 1, "");
        ASSERT_TRUE(change.commit());
    }
    EXPECT_TRUE(run_until(io, [&] { return changes > 0; }));
    const auto revoked = wait<signer_client::revoked_list>([&](auto done) { client.revoked(done); });
    ASSERT_TRUE(revoked);
    EXPECT_EQ(revoked->users.size(), 300u);
}

TEST_F(signer_client_test, gives_the_gateway_its_own_certificate_and_signs_anchors) {
    signer_client client(io, settings);
    ASSERT_TRUE(client.start());
    const auto spki = auth::spki_of(key.get());
    const auto own = wait<auth::issued_certificate>([&](auto done) { client.gateway_certificate({"node1"}, spki, done); });
    EXPECT_TRUE(own) << own.error().log;
    const auto other = wait<auth::issued_certificate>([&](auto done) { client.gateway_certificate({"node2"}, spki, done); });
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, "refused");
    const auto anchor = wait<signer_client::signature>(
        [&](auto done) { client.sign_anchor(std::string(auth::anchor_label) + "head", done); });
    ASSERT_TRUE(anchor) << anchor.error().log;
    EXPECT_EQ(anchor->bytes.size(), 64u);
    const auto label = wait<signer_client::signature>([&](auto done) { client.sign_anchor("anything", done); });
    ASSERT_FALSE(label);
    EXPECT_EQ(label.error().code, "bad-request");
}

TEST_F(signer_client_test, is_a_process_that_gives_things_up) {
    signer_client client(io, settings);
    ASSERT_TRUE(client.start());
    const pid_t pid = client.pid();
    EXPECT_EQ(::getsid(pid), pid);
    EXPECT_EQ(status_of(pid, "NoNewPrivs"), "1");
    EXPECT_NE(text_of("/proc/" + std::to_string(pid) + "/limits").find("Max core file size        0"), std::string::npos);
    // A process that is not dumpable belongs to root, whoever runs it.
    struct stat info {};
    ASSERT_EQ(::stat(("/proc/" + std::to_string(pid) + "/mem").c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 0u);
    // A draining gateway still needs it.
    ASSERT_EQ(::kill(pid, SIGTERM), 0);
    ASSERT_EQ(::kill(pid, SIGINT), 0);
    EXPECT_TRUE(enroll(client, token()));
}

TEST_F(signer_client_test, starts_again_when_it_was_killed) {
    signer_client client(io, settings);
    int changes = 0;
    client.on_changed = [&] { ++changes; };
    ASSERT_TRUE(client.start());
    for (int round = 0; round < 3; ++round) {
        const pid_t before = client.pid();
        ASSERT_EQ(::kill(before, SIGKILL), 0);
        ASSERT_TRUE(run_until(io, [&] { return client.pid() != before; }));
        if (!client.up()) {
            const auto refused = enroll(client, "dvt1.anything");
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error().code == "unavailable" || refused.error().code == "token-unknown", true);
        }
        ASSERT_TRUE(run_until(io, [&] { return client.up(); }));
        EXPECT_GT(changes, round);
    }
    EXPECT_TRUE(enroll(client, token()));
}

TEST_F(signer_client_test, a_request_under_way_is_answered_when_it_dies) {
    signer_client client(io, settings);
    ASSERT_TRUE(client.start());
    ASSERT_EQ(::kill(client.pid(), SIGSTOP), 0);
    const pid_t pid = client.pid();
    std::optional<auth::issue_result<signer_client::token_state>> answer;
    client.tokens([&](auto given) { answer.emplace(std::move(given)); });
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(run_until(io, [&] { return answer.has_value(); }));
    ASSERT_FALSE(*answer);
    EXPECT_EQ(answer->error().code, "unavailable");
}

TEST_F(signer_client_test, one_that_does_not_answer_is_replaced) {
    settings.time_out = 200ms;
    signer_client client(io, settings);
    ASSERT_TRUE(client.start());
    const pid_t pid = client.pid();
    ASSERT_EQ(::kill(pid, SIGSTOP), 0);
    const auto answer = wait<signer_client::token_state>([&](auto done) { client.tokens(done); });
    ASSERT_FALSE(answer);
    ASSERT_TRUE(run_until(io, [&] { return client.up(); }));
    EXPECT_NE(client.pid(), pid);
}

TEST_F(signer_client_test, says_why_it_cannot_start) {
    ASSERT_TRUE(auth::ca_store::open(ca()));
    std::ofstream(ca() + "/ca.db") << std::string(5000, 'x');
    signer_client client(io, settings);
    const auto damaged = client.start();
    ASSERT_FALSE(damaged);
    EXPECT_NE(damaged.error().find("is damaged"), std::string::npos) << damaged.error();
    settings.program = "/nowhere/delvegate";
    signer_client none(io, settings);
    const auto missing = none.start();
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().find("/nowhere/delvegate"), std::string::npos);
}

TEST_F(signer_client_test, ends_with_its_gateway) {
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        boost::asio::io_context own;
        auto* client = new signer_client(own, settings);
        if (!client->start()) ::_exit(1);
        const pid_t pid = client->pid();
        if (::write(told[1], &pid, sizeof pid) != sizeof pid) ::_exit(1);
        ::pause();
    }
    pid_t signer = 0;
    ::close(told[1]);
    ASSERT_EQ(::read(told[0], &signer, sizeof signer), static_cast<ssize_t>(sizeof signer));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(run_until(io, [&] { return ::kill(signer, 0) != 0 || status_of(signer, "State").starts_with("Z"); }));
}

}  // namespace
}  // namespace gateway
