// `delvegate serve` with a signer of the test's own inside: CONFIG CA-DIRECTORY. Lines on standard input are
// what an administrator does: "token TEXT USER SECONDS", "withdraw TEXT", "lifetime SECONDS", "backdate SECONDS",
// "renewable SECONDS". On standard error "admin: done" for each, and what the signer was asked: "signer: enroll
// HASH", "signer: renew".
#include <unistd.h>

#include <array>
#include <cstdio>
#include <sstream>
#include <string>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/buffer.hpp>

#include "gateway/serve.h"
#include "tests/support/test_signer.h"

namespace {

class steered_signer final : public gateway::signer {
public:
    steered_signer(boost::asio::io_context& io, const std::string& ca) : inner_(io, ca), input_(io, ::dup(STDIN_FILENO)) { read(); }

    void enroll(gateway::enroll_question question, std::function<void(gateway::signer_answer)> done) override {
        std::fprintf(stderr, "signer: enroll %s\n", question.token_hash.c_str());
        inner_.enroll(std::move(question), std::move(done));
    }
    void renew(gateway::renew_question question, std::function<void(gateway::signer_answer)> done) override {
        std::fprintf(stderr, "signer: renew\n");
        inner_.renew(std::move(question), std::move(done));
    }
    void tokens(std::function<void(gateway::live_tokens)> done) override { inner_.tokens(std::move(done)); }
    void on_changed(std::function<void()> changed) override { inner_.on_changed(std::move(changed)); }

private:
    void read() {
        boost::asio::async_read_until(input_, boost::asio::dynamic_buffer(text_), '\n',
                                      [this](const boost::system::error_code& ec, std::size_t size) {
                                          if (ec) return;
                                          std::istringstream line(text_.substr(0, size));
                                          text_.erase(0, size);
                                          std::string verb, what, user;
                                          long number = 0;
                                          line >> verb;
                                          if (verb == "token" && line >> what >> user >> number) inner_.add_token(what, user, number);
                                          if (verb == "withdraw" && line >> what) inner_.withdraw(what);
                                          if (verb == "lifetime" && line >> number) inner_.lifetime = number;
                                          if (verb == "backdate" && line >> number) inner_.backdated = number;
                                          if (verb == "renewable" && line >> number) inner_.renewable = number;
                                          std::fprintf(stderr, "admin: done\n");
                                          read();
                                      });
    }
    gateway::test_signer inner_;
    boost::asio::posix::stream_descriptor input_;
    std::string text_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    auto configuration = gateway::read_config(argv[1]);
    if (!configuration) {
        std::fprintf(stderr, "%s\n", configuration.error().c_str());
        return 2;
    }
    const std::string ca = argv[2];
    return static_cast<int>(gateway::run_serve(std::move(*configuration), [ca](boost::asio::io_context& io) {
        return std::make_unique<steered_signer>(io, ca);
    }));
}
