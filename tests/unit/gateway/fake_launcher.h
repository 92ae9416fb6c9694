// The launcher's end of its socket, with nothing behind it: a test says what it answers, packet by packet.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "launcher/fd.h"
#include "launcher/launcher_wire.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {

class fake_launcher {
public:
    fake_launcher() { listen(); }

    std::string path() const { return directory_.path() + "/launcher.sock"; }

    void listen() {
        ::unlink(path().c_str());
        listener_ = launcher::unique_fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::strcpy(name.sun_path, path().c_str());
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
        EXPECT_EQ(::listen(listener_.get(), 16), 0);
    }
    void die() {
        listener_.reset();
        callers_.clear();
    }

    // A caller whose request has come.
    struct caller {
        launcher::unique_fd socket;
        launcher::launcher_request request;

        void say(std::string_view packet, int descriptor = -1, int copies = 1) {
            iovec part{const_cast<char*>(packet.data()), packet.size()};
            msghdr message{};
            message.msg_iov = &part;
            message.msg_iovlen = 1;
            alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 4)> control{};
            if (descriptor >= 0) {
                message.msg_control = control.data();
                message.msg_controllen = CMSG_SPACE(sizeof(int) * static_cast<unsigned>(copies));
                auto* c = CMSG_FIRSTHDR(&message);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int) * static_cast<unsigned>(copies));
                for (int i = 0; i < copies; ++i)
                    std::memcpy(CMSG_DATA(c) + static_cast<std::size_t>(i) * sizeof(int), &descriptor, sizeof descriptor);
            }
            ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
        }
        void result(const protocol::json& value, int descriptor = -1) {
            launcher::launcher_reply reply;
            reply.what = launcher::launcher_reply::kind::result;
            reply.body = value;
            say(to_text(reply), descriptor);
        }
        void progress(std::string_view text) {
            launcher::launcher_reply reply;
            reply.what = launcher::launcher_reply::kind::progress;
            reply.body = protocol::json::object{{"component", request.component}, {"state", "starting"}, {"text", text}};
            say(to_text(reply));
        }
        void error(launcher::launcher_fault fault, std::string text) {
            launcher::launcher_reply reply;
            reply.what = launcher::launcher_reply::kind::error;
            reply.fault = fault;
            reply.text = std::move(text);
            say(to_text(reply));
        }
    };

    // Runs the loop until somebody has asked for `verb`; others are answered by `meanwhile`, if given.
    caller next(boost::asio::io_context& io, launcher::launcher_verb verb, const std::function<void(caller&)>& meanwhile = {}) {
        caller found;
        EXPECT_TRUE(run_until(io, [&] {
            take();
            for (auto at = callers_.begin(); at != callers_.end(); ++at) {
                if (at->request.verb == verb) {
                    found = std::move(*at);
                    callers_.erase(at);
                    return true;
                }
                if (!meanwhile) continue;
                meanwhile(*at);
                callers_.erase(at);
                return false;
            }
            return false;
        }));
        return found;
    }
    // Requests that have come and wait.
    std::size_t waiting() {
        take();
        return callers_.size();
    }

private:
    void take() {
        if (listener_)
            for (int fd; (fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) silent_.emplace_back(fd);
        for (auto at = silent_.begin(); at != silent_.end();) {
            std::array<char, launcher::max_launcher_packet> bytes;
            const auto size = ::recv(at->get(), bytes.data(), bytes.size(), 0);
            if (size <= 0) {
                if (size == 0)
                    at = silent_.erase(at);
                else
                    ++at;
                continue;
            }
            auto read = launcher::read_launcher_request({bytes.data(), static_cast<std::size_t>(size)});
            EXPECT_TRUE(read) << (read ? "" : read.error());
            if (read) callers_.push_back({std::move(*at), std::move(*read)});
            at = silent_.erase(at);
        }
    }

    temporary_directory directory_;
    launcher::unique_fd listener_;
    std::vector<launcher::unique_fd> silent_;
    std::vector<caller> callers_;
};

}  // namespace gateway
